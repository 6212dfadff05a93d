// Package backoff computes the delay before a retry: exponential, bounded and with jitter.
package backoff

import (
	"math/rand/v2"
	"time"
)

// Policy describes an exponential backoff. It holds no state: the caller counts its attempts.
type Policy struct {
	Base time.Duration // delay of attempt 0
	Max  time.Duration // upper bound; a Max below Base counts as Base
	// Jitter is the share of the delay that is random, from 0 (none) to 1 (all of it). It spreads
	// callers that failed at the same moment.
	Jitter float64
}

// Delay returns the delay for an attempt, counted from 0. The delay is Base for attempt 0 and doubles with each
// attempt, up to Max. A random share of it, at most Jitter, is subtracted. It uses the default source of math/rand/v2.
func (p Policy) Delay(attempt int) time.Duration { return p.delay(attempt, rand.Float64()) }

// delay is Delay with a random number r in [0,1).
func (p Policy) delay(attempt int, r float64) time.Duration {
	limit := max(p.Max, p.Base)
	d := p.Base
	for ; attempt > 0 && d > 0 && d < limit; attempt-- {
		if d > limit/2 {
			d = limit
			break
		}
		d *= 2
	}
	return d - time.Duration(r*p.Jitter*float64(d))
}
