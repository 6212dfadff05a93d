package adaptertest

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"patchbay/sdk/protocol/pluginpb"
)

// checkCancel cancels a call whose request the vendor holds.
func checkCancel(x *exam) {
	fast := x.assert("cancel.soon", "a cancelled call returns soon")
	kind := x.assert("cancel.kind", "as unknown or transient")
	after := x.assert("cancel.after", "and the next one works")
	ex := x.data.main("deliver")
	if ex == nil || !x.able("deliver") {
		for _, a := range []*Assertion{fast, kind, after} {
			a.skip("no delivery in the exam data")
		}
		return
	}
	stage := newStage(ex, false)
	stage.effect = stage.holds
	x.vendor.play(stage)
	b := x.start1(fast, ex)
	if b == nil || !x.awaitArrival(fast, stage) {
		return
	}
	ctx, cancel := context.WithTimeout(x.ctx, callTimeout)
	defer cancel()
	_, err := x.prog.rpc.Cancel(ctx, &pluginpb.CancelRequest{Deliver: []uint64{b.id}})
	if !fast.check(err == nil, "Cancel does not answer: %v", err) {
		return
	}
	began := time.Now()
	got, err := x.end(b, 2*soon)
	took := time.Since(began)
	fast.check(err == nil && took <= soon, "the call went on for %s after it was cancelled (%s): pass ctx to the request",
		took.Round(100*time.Millisecond), told(got, err))
	if err == nil {
		kind.check(slices.Contains([]string{"unknown", "transient"}, got.kind()), "a cancelled call gave %s: it may have had its effect, so use "+
			"unknown", got.said())
	}
	x.vendor.play(newStage(ex, false))
	got, err = x.perform(ex, callTimeout)
	after.check(err == nil && got.Error == nil, "a delivery gave %s", told(got, err))
}

// checkParallel has a call wait for the vendor, and expects others to go on.
func checkParallel(x *exam) {
	out := x.assert("parallel.out", "a delivery that the vendor holds up holds up no other")
	in := x.assert("parallel.in", "nor does it hold up what comes in")
	ex := x.data.main("deliver")
	if ex == nil || !x.able("deliver") {
		out.skip("no delivery in the exam data")
		in.skip("no delivery in the exam data")
		return
	}
	stage := newStage(ex, false)
	stage.effect = stage.holdsFirst()
	x.vendor.play(stage)
	b := x.start1(out, ex)
	if b == nil || !x.awaitArrival(out, stage) {
		return
	}
	got, err := x.perform(ex, soon)
	out.check(err == nil && got.Error == nil, "while one delivery waited for the vendor, another gave %s: the calls of a frame, and of "+
		"several frames, run side by side", told(got, err))
	if len(x.data.in) == 0 || !x.able("receive") {
		in.skip("the channel receives no calls")
	} else {
		began := time.Now()
		_, err := x.receive(x.data.in[0])
		in.check(err == nil && time.Since(began) <= soon, "while a delivery waited for the vendor, in/%s.http took %s (error %v)",
			x.data.in[0].name, time.Since(began).Round(100*time.Millisecond), err)
	}
	stage.open()
	got, err = x.end(b, callTimeout)
	out.check(err == nil && got.Error == nil, "the delivery that had waited gave %s", told(got, err))
}

// holdsFirst holds the first request with the effect, and plays the data for the others.
func (s *stage) holdsFirst() disturbance {
	var once sync.Once
	return func(w http.ResponseWriter, r *http.Request, st *step, base string) {
		first := false
		once.Do(func() { first = true })
		if first {
			s.holds(w, r, st, base)
			return
		}
		writeAnswer(w, st, base)
	}
}
