package adaptertest

import (
	"fmt"
	"net/http"
	"sync"
)

// disturbance answers a request in place of the exam data.
type disturbance func(w http.ResponseWriter, r *http.Request, s *step, base string)

// stage is what the fault server plays: the steps of an exchange, strictly in order or leniently in any, and disturbances
// of the step that has the effect, or of those before it.
type stage struct {
	steps   []*step
	strict  bool
	effect  disturbance // nil plays the data
	prepare disturbance
	release chan struct{} // closed by open; held requests wait for it
	// forgetful keeps no texts of requests, for many of them.
	forgetful bool

	mu       sync.Mutex
	opened   bool
	next     int
	used     map[*step]bool
	problems []string
	effects  int // requests that had the effect, or would have
	keyed    int // of these, those that carried an idempotency key
	requests int
	texts    []string // of all requests, header and body
	arrived  chan struct{}
}

func newStage(x *exchange, strict bool) *stage {
	return &stage{
		steps: x.steps, strict: strict, release: make(chan struct{}), arrived: make(chan struct{}, 1<<12), used: map[*step]bool{},
	}
}

// open ends the waiting of held requests.
func (s *stage) open() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.opened {
		s.opened = true
		close(s.release)
	}
}

func (s *stage) serve(w http.ResponseWriter, r *http.Request, target string, body []byte, base string) {
	st := s.take(r, target, body, base)
	if st == nil {
		http.Error(w, "the exam data do not have this request", http.StatusNotFound)
		return
	}
	disturb := s.prepare
	if st.effect {
		disturb = s.effect
	}
	if disturb != nil {
		disturb(w, r, st, base)
		return
	}
	writeAnswer(w, st, base)
}

// take finds the step that a request is, and notes what is wrong with it.
func (s *stage) take(r *http.Request, target string, body []byte, base string) *step {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	if !s.forgetful {
		s.texts = append(s.texts, requestText(r, target, body))
	}
	var found *step
	if s.strict {
		found = s.inOrder(r.Method, target)
	} else {
		found = s.inAnyOrder(r.Method, target)
	}
	if found == nil {
		s.problems = append(s.problems, fmt.Sprintf("%s %s: not expected here", r.Method, target))
		return nil
	}
	if d := found.difference(r, body, base); s.strict && d != "" {
		s.problems = append(s.problems, fmt.Sprintf("%s %s: %s", r.Method, target, d))
	}
	if found.effect {
		s.effects++
		if r.Header.Get("Idempotency-Key") != "" {
			s.keyed++
		}
		select {
		case s.arrived <- struct{}{}:
		default:
		}
	}
	return found
}

// inOrder returns the next step, leaving out those that are made once only and were not.
func (s *stage) inOrder(method, target string) *step {
	for i := s.next; i < len(s.steps); i++ {
		if s.steps[i].is(method, target) {
			s.next = i + 1
			return s.steps[i]
		}
		if !s.steps[i].once {
			return nil
		}
	}
	return nil
}

// inAnyOrder returns a step that fits and was not used yet, or else the last that fits.
func (s *stage) inAnyOrder(method, target string) *step {
	var found *step
	for _, st := range s.steps {
		if !st.is(method, target) {
			continue
		}
		found = st
		if !s.used[st] {
			break
		}
	}
	if found != nil {
		s.used[found] = true
	}
	return found
}

// report returns what was wrong with the requests, with those that never came.
func (s *stage) report() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.problems
	for _, st := range s.steps[min(s.next, len(s.steps)):] {
		if !st.once {
			out = append(out, fmt.Sprintf("%s %s: was not made", st.method, st.target))
		}
	}
	return out
}

// hadEffects returns how many requests had the effect beyond repeats that the vendor recognises.
func (s *stage) hadEffects() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.keyed > 0 {
		return s.effects - s.keyed + 1
	}
	return s.effects
}
