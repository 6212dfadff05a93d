package adaptertest

import (
	"slices"
)

// growth is what memory may grow by: in all and by a share of what there is, for whatever settles late or is garbage when it
// is looked at, and for a message on average.
type growth struct {
	what       string
	inAll      int64
	share      int64 // one in so many bytes
	perMessage int64
}

// What is measured is what the last collection left of the heap, if a Go runtime tells, and else what the process has
// resident, which runtimes give back late if ever.
var (
	growthOfHeap     = growth{"the heap has", 192 << 10, 16, 16}
	growthOfResident = growth{"the process has", 20 << 20, 16, 256}
)

// checkMemory makes many calls, several to a frame, and compares how much memory the process has.
func checkMemory(x *exam) {
	flat := x.assert("memory.flat", "memory does not grow with the number of messages, conversations and ids")
	works := x.assert("memory.works", "all calls are answered while many are under way")
	same := x.assert("memory.same", "late calls are answered as the first ones were, for ever new conversations")
	l, err := x.newLoad()
	if !works.check(err == nil, "%v", err) {
		return
	}
	if l.perFrame() == 0 {
		x.skipAll("no calls in the exam data")
		return
	}
	meter, limit := x.meter()
	if meter == nil {
		flat.skip("this system does not tell")
	}
	total := x.opts.Messages
	warm := max(total/4, l.framesFor(x.data.Remembers)*l.perFrame())
	var samples []int64
	for done, frames := 0, 0; done < warm+total; frames++ {
		n, err := x.frame(l, same)
		if !works.check(err == nil, "after %d messages: %v", done, err) {
			return
		}
		if done += n; done > warm && meter != nil && frames%sampleEvery == 0 {
			samples = append(samples, meter())
		}
	}
	n := x.prog.receive.strangers() + x.prog.deliver.strangers()
	works.check(n == 0, "%d results had the id of no call that waits: give each call one result, with its own id", n)
	same.check(true, "")
	if len(samples) < 8 {
		flat.skip("too few messages to tell")
		return
	}
	early, late := median(samples[:len(samples)/4]), median(samples[len(samples)*3/4:])
	grown := int64(total) * 3 / 4 // messages between the two
	flat.check(late <= early+limit.inAll+early/limit.share+grown*limit.perMessage, "%s %d KiB after %d messages of %s, %d KiB before: %d bytes a message: "+
		"forget what ended, and bound what you keep of conversations and ids (if it is bounded, say under remembers in exam.yaml for how "+
		"many conversations; of a runtime that frees memory late, bound the heap, or send more messages: what is a leak goes on growing)",
		limit.what, late>>10, total, l.kind(), early>>10, (late-early)/grown)
}

// sampleEvery is how many frames are between two looks at the memory.
const sampleEvery = 4

func median(list []int64) int64 {
	s := slices.Sorted(slices.Values(list))
	return s[len(s)/2]
}

// meter returns what tells the memory in bytes, and how much it may grow; nil if nothing tells.
func (x *exam) meter() (func() int64, growth) {
	const heap = "go_gc_heap_live_bytes"
	if _, ok := x.metric(heap); ok {
		return func() int64 { n, _ := x.metric(heap); return int64(n) }, growthOfHeap
	}
	pid := x.prog.process.pid()
	if _, ok := usageOf(pid); ok {
		return func() int64 { u, _ := usageOf(pid); return u.bytes }, growthOfResident
	}
	return nil, growth{}
}
