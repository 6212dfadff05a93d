package adaptertest

import (
	"slices"
)

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
