package main

import (
	"context"
	"errors"
	"sync/atomic"

	"patchbay/sdk"
)

// unreachableAfter is how many calls in a row must get no answer before the channel counts as sick: a far end that is
// restarted is not worth an alert.
const unreachableAfter = 3

// health is what the last calls tell about the far end. The zero value is healthy. Safe for concurrent use.
type health struct {
	refused atomic.Bool  // from when the far end refuses the credentials until it takes a call
	silent  atomic.Int32 // calls in a row without an answer
}

// answered notes a call that got an HTTP answer. Only one that was taken shows that the credentials are good: others are
// refused before the far end looks at them, or for another reason.
func (h *health) answered(e *sdk.Error) {
	h.silent.Store(0)
	switch {
	case e == nil:
		h.refused.Store(false)
	case e.Kind == sdk.KindUnauthorized:
		h.refused.Store(true)
	}
}

// unanswered notes a call that got no answer. One that the gateway itself took back says nothing.
func (h *health) unanswered(err error) {
	if !errors.Is(err, context.Canceled) {
		h.silent.Add(1)
	}
}

func (h *health) state() (refused, unreachable bool) {
	return h.refused.Load(), h.silent.Load() >= unreachableAfter
}
