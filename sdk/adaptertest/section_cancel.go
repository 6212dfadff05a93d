package adaptertest

import (
	"context"
	"slices"
	"time"

	"patchbay/sdk/protocol/pluginpb"
)

// checkCancel cancels a call whose request the vendor holds.
func checkCancel(x *exam) {
	fast := x.assert("cancel.soon", "a cancelled call returns soon")
	kind := x.assert("cancel.kind", "a cancelled call is unknown or transient")
	after := x.assert("cancel.after", "the call after a cancelled one works")
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
	b := x.beginExchange(fast, ex)
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
	fast.check(err == nil && took <= soon, "the call went on for %s after it was cancelled (%s): end the request to the vendor when the call is cancelled (Go: pass ctx to it)",
		took.Round(100*time.Millisecond), told(got, err))
	if err == nil {
		kind.check(slices.Contains([]string{"unknown", "transient"}, got.kind()),
			"a cancelled call gave %s: it may have had its effect, so use "+
				"unknown", got.said())
	}
	x.vendor.play(newStage(ex, false))
	got, err = x.perform(ex, callTimeout)
	after.check(err == nil && got.Error == nil, "a delivery gave %s", told(got, err))
}
