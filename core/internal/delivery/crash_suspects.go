package delivery

import (
	"errors"

	"patchbay/core/internal/plugin"
)

// When a plugin process crashes, each call in flight is a suspect. Suspects are repeated one at a time. A suspect that
// crashes the process twice while no other call runs is given up.

// errorKilled is the kind of error of a delivery that was given up because the adapter broke on it.
const errorKilled = "killed_adapter"

// startSuspect starts the next suspect if no other call is in flight. It reports whether all other calls must wait. A
// suspect whose channel allows no call now returns to the channel's queue, so that others need not wait for it.
func (e *Engine) startSuspect(a *adapterState) (othersWait bool) {
	for len(a.suspects) > 0 {
		if a.running > 0 {
			return true
		}
		t := a.suspects[0]
		a.suspects = a.suspects[1:]
		if e.mayCall(t.ch) && e.withinRate(t.ch) {
			a.suspect = t
			e.startCall(t)
			return true
		}
		t.ch.putBack(t)
	}
	return false
}

// keepBroken keeps a task if the adapter broke on its call and the delivery is not given up. After a crash, the task
// becomes a suspect; otherwise it returns to the queue. keepBroken reports whether it kept the task.
func (t *task) keepBroken(err error) bool {
	broke, ok := errors.AsType[*plugin.BrokeError](err)
	switch {
	case !ok || t.settings.DeadOnUnknown || t.blame >= plugin.GiveUpWeight:
		return false
	case !broke.MakesSuspect():
		t.ch.putBack(t)
		return true
	}
	t.suspect = true
	t.ch.adapter.suspects = append(t.ch.adapter.suspects, t)
	return true
}

// addBlame adds the weight of a fault of the adapter to the task, and gives the delivery up at plugin.GiveUpWeight.
func (t *task) addBlame(r *result) {
	broke, ok := errors.AsType[*plugin.BrokeError](r.err)
	if !ok {
		return
	}
	if t.blame += broke.Weight; t.blame >= plugin.GiveUpWeight {
		r.out = deadLetter(errorKilled, "the adapter broke on the delivery repeatedly: "+broke.Text)
	}
}
