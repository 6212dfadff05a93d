package adaptertest

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
)

// checkListen examines adapters that poll or hold a connection.
func checkListen(x *exam) {
	requests := x.assert("listen.requests", "the vendor is asked as the exam data say")
	golden := x.assert("listen.golden", "batches are as the golden files say")
	again := x.assert("listen.again", "after its end, listening can begin again")
	faults := x.assert("listen.faults", "when a vendor that failed is well again, all that it has arrives")
	if !x.able("subscribe") || !x.endpoint.GetSubscribes() {
		x.skipAll("the channel is not to be listened to")
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
			if again.check(err == nil && second.Error == nil, "out/%s.http once more gave %s: end soon after the call is ended", ex.name,
				told(second, err)) {
				x.checkListenFaults(faults, ex)
			}
		}
	}
	golden.check(found, "the channel is to be listened to, and no out/*.http listens: add one with ### listen")
}

// listenFaults are what the vendor does once while it is asked.
var listenFaults = []struct {
	what string
	do   disturbance
}{
	{"500", answers(500, page, "Content-Type", "text/html")},
	{"429 with Retry-After: 1", answers(429, "{}", "Retry-After", "1")},
	{"a connection that is reset", resets},
}

// checkListenFaults disturbs the first request with the effect. Listening may go on by itself or end with an error, after
// which the gateway begins it again.
func (x *exam) checkListenFaults(a *Assertion, ex *exchange) {
	for _, f := range listenFaults {
		what := fmt.Sprintf("out/%s.http with %s at first", ex.name, f.what)
		stage := newStage(ex, false)
		stage.effect = first(ex, f.do)
		stage.prepare = stage.effect
		x.vendor.play(stage)
		got, err := x.perform(ex, callTimeout)
		if lost(err) {
			x.mourn(a, what)
			return
		}
		if err == nil && got.Error != nil {
			a.check(slices.Contains([]string{"transient", "throttled", "unknown"}, got.kind()),
				"%s: listening ended with %s: it is for a time, so use transient or throttled", what, got.said())
			x.vendor.play(newStage(ex, false))
			got, err = x.perform(ex, callTimeout)
		}
		want := x.golden(ex)
		if want == nil || want.Emitted == nil {
			continue // see listen.golden
		}
		a.check(err == nil && got.Emitted != nil && len(got.Emitted.Envelopes) == len(want.Emitted.Envelopes),
			"%s: then there was %s within %s: go on asking, or end with an error and begin again with the cursor", what, told(got, err), callTimeout)
	}
}

// first disturbs the first request that is not made once only, and plays the data for the others.
func first(ex *exchange, do disturbance) disturbance {
	target := slices.IndexFunc(ex.steps, func(s *step) bool { return !s.once })
	var once sync.Once
	return func(w http.ResponseWriter, r *http.Request, st *step, base string) {
		disturbed := false
		if target >= 0 && st == ex.steps[target] {
			once.Do(func() { disturbed = true; do(w, r, st, base) })
		}
		if !disturbed {
			writeAnswer(w, st, base)
		}
	}
}

// strangers returns the requests that no step has.
func (s *stage) strangers() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.problems)
}
