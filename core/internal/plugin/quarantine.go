package plugin

import (
	"time"

	"patchbay/sdk/backoff"
)

// restartBudget decides when to start the next process: immediately, after a delay, or, after too many crashes, in
// quarantine. It belongs to the supervisor.
type restartBudget struct {
	opts     *Options
	failures int         // ends in a row, none of them after HealthyAfter
	crashes  []time.Time // within CrashWindow
	trial    bool        // the last start was a trial out of quarantine
}

type restart struct {
	delay      time.Duration
	quarantine bool
}

// next records the end of a process at now and returns when to start the next one. uptime is how long the process was
// ready, or 0 if it never was.
func (b *restartBudget) next(now time.Time, reason string, uptime time.Duration) restart {
	if reason == reasonRequested {
		return restart{}
	}
	if reason == reasonPermanent {
		b.failures++
		b.trial = true
		return restart{delay: b.opts.PermanentRetry, quarantine: true}
	}
	if uptime >= b.opts.HealthyAfter {
		b.failures, b.crashes, b.trial = 0, nil, false
	}
	b.failures++
	recent := b.crashes[:0]
	for _, t := range b.crashes {
		if now.Sub(t) < b.opts.CrashWindow {
			recent = append(recent, t)
		}
	}
	b.crashes = append(recent, now)
	if b.trial || len(b.crashes) >= b.opts.CrashBudget {
		b.trial = true
		return restart{delay: b.opts.QuarantineRetry, quarantine: true}
	}
	if b.failures == 1 && uptime > 0 {
		return restart{}
	}
	delay := backoff.Policy{Base: b.opts.BackoffMin, Max: b.opts.BackoffMax, Jitter: 0.5}
	return restart{delay: delay.Delay(b.failures - 1)}
}
