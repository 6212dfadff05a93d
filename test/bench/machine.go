package main

import (
	"errors"
	"os"
	"strings"
	"time"

	"github.com/prometheus/procfs"
)

// cpuModel returns the name of the machine's CPU.
func cpuModel() string {
	if fs, err := procfs.NewDefaultFS(); err == nil {
		if cpus, err := fs.CPUInfo(); err == nil && len(cpus) > 0 {
			return cpus[0].ModelName
		}
	}
	return "unknown"
}

func kernel() string {
	data, _ := os.ReadFile("/proc/sys/kernel/osrelease") // empty on other systems
	return strings.TrimSpace(string(data))
}

// fsyncMedian returns the median time to append and sync 1 KiB on the disk of the store in ms, 0 after an error.
func fsyncMedian() float64 {
	f, err := os.CreateTemp("", "bench-fsync-")
	if err != nil {
		return 0
	}
	defer os.Remove(f.Name())
	defer f.Close()
	var took []time.Duration
	buf := make([]byte, 1024)
	for range 100 {
		began := time.Now()
		_, err := f.Write(buf)
		if errors.Join(err, f.Sync()) != nil {
			return 0
		}
		took = append(took, time.Since(began))
	}
	return quantile(took, 0.5)
}
