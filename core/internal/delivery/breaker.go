package delivery

import (
	"errors"
	"slices"
	"time"

	"patchbay/core/internal/plugin"
	"patchbay/sdk"
)

// A breaker stops the calls to a channel whose vendor cannot be reached. It opens when the calls of several
// conversations have failed and none has reached the vendor since. If only one conversation has work on the channel,
// the breaker stays closed: one message may be the cause of all failures. The delay between its attempts then protects
// the vendor.

const (
	breakerFailures = 5 // conversations whose failures open a breaker
	// breakerMinimum is the lowest limit. If fewer than breakerFailures conversations have work, all of them must fail,
	// but at least two.
	breakerMinimum  = 2
	breakerOpenTime = 10 * time.Second
)

// States of a breaker.
const (
	breakerClosed   = "closed"
	breakerHalfOpen = "half-open" // one call is allowed
	breakerIsOpen   = "open"
)

// breaker is the circuit breaker of one channel. The engine's lock guards it.
type breaker struct {
	state  string
	failed []string // conversations with failed calls since a call has reached the vendor
	cause  string   // text of the last failure
	probe  *task    // the call in flight of a half-open breaker
	timer  *time.Timer
}

// allows reports whether a call may start.
func (b *breaker) allows() bool {
	return b.state == breakerClosed || b.state == breakerHalfOpen && b.probe == nil
}

// noteStart notes a call that starts.
func (b *breaker) noteStart(t *task) {
	if b.state == breakerHalfOpen {
		b.probe = t
	}
}

// nextState returns the state after a call. busy returns the number of conversations with jobs on the channel, at most
// the given limit.
func (b *breaker) nextState(t *task, r *result, busy func(limit int) int) string {
	probe := b.probe == t && b.state == breakerHalfOpen
	if b.probe == t {
		b.probe = nil
	}
	switch {
	case r.vendor == vendorReachable:
		b.failed = nil
		return breakerClosed
	case r.vendor == vendorUnknown:
		return b.state
	}
	b.cause = r.out.Text
	if b.state == breakerClosed && !slices.Contains(b.failed, t.job.Conv.ID) {
		b.failed = append(b.failed, t.job.Conv.ID)
	}
	limit := max(breakerMinimum, busy(breakerFailures))
	if probe || b.state == breakerClosed && len(b.failed) >= limit {
		return breakerIsOpen
	}
	return b.state
}

// updateBreaker passes the result of a call to the breaker of its channel. The caller holds the lock.
func (e *Engine) updateBreaker(t *task, r *result) {
	b := &t.ch.breaker
	if t.job.Delivery.IsTriedOnce() && r.vendor == vendorFailed {
		r.vendor = vendorUnknown // a vendor that fails for such events may accept messages
	}
	if t.canceled || r.out.Error == string(sdk.KindThrottled) && time.Now().Before(t.ch.pause) {
		r.vendor = vendorUnknown // throttled calls that started before the pause are not further failures
	}
	to := b.nextState(t, r, t.ch.busyConversations)
	e.setBreaker(t.ch, to)
}

// busyConversations returns the number of conversations that have a job on the channel or are among the breaker's
// failures, at most limit.
func (c *channel) busyConversations(limit int) int {
	found := map[string]bool{}
	for _, conv := range c.breaker.failed {
		found[conv] = true
	}
	for t := range c.tasks {
		if len(found) >= limit {
			return limit
		}
		found[t.job.Conv.ID] = true
	}
	return len(found)
}

// halfOpen lets an open breaker allow one call.
func (e *Engine) halfOpen(ch *channel) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if ch.breaker.state != breakerIsOpen || e.stopping {
		return
	}
	e.setBreaker(ch, breakerHalfOpen)
	e.startCalls(ch.adapter)
}

func (e *Engine) setBreaker(ch *channel, to string) {
	b := &ch.breaker
	from := b.state
	if to == from {
		return
	}
	b.state = to
	if b.timer != nil {
		b.timer.Stop()
	}
	if to == breakerIsOpen {
		b.timer = time.AfterFunc(breakerOpenTime, func() { e.halfOpen(ch) })
	}
	e.Observer.Breaker(ch.Name, to)
	switch {
	case from == breakerClosed:
		e.Logger.Warn("circuit breaker opened", "channel", ch.Name, "conversations", len(b.failed), "error", b.cause)
	case to == breakerClosed:
		e.Logger.Info("circuit breaker closed", "channel", ch.Name)
	default:
		e.Logger.Debug("circuit breaker changed", "channel", ch.Name, "from", from, "to", to, "error", b.cause)
	}
}

// IsReachable reports whether the channel is configured, its breaker is not open, and a pause that the vendor asked for
// ends within the given time.
func (e *Engine) IsReachable(name string, within time.Duration) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	ch := e.channels[name]
	return ch != nil && ch.breaker.state != breakerIsOpen && time.Until(ch.pause) < within
}

// errNotCalled means that the vendor was not called. The call is not an attempt.
var errNotCalled = errors.New("the vendor was not called")

func isNotCalled(err error) bool {
	return errors.Is(err, plugin.ErrNotReady) || errors.Is(err, errNotCalled)
}
