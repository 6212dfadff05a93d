package plugin

import (
	"time"

	"patchbay/sdk/backoff"
)

// budget decides when to start again after an end. It belongs to the supervisor.
type budget struct {
	opts     *Options
	failures int         // ends in a row without a healthy time between
	crashes  []time.Time // within the window
	halfOpen bool        // the last start was a try out of quarantine
}

// verdict is what the budget says about an end.
type verdict struct {
	wait       time.Duration
	quarantine bool
}

// after takes an end at now of a process that had been ready for uptime (0: it never was).
func (b *budget) after(now time.Time, reason string, uptime time.Duration) verdict {
	if reason == reasonRequested {
		return verdict{}
	}
	if reason == reasonPermanent {
		b.failures++
		b.halfOpen = true
		return verdict{wait: b.opts.PermanentRetry, quarantine: true}
	}
	if uptime >= b.opts.HealthyAfter {
		b.failures, b.crashes, b.halfOpen = 0, nil, false
	}
	b.failures++
	kept := b.crashes[:0]
	for _, t := range b.crashes {
		if now.Sub(t) < b.opts.CrashWindow {
			kept = append(kept, t)
		}
	}
	b.crashes = append(kept, now)
	if b.halfOpen || len(b.crashes) >= b.opts.CrashBudget {
		b.halfOpen = true
		return verdict{wait: b.opts.QuarantineRetry, quarantine: true}
	}
	if b.failures == 1 && uptime > 0 {
		return verdict{}
	}
	delay := backoff.Policy{Base: b.opts.BackoffMin, Max: b.opts.BackoffMax, Jitter: 0.5}
	return verdict{wait: delay.Delay(b.failures - 1)}
}
