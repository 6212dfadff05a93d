package conformance

import "github.com/prometheus/procfs"

type usage struct {
	descriptors, threads int
	resident             int64 // bytes
	children             []int
}

// usageOf reads what a process holds from /proc; false if the system does not have it.
func usageOf(pid int) (u usage, ok bool) {
	p, err := procfs.NewProc(pid)
	if err != nil {
		return u, false
	}
	stat, err := p.Stat()
	u.descriptors, _ = p.FileDescriptorsLen()
	u.threads, u.resident, u.children = stat.NumThreads, int64(stat.ResidentMemory()), descendants(pid)
	return u, err == nil && u.resident > 0
}

// descendants returns the processes that pid started, and those that they started.
func descendants(pid int) (out []int) {
	all, _ := procfs.AllProcs()
	parents := map[int]int{}
	for _, p := range all {
		if stat, err := p.Stat(); err == nil && stat.State != "Z" {
			parents[p.PID] = stat.PPID
		}
	}
	for n := range parents {
		p := parents[n]
		for p != 0 && p != pid {
			p = parents[p]
		}
		if p == pid {
			out = append(out, n)
		}
	}
	return out
}
