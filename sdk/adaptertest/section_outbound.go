package adaptertest

import (
	"slices"

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
	if !golden.check(good != nil, "it has the ability open, and no out/*.http opens a conversation with success: add one with ### open") {
		return
	}
	x.vendor.play(newStage(good, false))
	got, err := x.perform(good, callTimeout)
	again.check(err == nil && got.Opened != nil, "out/%s.http once more gave %s: the gateway repeats it when it does not know what "+
		"happened", good.name, told(got, err))
}

// checkUnable opens a conversation with an adapter that can't.
func (x *exam) checkUnable() {
	a := x.assert("open.unable", "an adapter that opens no conversations says so")
	if !x.able("deliver") {
		a.skip("the adapter does not deliver")
		return
	}
	got, err := x.perform(&exchange{name: "unable", action: "open", call: []byte(`{"customer":{"role":"customer","id":"c"}}`)}, callTimeout)
	a.check(err == nil && got.kind() == "unsupported", "without the ability open, OpenAction gave %s: answer with kind unsupported",
		told(got, err))
	if lost(err) {
		_ = x.revive()
	}
}

// checkReplies examines answers that come with a call. That they are valid is checked wherever they come.
func checkReplies(x *exam) {
	a := x.assert("replies.sender", "answers that come with a call are not the customer's own words")
	ids := x.assert("replies.ids", "and have the same ids when the call is repeated")
	for _, ex := range x.data.out {
		want := x.golden(ex)
		if ex.action != "deliver" || want == nil || want.Receipt == nil || len(want.Receipt.Replies) == 0 {
			continue
		}
		x.vendor.play(newStage(ex, false))
		first, err := x.perform(ex, callTimeout)
		if !a.check(err == nil && first.Error == nil, "out/%s.http gave %s", ex.name, told(first, err)) {
			continue
		}
		x.vendor.play(newStage(ex, false))
		second, err := x.perform(ex, callTimeout)
		if !a.check(err == nil && second.Error == nil, "out/%s.http gave %s", ex.name, told(second, err)) {
			continue
		}
		for _, e := range first.Receipt.Replies {
			a.check(e.Kind != envelope.KindMessage || e.Sender.Role != envelope.RoleCustomer,
				"out/%s.http: a reply has sender role customer: it would be answered by whom it comes from", ex.name)
		}
		ids.check(slices.Equal(vendorIDs(first), vendorIDs(second)), "out/%s.http: the replies' ids were %q and then %q",
			ex.name, vendorIDs(first), vendorIDs(second))
	}
	a.skip("no exchange of the exam data has replies")
	ids.skip("no exchange of the exam data has replies")
}

func vendorIDs(o *outcome) []string {
	var out []string
	for _, e := range o.Receipt.Replies {
		out = append(out, e.VendorID)
	}
	return out
}

// checkMedia examines how media are fetched and taken.
func checkMedia(x *exam) {
	requests := x.assert("media.requests", "the vendor is asked for media as the exam data say")
	golden := x.assert("media.golden", "media arrive as the golden files say")
	limit := x.assert("media.limit", "a medium that is too large is unsupported")
	broken := x.assert("media.broken", "a medium that breaks off is an error")
	attached := x.assert("media.attached", "attached media are delivered")
	x.checkAttached(attached)
	if !x.able("fetch") {
		for _, a := range []*Assertion{requests, golden, limit, broken} {
			a.skip("the adapter fetches no media")
		}
		return
	}
	var good *exchange
	for _, ex := range x.data.out {
		if ex.action != "fetch" {
			continue
		}
		got, ok := x.checkExchange(requests, golden, ex)
		if !ok {
			return
		}
		if got != nil && got.Fetched != nil && good == nil {
			good = ex
		}
	}
	if good == nil {
		if !slices.ContainsFunc(x.data.in, func(in *inbound) bool { return x.bringsMedia(in) }) {
			golden.skip("no call of the exam data brings media with a ref")
			return
		}
		golden.failf("it has the ability fetch and its calls bring media, and no out/*.http fetches any: add one with ### fetch")
		return
	}
	x.vendor.play(newStage(good, false))
	got, err := x.fetch(good, 1)
	limit.check(err == nil && got.kind() == "unsupported", "out/%s.http with at most 1 byte gave %s, expected unsupported", good.name,
		told(got, err))
	stage := newStage(good, false)
	stage.effect = truncates
	x.vendor.play(stage)
	got, err = x.fetch(good, 0)
	broken.check(err == nil && got.Error != nil, "out/%s.http with an answer that is cut gave %s: end with an error", good.name, told(got, err))
}

// bringsMedia reports whether a call's envelopes have media that must be fetched.
func (x *exam) bringsMedia(in *inbound) bool {
	got, err := x.receive(in)
	if err != nil {
		return false
	}
	for _, e := range got.envelopes {
		if slices.ContainsFunc(e.Parts, func(p envelope.Part) bool { return p.Ref != "" && p.URL == "" }) {
			return true
		}
	}
	return false
}

// checkAttached wants an example of each channel that takes media as bytes. Whether it is right is the section out's matter.
func (x *exam) checkAttached(a *Assertion) {
	if x.capabilities().GetMedia() != "stream" || !x.able("deliver") {
		a.skip("the channel does not take media as bytes")
		return
	}
	for _, ex := range x.data.out {
		var d delivery
		if ex.action == "deliver" && x.strictly(ex.call, &d) == nil && slices.ContainsFunc(d.Media, func(m medium) bool { return m.URL == "" }) {
			x.vendor.play(newStage(ex, false))
			got, err := x.perform(ex, callTimeout)
			a.check(err == nil && got.Error == nil, "out/%s.http gave %s", ex.name, told(got, err))
			return
		}
	}
	a.failf("media are wanted as bytes, and no out/*.http attaches any: add one with media and data")
}

// checkListen examines adapters that poll or hold a connection.
func checkListen(x *exam) {
	requests := x.assert("listen.requests", "the vendor is asked as the exam data say")
	golden := x.assert("listen.golden", "batches are as the golden files say")
	again := x.assert("listen.again", "after its end, listening can begin again")
	if !x.able("listen") || !x.endpoint.GetListens() {
		for _, a := range []*Assertion{requests, golden, again} {
			a.skip("the channel is not to be listened to")
		}
		return
	}
	found := false
	for _, ex := range x.data.out {
		if ex.action != "listen" {
			continue
		}
		found = true
		stage := x.vendor.play(newStage(ex, false)) // how often a vendor is polled is not a matter of the exam
		got, err := x.perform(ex, callTimeout)
		if lost(err) {
			if !x.mourn(golden, "out/"+ex.name+".http") {
				return
			}
			continue
		}
		for _, p := range stage.strangers() {
			requests.failf("out/%s.http: %s", ex.name, p)
		}
		requests.check(true, "")
		if !golden.check(err == nil, "out/%s.http: %v", ex.name, err) {
			continue
		}
		d, err := x.compare("out", ex.name, got)
		if golden.check(err == nil, "out/%s.http: %v", ex.name, err) {
			golden.check(d == "", "out/%s.http: %s%s", ex.name, d, because(got))
		}
		if got.Error == nil {
			x.vendor.play(newStage(ex, false))
			second, err := x.perform(ex, callTimeout)
			again.check(err == nil && second.Error == nil, "out/%s.http once more gave %s: end soon after the context does", ex.name,
				told(second, err))
		}
	}
	golden.check(found, "the channel is to be listened to, and no out/*.http listens: add one with ### listen")
}

// strangers returns the requests that no step has.
func (s *stage) strangers() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.problems)
}
