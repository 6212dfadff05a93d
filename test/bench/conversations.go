package main

import (
	"context"
	"strconv"
	"syscall"
	"time"
)

// conversations compares a gateway with many live conversations, which get messages in turn, with a gateway with few.
// Then it restarts the gateway with many.
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
		if _, err := b.measure(ctx, many, oneMessageEach); err != nil {
			return err
		}
		rounds, err := b.alternate(ctx, saturate(*senders, d), b.forwarder, few, many)
		if err != nil {
			return err
		}
		for _, s := range []*subject{few, many} {
			printValue(cpuRatio(rounds, s.name, "forwarder"), "cpu_ratio_conversations_%s", s.name)
			printValue(s.memory(), "memory_conversations_%s_mb", s.name)
		}
		printValue(cpuRatio(rounds, many.name, few.name), "cpu_ratio_conversations_%d_to_%d", n, *users)
		if *full {
			// After this, the log contains at least two messages of each conversation.
			if _, err := b.measure(ctx, many, oneMessageEach); err != nil {
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

// restart ends the gateway with SIGKILL and with SIGTERM. It measures the duration of each end and of the next start.
func restart(ctx context.Context, s *subject) error {
	printValue(float64(s.messages), "restart_%s_messages", s.name)
	for _, signal := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM} {
		began := time.Now()
		if err := s.gw.Terminate(ctx, signal); err != nil {
			return err
		}
		after := map[syscall.Signal]string{syscall.SIGKILL: "sigkill", syscall.SIGTERM: "sigterm"}[signal]
		printValue(time.Since(began).Seconds(), "restart_%s_%s_stop_s", s.name, after)
		ready, accepting, err := s.start(ctx)
		if err != nil {
			return err
		}
		printValue(ready.Seconds(), "restart_%s_%s_ready_s", s.name, after)
		printValue(accepting.Seconds(), "restart_%s_%s_accepting_s", s.name, after)
		time.Sleep(3 * time.Second) // the work after a start must not slow the next stop
	}
	return nil
}
