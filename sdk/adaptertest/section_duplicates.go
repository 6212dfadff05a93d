package adaptertest

import (
	"slices"
	"strings"
)

// checkDuplicates examines whether repeats can be recognised.
func checkDuplicates(x *exam) {
	same := x.assert("duplicates.same", "a call that is repeated gives the same ids")
	later := x.assert("duplicates.restart", "a call that is repeated after a restart gives the same ids")
	key := x.assert("duplicates.key", "a declared idempotency key reaches the vendor, the same over all attempts")
	x.checkKey(key)
	if len(x.data.in) == 0 || !x.able("receive") {
		x.lacksIn(same)
		later.skip("the channel receives no calls")
		return
	}
	first := map[string][]string{}
	for _, in := range x.data.in {
		ids, ok := x.ids(same, in)
		if !ok {
			return
		}
		again, ok := x.ids(same, in)
		if !ok {
			return
		}
		first[in.name] = ids
		if len(ids) > 0 {
			same.check(slices.Equal(ids, again),
				"in/%s.http: the ids were %q and then %q: take the vendor's id, or derive one from what it "+
					"sends", in.name, ids, again)
		}
	}
	same.skip("no call of the exam data has ids; without one, no repeat is recognised")
	if err := x.restart(); err != nil {
		later.failf("%v", err)
		return
	}
	for _, in := range x.data.in {
		ids, ok := x.ids(later, in)
		if !ok {
			return
		}
		if len(ids) > 0 {
			later.check(slices.Equal(ids, first[in.name]),
				"in/%s.http: the ids were %q, and %q after a restart: they must not depend on "+
					"what the process remembers", in.name, first[in.name], ids)
		}
	}
	later.skip("no call of the exam data has ids")
}

// ids returns channel, thread and vendor id of the envelopes of a call. False means that the section can't go on.
func (x *exam) ids(a *Assertion, in *inbound) ([]string, bool) {
	got, err := x.receive(in)
	if lost(err) {
		return nil, x.mourn(a, "in/"+in.name+".http")
	}
	if err != nil {
		return nil, true // see the section in
	}
	var out []string
	for _, e := range got.envelopes {
		if e.VendorID != "" {
			out = append(out, e.Thread+" "+e.VendorID)
		}
	}
	return out, true
}

// checkKey looks for the delivery's key in the requests of two attempts.
func (x *exam) checkKey(a *Assertion) {
	ex := x.data.main("deliver")
	if ex == nil || !x.capabilities().GetIdempotent() {
		a.skip("the vendor takes no idempotency key")
		return
	}
	const id = "0190d1c2-7c4b-4a58-9d3b-6f1f6c1f0001"
	for attempt := int32(1); attempt <= 2; attempt++ {
		call, err := x.deliverCall(ex)
		if !a.check(err == nil, "%v", err) {
			return
		}
		call.Key, call.Attempt = id, attempt
		stage := x.vendor.play(newStage(ex, false))
		b, err := x.begin(call, callTimeout)
		if err == nil {
			_, err = x.end(b, callTimeout)
		}
		if !a.check(err == nil, "%v", err) {
			return
		}
		a.check(slices.ContainsFunc(stage.heard(), func(s string) bool { return strings.Contains(s, id) }),
			"attempt %d does not carry the key %s: pass Delivery.Key on, or declare the vendor as not idempotent", attempt, id)
	}
}

// heard returns the texts of all requests.
func (s *stage) heard() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.texts)
}
