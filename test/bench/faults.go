package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"patchbay/sandbox/gateway"
)

// storeCap fills the store while the vendor is down. Then it measures how long the gateway still refuses messages after
// it has delivered the backlog.
func storeCap(ctx context.Context, b *bench, _ time.Duration) error {
	g, err := b.start(ctx, "gateway", *bin, "", "PATCHBAY_STORE__CAP=64MiB")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 2*patience)
	defer cancel()
	g.padding = 3000
	b.sink.reset()
	b.sink.down.Store(true)
	var full atomic.Bool
	load := &sent{ordered: true}
	var sending sync.WaitGroup
	sending.Go(func() { load.send(ctx, g, *senders, func(int) bool { return !full.Load() }) })
	for !full.Load() && ctx.Err() == nil {
		time.Sleep(20 * time.Millisecond)
		code, _, _ := gateway.Get(ctx, "http://"+g.gw.Admin+"/readyz")
		full.Store(code == http.StatusServiceUnavailable)
	}
	load.mu.Lock()
	filled, backlog := time.Now(), len(load.latencies)
	load.mu.Unlock()
	b.sink.down.Store(false)
	var delivered, refused time.Time // the backlog, and the last time when a message was refused
	for ctx.Err() == nil {
		if delivered.IsZero() && b.sink.arrived() >= backlog {
			delivered = time.Now()
		}
		wait, err := g.try(message(serial.Add(1), place{user: probe, due: time.Now()}, 0))
		if wait > 0 || err != nil {
			refused = time.Now()
		} else if !delivered.IsZero() {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	sending.Wait()
	if _, err := b.sink.await(ctx, load); err != nil {
		return err
	}
	print(float64(backlog), "cap_backlog")
	print(delivered.Sub(filled).Seconds(), "cap_backlog_delivered_s")
	print(max(0, refused.Sub(filled).Seconds()), "cap_refused_s")
	print(max(0, refused.Sub(delivered).Seconds()), "cap_refused_after_backlog_s")
	return nil
}

// slowSync delays each fsync of the gateway to 5 ms, with strace. It also measures the effect of strace alone.
func slowSync(ctx context.Context, b *bench, d time.Duration) error {
	dir, err := os.MkdirTemp("", "patchbay-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if _, err := exec.LookPath("strace"); err != nil {
		fmt.Println("# the row fsync is left out: strace is not installed")
		return nil
	}
	const delay = 4600 * time.Microsecond // together with strace and a fast disk, 5 ms
	sync, err := syncUnder(ctx, delay)
	if err != nil {
		return err
	}
	print(sync, "fsync_p50_ms_slow")
	if _, err := b.start(ctx, "plain", *bin, ""); err != nil {
		return err
	}
	for name, delay := range map[string]time.Duration{"strace": 0, "slow": delay} {
		programs := filepath.Join(dir, name)
		if err := wrap(programs, delay); err != nil {
			return err
		}
		if _, err := b.start(ctx, name, programs, ""); err != nil {
			return err
		}
	}
	rounds, err := b.alternate(ctx, atRate(1000, d), b.gateways...)
	if err != nil {
		return err
	}
	for _, s := range b.gateways {
		print(median(rounds[s.name], acceptP50), "accept_p50_ms_1000_fsync_%s", s.name)
		print(median(rounds[s.name], acceptP99), "accept_p99_ms_1000_fsync_%s", s.name)
	}
	return nil
}

// strace returns the command line that runs a program whose fsyncs take longer.
func strace(delay time.Duration) []string {
	args := []string{"strace", "-D", "-f", "--seccomp-bpf", "-o", "/dev/null", "-e", "trace=fsync,fdatasync"}
	if delay > 0 {
		args = append(args, "-e", fmt.Sprintf("inject=fsync,fdatasync:delay_exit=%d", delay.Microseconds()))
	}
	return args
}

// syncUnder returns the median time of an fsync of a process under strace, in ms.
func syncUnder(ctx context.Context, delay time.Duration) (float64, error) {
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	args := append(strace(delay), self, "sync")
	out, err := exec.CommandContext(ctx, args[0], args[1:]...).Output()
	if err != nil {
		return 0, fmt.Errorf("run %s: %w", args, err)
	}
	return strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
}

// wrap makes a folder of programs in which the gateway runs under strace.
func wrap(dir string, delay time.Duration) error {
	programs, err := filepath.Abs(*bin)
	if err != nil {
		return err
	}
	script := fmt.Sprintf("#!/bin/sh\nexec %s %q/patchbay \"$@\"\n", strings.Join(strace(delay), " "), programs)
	return errors.Join(os.Mkdir(dir, 0o700), os.Symlink(programs+"/native", dir+"/native"),
		os.Symlink(programs+"/botwebhook", dir+"/botwebhook"), os.WriteFile(dir+"/patchbay", []byte(script), 0o700))
}

//go:embed hanging.yaml
var hangingChannels string

// isolation compares a gateway with a channel whose calls all hang with one that has no work there.
func isolation(ctx context.Context, b *bench, d time.Duration) error {
	for _, name := range []string{"calm", "hanging"} {
		if _, err := b.start(ctx, name, *bin, hangingChannels); err != nil {
			return err
		}
	}
	hung := *b.gateways[1]
	hung.url = strings.TrimSuffix(hung.url, "bench") + "hung"
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go atRate(50, 25*time.Second)(ctx, &hung)
	time.Sleep(2 * time.Second)
	rounds, err := b.alternate(ctx, atRate(1000, d), b.gateways...)
	if err != nil {
		return err
	}
	for _, figure := range []string{acceptP99, endP99} {
		calm, hanging := median(rounds["calm"], figure), median(rounds["hanging"], figure)
		print(hanging, "isolation_%s_hanging", figure)
		print(hanging/calm, "isolation_%s_hanging_to_calm", figure)
	}
	return nil
}
