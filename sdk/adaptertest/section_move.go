package adaptertest

import (
	"time"
)

// checkMove gives the channel another address while a call runs.
func (x *exam) checkMove() {
	survives := x.assert("configure.in-flight", "calls under way survive another configuration")
	moves := x.assert("configure.applies", "new settings are used by the next call")
	ex := x.data.main("deliver")
	if ex == nil || !x.able("deliver") {
		survives.skip("no delivery in the exam data")
		moves.skip("no delivery in the exam data")
		return
	}
	other, err := newVendor()
	if !survives.check(err == nil, "%v", err) {
		return
	}
	defer other.close()
	settings, err := x.fill(x.data.Settings, other)
	if !survives.check(err == nil, "%v", err) {
		return
	}
	held := x.vendor.play(newStage(ex, false))
	held.effect = held.holds
	b := x.beginExchange(survives, ex)
	if b == nil || !x.awaitArrival(survives, held) {
		return
	}
	resp, err := x.configure(settings)
	survives.check(err == nil && resp.GetError() == nil, "the other configuration is refused: %s%v",
		resp.GetError().GetText(), err)
	held.open()
	got, err := x.end(b, callTimeout)
	survives.check(err == nil && got.Error == nil,
		"a delivery that was under way gave %s: let running calls finish with the former "+
			"configuration", told(got, err))

	stage := other.play(newStage(ex, false))
	got, err = x.perform(ex, callTimeout)
	moves.check(err == nil && stage.hadEffects() > 0,
		"after the address was changed, a delivery did not reach it (%s): use the newest "+
			"configuration of the channel", told(got, err))
	if _, err := x.configure(x.settings); err != nil {
		survives.failf("%v", err)
	}
}

// beginExchange begins the call of an exchange; nil means that it failed, which is noted.
func (x *exam) beginExchange(a *Assertion, ex *exchange) *begun {
	call, err := x.deliverCall(ex)
	if err == nil {
		var b *begun
		if b, err = x.begin(call, callTimeout); err == nil {
			return b
		}
	}
	a.failf("%v", err)
	return nil
}

// awaitArrival waits until a stage has the request with the effect.
func (x *exam) awaitArrival(a *Assertion, s *stage) bool { return x.awaitSignal(a, s.arrived) }

// awaitSignal waits until something is in a channel that a stage writes to.
func (x *exam) awaitSignal(a *Assertion, signal <-chan struct{}) bool {
	t := time.NewTimer(callTimeout)
	defer t.Stop()
	select {
	case <-signal:
		return true
	case <-t.C:
		a.failf("the request with the effect never came; see the section out")
	case <-x.ctx.Done():
		a.failf("%v", x.ctx.Err())
	}
	return false
}
