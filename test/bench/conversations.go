package main

import (
	"context"
	"strconv"
	"syscall"
	"time"
)

// conversations compares many live conversations, which get messages in turn, with few. Then it restarts the gateway
// with many.
func conversations(ctx context.Context, b *bench, d time.Duration) error {
	few, err := b.start(ctx, strconv.Itoa(*users), *bin, "")
	if err != nil {
		return err
	}
	sizes := []int{100_000}
	if *full {
		sizes = append(sizes, 500_000)
	}
	for _, n := range sizes {
		many, err := b.start(ctx, strconv.Itoa(n), *bin, "")
		if err != nil {
			return err
		}
		many.users = n
		if _, err := b.one(ctx, many, once); err != nil {
			return err
		}
		rounds, err := b.alternate(ctx, saturate(*senders, d), b.forwarder, few, many)
		if err != nil {
			return err
		}
		for _, s := range []*subject{few, many} {
			print(cpuRatio(rounds, s.name, "forwarder"), "cpu_ratio_conversations_%s", s.name)
			print(s.memory(), "memory_conversations_%s_mb", s.name)
		}
		print(cpuRatio(rounds, many.name, few.name), "cpu_ratio_conversations_%d_to_%d", n, *users)
		if *full {
			if _, err := b.one(ctx, many, once); err != nil { // a log with at least two messages of each
				return err
			}
		}
		if err := restart(ctx, many); err != nil {
			return err
		}
		many.stop()
	}
	return nil
}

// restart measures the starts after SIGKILL and SIGTERM, and the stop.
func restart(ctx context.Context, s *subject) error {
	print(float64(s.messages), "restart_%s_messages", s.name)
	for _, signal := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM} {
		began := time.Now()
		if err := s.gw.Terminate(ctx, signal); err != nil {
			return err
		}
		after := map[syscall.Signal]string{syscall.SIGKILL: "sigkill", syscall.SIGTERM: "sigterm"}[signal]
		print(time.Since(began).Seconds(), "restart_%s_%s_stop_s", s.name, after)
		ready, accepting, err := s.start(ctx)
		if err != nil {
			return err
		}
		print(ready.Seconds(), "restart_%s_%s_ready_s", s.name, after)
		print(accepting.Seconds(), "restart_%s_%s_accepting_s", s.name, after)
		time.Sleep(3 * time.Second) // so that it has no work left of the start
	}
	return nil
}
