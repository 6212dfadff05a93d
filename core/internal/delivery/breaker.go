package delivery

import (
	"errors"
	"time"

	"github.com/sony/gobreaker/v2"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/plugin"
	"patchbay/sdk"
)

const (
	breakerFailures = 5 // in a row
	breakerOpen     = 10 * time.Second
)

func (e *Engine) newBreaker(name string) *gobreaker.TwoStepCircuitBreaker[any] {
	return gobreaker.NewTwoStepCircuitBreaker[any](gobreaker.Settings{
		Name: name, MaxRequests: 1, Timeout: breakerOpen,
		ReadyToTrip: func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= breakerFailures },
		IsExcluded:  func(err error) bool { return errors.Is(err, errNotCalled) },
		OnStateChange: func(name string, from, to gobreaker.State) {
			e.Logger.Info("circuit breaker changed", "channel", name, "from", from.String(), "to", to.String())
			e.Observer.Breaker(name, to.String())
		},
	})
}

// Reachable reports whether the channel is configured and its breaker is not open.
func (e *Engine) Reachable(name string) bool {
	e.mu.Lock()
	ch := e.channels[name]
	e.mu.Unlock()
	return ch != nil && ch.breaker.State() != gobreaker.StateOpen
}

// errNotCalled means that the vendor was not called. The breaker does not count it.
var errNotCalled = errors.New("the vendor was not called")

func notCalled(err error) bool {
	return errors.Is(err, plugin.ErrNotReady) || errors.Is(err, errNotCalled)
}

// breakerError returns the result of a call as the breaker counts it: nil, a failure, or errNotCalled for results that
// do not depend on the vendor. A fault of the adapter counts only if DeadOnUnknown is set: then each call in flight
// becomes a dead letter, and the open breaker limits their number.
func breakerError(r result, canceled bool) error {
	_, broke := errors.AsType[*plugin.BrokeError](r.err)
	switch {
	case canceled || notCalled(r.err) || broke && r.out.Result == attempt.ResultRetry,
		r.out.Error == string(sdk.KindThrottled), r.out.Error == errorKilled:
		return errNotCalled
	case r.out.Result == attempt.ResultRetry || r.out.Error == string(sdk.KindUnknown):
		return errors.New(r.out.Error)
	}
	return nil
}
