package adaptertest

import (
	"context"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"patchbay/sdk/protocol/pluginpb"
)

// drained is what a Drain answered.
type drained struct {
	running int32
	err     error
}

// checkDrain drains a process that has a call under way. The process is replaced afterwards.
func checkDrain(x *exam) {
	finishes := x.assert("drain.finishes", "a call under way is finished")
	refuses := x.assert("drain.refuses", "new calls are refused as transient")
	reports := x.assert("drain.reports", "Drain returns when nothing runs any more, and says so")
	defer func() {
		if err := x.restart(); err != nil {
			reports.failf("%v", err)
		}
	}()
	ex := x.data.main("deliver")
	if ex == nil || !x.able("deliver") {
		finishes.skip("no delivery in the exam data")
		refuses.skip("no delivery in the exam data")
		d := x.drain(callTimeout)
		reports.check(d.err == nil && d.running == 0, "Drain without work gave %d running calls, error %v", d.running, d.err)
		return
	}
	stage := newStage(ex, false)
	stage.effect = stage.holds
	x.vendor.play(stage)
	b := x.beginExchange(finishes, ex)
	if b == nil || !x.awaitArrival(finishes, stage) {
		return
	}
	answer := make(chan drained, 1)
	go func() { answer <- x.drain(3 * soon) }()
	x.checkRefused(refuses, ex)
	select {
	case d := <-answer:
		reports.failf("Drain returned (%d running, error %v) while a call was under way: wait for it", d.running, d.err)
		answer <- d
	default:
	}
	began := time.Now()
	stage.open()
	got, err := x.end(b, callTimeout)
	finishes.check(err == nil && got.Error == nil, "the call gave %s: let running calls finish", told(got, err))
	d := <-answer
	reports.check(d.err == nil && d.running == 0, "Drain gave %d running calls, error %v", d.running, d.err)
	reports.check(time.Since(began) <= soon,
		"Drain returned %s after the last call had ended: return when your own work is done",
		time.Since(began).Round(100*time.Millisecond))
}

func (x *exam) drain(limit time.Duration) drained {
	ctx, cancel := context.WithTimeout(x.ctx, limit+soon)
	defer cancel()
	resp, err := x.prog.rpc.Drain(ctx, &pluginpb.DrainRequest{Timeout: durationpb.New(limit)})
	return drained{resp.GetRunning(), err}
}

// checkRefused makes calls until one is refused: Drain is on its way to the adapter, too.
func (x *exam) checkRefused(a *Assertion, ex *exchange) {
	deadline := time.NewTimer(soon)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		call, err := x.deliverCall(ex)
		var got *outcome
		if err == nil {
			var b *begun
			if b, err = x.begin(call, shortTimeout); err == nil {
				got, err = x.end(b, shortTimeout+soon)
			}
		}
		if !a.check(err == nil, "a call during the drain: %v", err) {
			return
		}
		if got.kind() == "transient" {
			a.check(true, "")
			return
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			a.failf("%s after Drain, a new call still gave %s: refuse it with kind transient", soon, got.said())
			return
		}
	}
}
