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

// storeCap fills the store while the vendor is down. Then it measures how long the gateway refuses messages after it
// has delivered the backlog.
func storeCap(ctx context.Context, b *bench, _ time.Duration) error {
	g, err := b.start(ctx, "gateway", *bin, "", "PATCHBAY_STORE__CAP=64MiB")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 2*messageTimeout)
	defer cancel()
	g.padding = 3000
	b.sink.reset()
	b.sink.down.Store(true)
	var full atomic.Bool
	load := &loadResult{ordered: true}
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
	var delivered, refused time.Time // when the backlog was delivered, and when a message was last refused
	for ctx.Err() == nil {
		if delivered.IsZero() && b.sink.arrived() >= backlog {
			delivered = time.Now()
		}
		wait, err := g.request(message(lastMessageID.Add(1), position{user: probe, due: time.Now()}, 0))
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
	printValue(float64(backlog), "cap_backlog")
	printValue(delivered.Sub(filled).Seconds(), "cap_backlog_delivered_s")
	printValue(max(0, refused.Sub(filled).Seconds()), "cap_refused_s")
	printValue(max(0, refused.Sub(delivered).Seconds()), "cap_refused_after_backlog_s")
	return nil
}

// slowSync extends each fsync of the gateway to about 5 ms, with strace. It also measures the effect of strace alone.
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
	const delay = 4600 * time.Microsecond // with the time of strace and of a fast disk, about 5 ms
	sync, err := fsyncUnderStrace(ctx, delay)
	if err != nil {
		return err
	}
	printValue(sync, "fsync_p50_ms_slow")
	if _, err := b.start(ctx, "plain", *bin, ""); err != nil {
		return err
	}
	for name, delay := range map[string]time.Duration{"strace": 0, "slow": delay} {
		programs := filepath.Join(dir, name)
		if err := writePrograms(programs, delay); err != nil {
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
		printValue(median(rounds[s.name], acceptP50), "accept_p50_ms_1000_fsync_%s", s.name)
		printValue(median(rounds[s.name], acceptP99), "accept_p99_ms_1000_fsync_%s", s.name)
	}
	return nil
}

// strace returns the beginning of a command line that runs a program under strace and adds delay to each fsync.
func strace(delay time.Duration) []string {
	args := []string{"strace", "-D", "-f", "--seccomp-bpf", "-o", "/dev/null", "-e", "trace=fsync,fdatasync"}
	if delay > 0 {
		args = append(args, "-e", fmt.Sprintf("inject=fsync,fdatasync:delay_exit=%d", delay.Microseconds()))
	}
	return args
}

// fsyncUnderStrace returns the median time of an fsync in a process under strace, in ms.
func fsyncUnderStrace(ctx context.Context, delay time.Duration) (float64, error) {
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

// writePrograms creates a folder with the programs. Its program patchbay runs the gateway under strace.
func writePrograms(dir string, delay time.Duration) error {
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

// isolation compares two gateways with the same channels. One of them also gets messages for a channel whose calls
// hang.
func isolation(ctx context.Context, b *bench, d time.Duration) error {
	for _, name := range []string{"calm", "hanging"} {
		if _, err := b.start(ctx, name, *bin, hangingChannels); err != nil {
			return err
		}
	}
	hanging := *b.gateways[1]
	hanging.url = strings.TrimSuffix(hanging.url, "bench") + "hung"
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go atRate(50, 25*time.Second)(ctx, &hanging)
	time.Sleep(2 * time.Second)
	rounds, err := b.alternate(ctx, atRate(1000, d), b.gateways...)
	if err != nil {
		return err
	}
	for _, figure := range []string{acceptP99, endP99} {
		calm, hanging := median(rounds["calm"], figure), median(rounds["hanging"], figure)
		printValue(hanging, "isolation_%s_hanging", figure)
		printValue(hanging/calm, "isolation_%s_hanging_to_calm", figure)
	}
	return nil
}
