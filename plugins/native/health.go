package main

import (
	"context"
	"errors"
	"sync/atomic"

	"patchbay/sdk"
)

// unreachableAfter is the number of consecutive calls without a response that make a channel unhealthy. It is more than
// one because a restart of the far end must not cause an alert.
const unreachableAfter = 3

// health summarizes the last calls to the far end. The zero value is healthy. It is safe for concurrent use.
type health struct {
	refused         atomic.Bool  // the far end refused the credentials and has accepted no call since
	withoutResponse atomic.Int32 // consecutive calls without a response
}

// recordResponse records a call with a response. Only an accepted call proves the credentials; other failures may
// occur before the far end checks them.
func (h *health) recordResponse(e *sdk.Error) {
	h.withoutResponse.Store(0)
	switch {
	case e == nil:
		h.refused.Store(false)
	case e.Kind == sdk.KindUnauthorized:
		h.refused.Store(true)
	}
}

// recordNoResponse records a call without a response. A call that the gateway canceled does not count.
func (h *health) recordNoResponse(err error) {
	if !errors.Is(err, context.Canceled) {
		h.withoutResponse.Add(1)
	}
}

func (h *health) state() (refused, unreachable bool) {
	return h.refused.Load(), h.withoutResponse.Load() >= unreachableAfter
}
