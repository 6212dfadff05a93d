package push

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchbay/sandbox/fault"
)

// hook is a webhook that records the bodies of its calls and answers by a function.
type hook struct {
	*httptest.Server
	mu     sync.Mutex
	bodies []string
	proofs []string
	answer func(n int) int // the n-th call's status
}

func newHook(t *testing.T, answer func(n int) int) *hook {
	t.Helper()
	h := &hook{answer: answer}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		h.mu.Lock()
		h.bodies = append(h.bodies, string(body))
		h.proofs = append(h.proofs, r.Header.Get("X-Proof")+" "+r.Header.Get("Content-Type"))
		n := len(h.bodies)
		h.mu.Unlock()
		w.WriteHeader(h.answer(n))
	}))
	t.Cleanup(h.Close)
	return h
}

func (h *hook) call(body string) Call {
	return Call{Endpoint: "push", URL: h.URL, Body: []byte(body), Prove: func(r *http.Request, b []byte, bad bool) {
		r.Header.Set("X-Proof", fmt.Sprintf("%d %v", len(b), bad))
	}}
}

func ok(int) int { return 200 }

func ended(t *testing.T, p *Pusher, n int) []Outcome {
	t.Helper()
	if err := p.Outcomes.Wait(soon(t), func(o []Outcome) bool { return len(o) >= n }); err != nil {
		t.Fatal(err)
	}
	return p.Outcomes.All()
}

func TestCallsOfOneKeyStayInOrderOverRetries(t *testing.T) {
	h := newHook(t, func(n int) int {
		if n%3 == 1 {
			return 503
		}
		return 200
	})
	p := New(Options{Retry: Retry{Attempts: 5, First: time.Millisecond}})
	defer p.Close()
	for i := range 20 {
		if err := p.Push("k", h.call(fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for _, o := range ended(t, p, 20) {
		if !o.Accepted {
			t.Errorf("call %s was given up: %d, %v", o.Call.Body, o.Status, o.Err)
		}
		got = append(got, string(o.Call.Body))
	}
	for i, body := range got {
		if body != fmt.Sprint(i) {
			t.Fatalf("calls ended in order %v", got)
		}
	}
}

func TestGivesUpAfterItsAttempts(t *testing.T) {
	h := newHook(t, func(int) int { return 500 })
	p := New(Options{Retry: Retry{Attempts: 3, First: time.Millisecond}})
	defer p.Close()
	p.Push("k", h.call("a"))
	o := ended(t, p, 1)[0]
	if o.Attempts != 3 || o.Accepted || o.Status != 500 {
		t.Errorf("got %d attempts, accepted %v, status %d, want 3, false, 500", o.Attempts, o.Accepted, o.Status)
	}
	if queued, accepted, failed := p.Counts(); queued != 1 || accepted != 0 || failed != 1 {
		t.Errorf("counts %d, %d, %d, want 1, 0, 1", queued, accepted, failed)
	}
}

func TestFaultsOfACall(t *testing.T) {
	const half = `{"a"`
	const whole = `{"a":1}x`
	tests := []struct {
		name   string
		fault  fault.Fault
		bodies []string
		proofs []string
	}{
		{"duplicate", fault.Fault{Kind: fault.Duplicate}, []string{whole, whole, "next"},
			[]string{"8 false application/json", "8 false application/json", "4 false application/json"}},
		{"reorder", fault.Fault{Kind: fault.Reorder, Delay: time.Minute}, []string{"next", whole},
			[]string{"4 false application/json", "8 false application/json"}},
		{"bad signature", fault.Fault{Kind: fault.BadSignature}, []string{whole, "next"},
			[]string{"8 true application/json", "4 false application/json"}},
		{"truncate", fault.Fault{Kind: fault.Truncate}, []string{half, "next"},
			[]string{"8 false application/json", "4 false application/json"}},
		{"content type", fault.Fault{Kind: fault.ContentType}, []string{whole, "next"},
			[]string{"8 false text/html; charset=utf-8", "4 false application/json"}},
		{"huge", fault.Fault{Kind: fault.Huge, Bytes: 2}, []string{whole + "  ", "next"},
			[]string{"10 false application/json", "4 false application/json"}},
		{"never sent, tried again", fault.Fault{Kind: fault.Status}, []string{whole, "next"},
			[]string{"8 false application/json", "4 false application/json"}},
		{"answer ignored, tried again", fault.Fault{Kind: fault.Drop}, []string{whole, whole, "next"},
			[]string{"8 false application/json", "8 false application/json", "4 false application/json"}},
		{"reset in the body, tried again", fault.Fault{Kind: fault.Reset}, []string{whole, "next"},
			[]string{"8 false application/json", "4 false application/json"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newHook(t, ok)
			var faults fault.Set
			tt.fault.Count = 1
			faults.Add(tt.fault)
			p := New(Options{Faults: &faults, Retry: Retry{Attempts: 2, First: time.Millisecond}})
			defer p.Close()
			p.Push("k", h.call(whole))
			p.Push("k", h.call("next"))
			ended(t, p, 2)
			h.mu.Lock()
			defer h.mu.Unlock()
			if diff := cmp.Diff(tt.bodies, h.bodies); diff != "" {
				t.Errorf("bodies (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.proofs, h.proofs); diff != "" {
				t.Errorf("proofs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReorderWaitsForTheNextCall(t *testing.T) {
	h := newHook(t, ok)
	var faults fault.Set
	faults.Add(fault.Fault{Kind: fault.Reorder, Count: 1, Delay: time.Minute})
	p := New(Options{Faults: &faults})
	defer p.Close()
	p.Push("k", h.call("first"))
	if err := faults.Hits.Wait(soon(t), func(hits []fault.Hit) bool { return len(hits) == 1 }); err != nil {
		t.Fatal(err)
	}
	p.Push("k", h.call("second"))
	out := ended(t, p, 2)
	if string(out[0].Call.Body) != "second" || string(out[1].Call.Body) != "first" {
		t.Errorf("ended in order %s, %s, want second, first", out[0].Call.Body, out[1].Call.Body)
	}
}

func TestCloseEndsWhatHangs(t *testing.T) {
	var faults fault.Set
	faults.Add(fault.Fault{Kind: fault.Hang})
	h := newHook(t, ok)
	p := New(Options{Faults: &faults})
	p.Push("k", h.call("a"))
	if err := faults.Hits.Wait(soon(t), func(hits []fault.Hit) bool { return len(hits) == 1 }); err != nil {
		t.Fatal(err)
	}
	p.Close()
	if err := p.Push("k", h.call("b")); err != ErrClosed {
		t.Errorf("Push after Close = %v, want ErrClosed", err)
	}
}

func TestDoWaitsForItsOwnCall(t *testing.T) {
	h := newHook(t, func(n int) int { return 500 + n })
	p := New(Options{Retry: Retry{Attempts: 3, First: time.Millisecond}, Discard: true})
	defer p.Close()
	if err := p.Push("k", h.call("before")); err != nil {
		t.Fatal(err)
	}
	c := h.call("mine")
	c.Attempts = 1
	c.Accepted = func(status int, _ []byte) bool { return status == 504 }
	out, err := p.Do(soon(t), "k", c)
	if err != nil || !out.Accepted || out.Attempts != 1 || out.Status != 504 || string(out.Call.Body) != "mine" {
		t.Errorf("Do = %+v, %v, want the fourth call's outcome after one attempt", out, err)
	}
	if n := p.Outcomes.Len(); n != 0 {
		t.Errorf("%d outcomes kept in spite of Discard", n)
	}
}

func TestDoEndsWithItsContextOrThePusher(t *testing.T) {
	var faults fault.Set
	faults.Add(fault.Fault{Kind: fault.Hang})
	h := newHook(t, ok)
	p := New(Options{Faults: &faults})
	ctx, cancel := context.WithCancel(t.Context())
	errs := make(chan error, 2)
	go func() { _, err := p.Do(ctx, "a", h.call("a")); errs <- err }()
	go func() { _, err := p.Do(t.Context(), "b", h.call("b")); errs <- err }()
	if err := faults.Hits.Wait(soon(t), func(hits []fault.Hit) bool { return len(hits) == 2 }); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-errs; !errors.Is(err, context.Canceled) {
		t.Errorf("Do = %v, want canceled", err)
	}
	p.Close()
	// The call that hangs ends with the pusher, too: it may be its outcome that tells, or the pusher's end.
	if err := <-errs; err != nil && !errors.Is(err, ErrClosed) {
		t.Errorf("Do = %v, want an outcome or ErrClosed", err)
	}
	if _, err := p.Do(t.Context(), "c", h.call("c")); !errors.Is(err, ErrClosed) {
		t.Errorf("Do after Close = %v, want ErrClosed", err)
	}
}
