// Command bench measures the gateway against its budgets and prints name=value lines.
//
// It counts messages at the sink, not with the gateway's metrics. It measures a bare net/http forwarder and the gateway
// alternately, with the same load. Gateway, adapters and forwarder are separate processes; their CPU times are read
// from /proc.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"time"
)

var (
	bin           = flag.String("bin", "bin", "folder of the built programs")
	seconds       = flag.Int("seconds", 8, "length of one measurement")
	rounds        = flag.Int("rounds", 3, "how often each pair is measured; medians are printed")
	users         = flag.Int("users", 500, "customers")
	workers       = flag.Int("workers", 64, "senders at saturation")
	conversations = flag.Int("conversations", 0, "also measure memory with this number of live conversations")
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
	if flag.Arg(0) == "forwarder" {
		return serveForwarder(flag.Arg(1))
	}
	if _, err := os.Stat(filepath.Join(*bin, "patchbay")); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s/patchbay is not there: run `make build` first", *bin)
	}
	fmt.Printf("machine_cores=%d\nmachine_cpu=%s\nmachine_kernel=%s\n", runtime.NumCPU(), cpuModel(), kernel())
	fmt.Printf("machine_go=%s\nmachine_fsync_p50_ms=%.2f\n", runtime.Version(), ms(fsyncMedian()))
	b, err := newBench(ctx)
	if err != nil {
		return err
	}
	defer b.close()
	return b.measureAll(ctx)
}

// fsyncMedian returns the median time to append and sync 1 KiB on the disk of the store, 0 after an error.
func fsyncMedian() time.Duration {
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
