package plugin

import (
	"time"

	"patchbay/sdk/backoff"
)

// restartBudget decides when to start the next process: immediately, after a delay, or, after too many crashes, in
// quarantine. It belongs to the supervisor.
type restartBudget struct {
	opts     *Options
	failures int         // ends in a row, none of them with an uptime of HealthyAfter
	crashes  []time.Time // within CrashWindow
	blamed   int         // ends in a row for which a call is blamed, while no other call of its kind had a result
	trials   int         // starts out of quarantine in a row
}

// maxBlamed is the number of ends in a row that are blamed on calls before the adapter itself is blamed. A call is
// given up after two such ends, or after three if other calls ran at the first end.
const maxBlamed = 10

type restart struct {
	delay      time.Duration
	quarantine bool
}

// ending describes the end of a process.
type ending struct {
	cause     error
	uptime    time.Duration // how long the process was ready; 0 if it never was
	blamed    bool          // a call is blamed for it
	hadResult bool          // before, another call of the same kind had a result
}

// next records the end of a process at now and returns when to start the next one. An end for which a call is blamed
// does not count, because that call is given up soon. After more than maxBlamed such ends in a row, the adapter goes
// into quarantine.
func (b *restartBudget) next(now time.Time, reason string, end ending) restart {
	uptime := end.uptime
	if reason == reasonRequested {
		return restart{}
	}
	if reason == reasonPermanent || reason == reasonChanged {
		b.failures++
		return b.quarantine(b.opts.PermanentRetry)
	}
	if uptime >= b.opts.HealthyAfter {
		b.failures, b.crashes, b.trials = 0, nil, 0
	}
	if end.hadResult || !end.blamed {
		b.blamed = 0
	}
	if end.blamed {
		if b.blamed++; b.blamed <= maxBlamed {
			return restart{}
		}
		return b.quarantine(b.opts.QuarantineRetry)
	}
	b.failures++
	recent := b.crashes[:0]
	for _, t := range b.crashes {
		if now.Sub(t) < b.opts.CrashWindow {
			recent = append(recent, t)
		}
	}
	b.crashes = append(recent, now)
	if b.trials > 0 || len(b.crashes) >= b.opts.CrashBudget {
		return b.quarantine(b.opts.QuarantineRetry)
	}
	if b.failures == 1 && uptime > 0 {
		return restart{}
	}
	delay := backoff.Policy{Base: b.opts.BackoffMin, Max: b.opts.BackoffMax, Jitter: 0.5}
	return restart{delay: delay.Delay(b.failures - 1)}
}

// quarantine returns a delay that doubles with each trial, up to limit.
func (b *restartBudget) quarantine(limit time.Duration) restart {
	delay := backoff.Policy{Base: min(b.opts.QuarantineMin, limit), Max: limit}.Delay(b.trials)
	b.trials++
	return restart{delay: delay, quarantine: true}
}
