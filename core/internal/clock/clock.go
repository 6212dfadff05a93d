// Package clock provides the gateway's clock. All waits and ages of deliveries, offers and conversations use it.
package clock

import (
	"context"
	"log/slog"
	"time"
)

// tolerance is the maximum difference to the system's clock that Watch does not report.
const tolerance = 2 * time.Minute

// System returns a clock that starts at the time of the system's clock and then counts the elapsed time. It does not
// follow changes of the system's clock.
func System() func() time.Time {
	start := time.Now()
	return New(start, func() time.Duration { return time.Since(start) })
}

// New returns a clock that starts at start and counts the elapsed time.
func New(start time.Time, elapsed func() time.Duration) func() time.Time {
	return func() time.Time { return start.Add(elapsed()) }
}

// Watch logs if the system's clock and the gateway's clock (now) differ by more than tolerance. They differ if the
// system's clock was set, or the computer slept, after the gateway started. Watch returns when ctx ends.
func Watch(ctx context.Context, now func() time.Time, logger *slog.Logger) {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	reported := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		ahead := time.Now().Round(0).Sub(now().Round(0)) // Round removes the monotonic readings
		if differs := ahead.Abs() > tolerance; differs != reported {
			reported = differs
			if differs {
				logger.Warn("system clock differs from the gateway's clock, which follows after a restart", "ahead_seconds",
					ahead.Seconds())
			}
		}
	}
}
