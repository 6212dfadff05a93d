package delivery

import (
	"math/rand/v2"
	"time"

	"patchbay/core/internal/attempt"
	"patchbay/sdk"
	"patchbay/sdk/backoff"
)

const (
	backoffBase      = 500 * time.Millisecond
	backoffMax       = time.Minute
	unauthorizedBase = 30 * time.Second
)

// retryDelay returns the delay before the next attempt: exponential with full jitter, but at least a quarter of base.
func retryDelay(base time.Duration, attempts uint32) time.Duration {
	return base/4 + backoff.Policy{Base: base, Max: backoffMax, Jitter: 1}.Delay(int(attempts))
}

// retry returns an outcome that repeats the delivery. The delay is at least the duration after.
func (t *task) retry(kind, text string, after time.Duration) *attempt.Outcome {
	wait := max(after, retryDelay(backoffBase, t.job.Delivery.Attempts))
	return &attempt.Outcome{Result: attempt.ResultRetry, Error: kind, Text: text, Next: t.ch.now().Add(wait)}
}

// retryNotCalled is retry for a delivery whose vendor was not called. This is not an attempt, so the delay grows with
// the age of the delivery. The delay ends no later than the wait for media, so that media are read once more.
func (t *task) retryNotCalled(kind, text string, after time.Duration) *attempt.Outcome {
	age := t.age()
	wait := max(after, backoffBase/4+rand.N(min(max(2*age, backoffBase), backoffMax)))
	if left := t.mediaWait() - age; left > 0 {
		wait = min(wait, max(left, backoffBase/4))
	}
	return &attempt.Outcome{Result: attempt.ResultRetry, Error: kind, Text: text, Next: t.ch.now().Add(wait),
		NotCalled: true}
}

// age returns the time since the delivery was queued.
func (t *task) age() time.Duration { return t.ch.now().Sub(t.job.Delivery.QueuedAt) }

// unknownOutcome returns the outcome of a call whose effect is unknown.
func (t *task) unknownOutcome(text string) *attempt.Outcome {
	if t.settings.DeadOnUnknown {
		return deadLetter(string(sdk.KindUnknown), text)
	}
	return t.retry(string(sdk.KindUnknown), text, 0)
}

// deadLetter returns an outcome that gives the delivery up.
func deadLetter(kind, text string) *attempt.Outcome {
	return &attempt.Outcome{Result: attempt.ResultDead, Error: kind, Text: text}
}
