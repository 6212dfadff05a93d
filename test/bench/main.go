// Command bench measures the gateway and prints name=value lines; see docs/benchmarks.md.
//
// It counts messages at the sink, without the gateway's metrics. It measures a bare net/http forwarder and the gateway
// alternately, with the same load. Gateway, adapters and forwarder are separate processes, and the kernel measures
// their CPU time. With -against, it compares two builds of the gateway.
package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/prometheus/procfs"
)

var (
	bin     = flag.String("bin", "bin", "folder of the built programs (A)")
	against = flag.String("against", "", "folder of other programs (B): compare the two, and nothing else")
	loads   = flag.String("loads", "saturation,1000,300", "loads of rates and -against: saturation, overload, or a rate")
	full    = flag.Bool("full", false, "also measure the large rows, which takes half an hour")
	seconds = flag.Int("seconds", 4, "length of one measurement; an overload lasts longer")
	rounds  = flag.Int("rounds", 0, "how often each program is measured; medians are printed (default 3, with -against 5)")
	users   = flag.Int("users", 1000, "customers, each with one live conversation")
	senders = flag.Int("senders", 64, "senders at saturation; an overload has four times as many")
)

func main() {
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	switch flag.Arg(0) { // arguments with which this program starts itself
	case "forwarder":
		return serveForwarder(flag.Arg(1))
	case "sync":
		_, err := fmt.Println(fsyncMedian())
		return err
	}
	for _, dir := range []string{*bin, *against} {
		if _, err := os.Stat(filepath.Join(dir, "patchbay")); dir != "" && errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s/patchbay does not exist: run `make build` first", dir)
		}
	}
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease") // empty on other systems
	fmt.Printf("machine_cores=%d\nmachine_cpu=%s\n", runtime.NumCPU(), cpuModel())
	fmt.Printf("machine_kernel=%s\n", bytes.TrimSpace(kernel))
	fmt.Printf("machine_go=%s\nmachine_fsync_p50_ms=%.2f\n", runtime.Version(), fsyncMedian())
	d := time.Duration(*seconds) * time.Second
	if *against != "" {
		*rounds = cmp.Or(*rounds, 5)
		return compare(ctx, *bin, *against, strings.Split(*loads, ","), d)
	}
	*rounds = cmp.Or(*rounds, 3)
	return measureRows(ctx, flag.Args(), d)
}

// cpuModel returns the name of the machine's CPU.
func cpuModel() string {
	if fs, err := procfs.NewDefaultFS(); err == nil {
		if cpus, err := fs.CPUInfo(); err == nil && len(cpus) > 0 {
			return cpus[0].ModelName
		}
	}
	return "unknown"
}

// fsyncMedian returns the median time in ms to append and sync 1 KiB to a file in the folder for temporary files, which
// also contains the stores. It returns 0 after an error.
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
