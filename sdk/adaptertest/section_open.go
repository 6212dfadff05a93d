package adaptertest

import (
	"patchbay/sdk/envelope"
)

// checkOpen examines how conversations are opened.
func checkOpen(x *exam) {
	if !x.able("open") {
		x.checkUnable()
		return
	}
	requests := x.assert("open.requests", "the vendor is called as the exam data say")
	golden := x.assert("open.golden", "the outcome is as the golden files say")
	again := x.assert("open.again", "a conversation can be opened again")
	var good *exchange
	for _, ex := range x.data.out {
		if ex.action != "open" {
			continue
		}
		got, ok := x.checkExchange(requests, golden, ex)
		if !ok {
			return
		}
		if got != nil && got.Opened != nil && good == nil {
			good = ex
		}
	}
	if good == nil && x.data.Role == string(envelope.RoleCustomer) {
		for _, a := range []*Assertion{requests, golden, again} {
			a.skip("a customer's channel is not asked to open conversations")
		}
		return
	}
	if !golden.check(good != nil,
		"it has the ability open, and no out/*.http opens a conversation with success: add one with ### open") {
		return
	}
	x.vendor.play(newStage(good, false))
	got, err := x.perform(good, callTimeout)
	again.check(err == nil && got.Opened != nil,
		"out/%s.http once more gave %s: the gateway repeats it when it does not know what "+
			"happened", good.name, told(got, err))
}

// checkUnable opens a conversation with an adapter that can't.
func (x *exam) checkUnable() {
	a := x.assert("open.unable", "an adapter that opens no conversations says so")
	if !x.able("deliver") {
		a.skip("the adapter does not deliver")
		return
	}
	got, err := x.perform(&exchange{name: "unable", action: "open",
		call: []byte(`{"customer":{"role":"customer","id":"c"}}`)}, callTimeout)
	a.check(err == nil && got.kind() == "unsupported",
		"without the ability open, OpenAction gave %s: answer with kind unsupported",
		told(got, err))
	if lost(err) {
		_ = x.revive()
	}
}
