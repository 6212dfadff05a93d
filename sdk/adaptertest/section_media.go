package adaptertest

import (
	"slices"
	"strings"

	"patchbay/sdk/envelope"
)

// checkMedia examines how media are fetched and taken.
func checkMedia(x *exam) {
	requests := x.assert("media.requests", "the vendor is asked for media as the exam data say")
	golden := x.assert("media.golden", "media arrive as the golden files say")
	limit := x.assert("media.limit", "a medium that is too large is unsupported")
	broken := x.assert("media.broken", "a medium that breaks off is an error")
	faults := x.assert("media.faults", "a vendor that fails to give a medium is named rightly")
	attached := x.assert("media.attached", "attached media are delivered")
	x.checkAttached(attached)
	if !x.able("fetch") {
		for _, a := range []*Assertion{requests, golden, limit, broken, faults} {
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
	x.checkFetchFaults(faults, good)
	x.vendor.play(newStage(good, false))
	got, err := x.fetch(good, 1)
	limit.check(err == nil && got.kind() == "unsupported",
		"out/%s.http with at most 1 byte gave %s, expected unsupported", good.name,
		told(got, err))
	stage := newStage(good, false)
	stage.effect = truncates
	x.vendor.play(stage)
	got, err = x.fetch(good, 0)
	broken.check(err == nil && got.Error != nil, "out/%s.http with an answer that is cut gave %s: end with an error",
		good.name, told(got, err))
}

// checkFetchFaults lets the vendor refuse a medium.
func (x *exam) checkFetchFaults(a *Assertion, ex *exchange) {
	for _, f := range []struct {
		what  string
		do    disturbance
		kinds []string
		todo  string
	}{
		{"429 with Retry-After: 7", answers(429, "{}", "Retry-After", "7"), []string{"throttled"}, "it can be had later (Go: sdk.FromStatus)"},
		{"500", answers(500, page), []string{"transient"}, "it can be had later; 5xx is never permanent (Go: sdk.FromStatus)"},
		{"a connection that is reset", resets, []string{"transient", "unknown"}, "it can be had later (Go: sdk.FromTransport)"},
		{"401", answers(401, "{}"), []string{"unauthorized"}, "name what the operator must mend (Go: sdk.FromStatus)"},
		{"404", answers(404, page), final, "it is not there, and later neither (Go: sdk.FromStatus)"},
	} {
		stage := newStage(ex, false)
		stage.effect = f.do
		x.vendor.play(stage)
		got, err := x.fetch(ex, 0)
		a.check(err == nil && slices.Contains(f.kinds, got.kind()), "out/%s.http with %s gave %s, expected %s: %s", ex.name, f.what,
			told(got, err), strings.Join(f.kinds, " or "), f.todo)
	}
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
		if ex.action == "deliver" && x.strictly(ex.call, &d) == nil && slices.ContainsFunc(d.Media,
			func(m medium) bool { return m.URL == "" }) {
			x.vendor.play(newStage(ex, false))
			got, err := x.perform(ex, callTimeout)
			a.check(err == nil && got.Error == nil, "out/%s.http gave %s", ex.name, told(got, err))
			return
		}
	}
	a.failf("media are wanted as bytes, and no out/*.http attaches any: add one with media and data")
}
