package delivery

import (
	"errors"

	"patchbay/core/internal/plugin"
)

// When a plugin process crashes, each call in flight is a suspect. Suspects are repeated one at a time, and a suspect
// that crashes the process alone is given up.

const (
	// maxCrashWeight is the weight of crashes at which a delivery is given up.
	maxCrashWeight = 4
	// errorKilled is the kind of error of a delivery that was given up for its crashes.
	errorKilled = "killed_adapter"
)

// startSuspect starts the next suspect if no other call is in flight. It reports whether all other calls must wait. A
// suspect whose channel allows no call now returns to the channel's queue, so that others need not wait for it.
func (e *Engine) startSuspect(a *adapterState) (othersWait bool) {
	for len(a.suspects) > 0 {
		if a.running > 0 {
			return true
		}
		t := a.suspects[0]
		a.suspects = a.suspects[1:]
		if done, ok := e.allow(t.ch); ok {
			a.suspect = t
			e.startCall(t, done)
			return true
		}
		t.ch.putBack(t)
	}
	return false
}

// keepSuspect makes a task a suspect if its adapter has crashed and the delivery is not given up. It returns false for
// all other tasks.
func (t *task) keepSuspect(err error) bool {
	_, crashed := errors.AsType[*plugin.DiedError](err)
	if !crashed || t.ch.DeadOnUnknown || t.crashes >= maxCrashWeight {
		return false
	}
	t.suspect = true
	t.ch.adapter.suspects = append(t.ch.adapter.suspects, t)
	return true
}

// countCrash adds the weight of a crash to the task, and gives the delivery up at maxCrashWeight.
func (t *task) countCrash(r *result) {
	died, ok := errors.AsType[*plugin.DiedError](r.err)
	if !ok {
		return
	}
	if t.crashes += crashWeight(died, t.ch.adapter); t.crashes >= maxCrashWeight {
		r.out = deadLetter(errorKilled, "the delivery crashed the adapter repeatedly: "+died.Text)
	}
}

// crashWeight returns the weight of a crash for a call. A call that was alone in the process has weight 2, so two
// crashes are enough. Next to webhook calls, which may have caused the crash, it has weight 1, next to other
// deliveries 0.
func crashWeight(died *plugin.DiedError, a *adapterState) int {
	switch {
	case died.Alone:
		return 2
	case a.running == 0:
		return 1
	}
	return 0
}
