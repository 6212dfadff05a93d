package adaptertest

import (
	"net/http"
	"sync"
	"time"
)

// checkParallel has a call wait for the vendor, and expects others to go on.
func checkParallel(x *exam) {
	out := x.assert("parallel.out", "a delivery that the vendor holds up holds up no other")
	in := x.assert("parallel.in", "a delivery that the vendor holds up holds up nothing that comes in")
	ex := x.data.main("deliver")
	if ex == nil || !x.able("deliver") {
		out.skip("no delivery in the exam data")
		in.skip("no delivery in the exam data")
		return
	}
	stage := newStage(ex, false)
	held := make(chan struct{}, 1)
	stage.effect = stage.holdsFirst(held)
	x.vendor.play(stage)
	b := x.beginExchange(out, ex)
	if b == nil || !x.awaitSignal(out, held) {
		return
	}
	got, err := x.perform(ex, 2*soon)
	out.check(err == nil && got.Error == nil,
		"while one delivery waited for the vendor, another gave %s: the calls of a frame, and of "+
			"several frames, run side by side", told(got, err))
	if len(x.data.in) == 0 || !x.able("receive") {
		in.skip("the channel receives no calls")
	} else {
		began := time.Now()
		_, err := x.receive(x.data.in[0])
		in.check(err == nil && time.Since(began) <= 2*soon, "while a delivery waited for the vendor, in/%s.http took %s (error %v)",
			x.data.in[0].name, time.Since(began).Round(100*time.Millisecond), err)
	}
	stage.open()
	got, err = x.end(b, callTimeout)
	out.check(err == nil && got.Error == nil, "the delivery that had waited gave %s", told(got, err))
}

// holdsFirst holds the first request with the effect and says so on held, which has room; it plays the data for the others.
func (s *stage) holdsFirst(held chan<- struct{}) disturbance {
	var once sync.Once
	return func(w http.ResponseWriter, r *http.Request, st *step, base string) {
		first := false
		once.Do(func() { first = true })
		if first {
			held <- struct{}{}
			s.holds(w, r, st, base)
			return
		}
		writeAnswer(w, st, base)
	}
}
