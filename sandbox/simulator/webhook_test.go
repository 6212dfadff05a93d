package simulator

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
)

// hook is a webhook that records its calls.
type hook struct {
	*httptest.Server
	mu     sync.Mutex
	bodies []string
	proofs []string
	status func(n int) int // the n-th call's status
}

func newHook(t *testing.T, status func(n int) int) *hook {
	t.Helper()
	h := &hook{status: status}
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
		w.WriteHeader(h.status(n))
	}))
	t.Cleanup(h.Close)
	return h
}

func (h *hook) call(body string) Call {
	return Call{Endpoint: "push", URL: h.URL, Body: []byte(body), Authenticate: func(r *http.Request, b []byte, bad bool) {
		r.Header.Set("X-Proof", fmt.Sprintf("%d %v", len(b), bad))
	}}
}

func newVendor(r Retry) *Vendor { return NewVendor(r, nil) }

func accept(int) int { return 200 }

func waitForOutcomes(t *testing.T, p *Vendor, n int) []Outcome {
	t.Helper()
	if err := p.Outcomes.Wait(testContext(t), func(o []Outcome) bool { return len(o) >= n }); err != nil {
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
	p := newVendor(Retry{Attempts: 5, First: time.Millisecond})
	defer p.Close()
	for i := range 20 {
		if err := p.Queue("k", h.call(fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for _, o := range waitForOutcomes(t, p, 20) {
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

func TestCallIsGivenUpAfterItsAttempts(t *testing.T) {
	h := newHook(t, func(int) int { return 500 })
	p := newVendor(Retry{Attempts: 3, First: time.Millisecond})
	defer p.Close()
	p.Queue("k", h.call("a"))
	o := waitForOutcomes(t, p, 1)[0]
	if o.Attempts != 3 || o.Accepted || o.Status != 500 {
		t.Errorf("got %d attempts, accepted %v, status %d, want 3, false, 500", o.Attempts, o.Accepted, o.Status)
	}
	if pending, queued := p.Pending(); pending != 0 || queued != 1 {
		t.Errorf("%d of %d calls are pending, want 0 of 1", pending, queued)
	}
}

func TestFaultsOfACall(t *testing.T) {
	const half = `{"a"`
	const whole = `{"a":1}x`
	tests := []struct {
		name   string
		fault  Fault
		bodies []string
		proofs []string
	}{
		{"duplicate", Fault{Kind: Duplicate}, []string{whole, whole, "next"},
			[]string{"8 false application/json", "8 false application/json", "4 false application/json"}},
		{"reorder", Fault{Kind: Reorder, Delay: time.Minute}, []string{"next", whole},
			[]string{"4 false application/json", "8 false application/json"}},
		{"bad signature", Fault{Kind: BadSignature}, []string{whole, "next"},
			[]string{"8 true application/json", "4 false application/json"}},
		{"truncate", Fault{Kind: Truncate}, []string{half, "next"},
			[]string{"8 false application/json", "4 false application/json"}},
		{"content type", Fault{Kind: ContentType}, []string{whole, "next"},
			[]string{"8 false text/html; charset=utf-8", "4 false application/json"}},
		{"huge", Fault{Kind: Huge, Bytes: 2}, []string{"  " + whole, "next"},
			[]string{"10 false application/json", "4 false application/json"}},
		{"not sent, retried", Fault{Kind: Status}, []string{whole, "next"},
			[]string{"8 false application/json", "4 false application/json"}},
		{"response ignored, retried", Fault{Kind: Drop}, []string{whole, whole, "next"},
			[]string{"8 false application/json", "8 false application/json", "4 false application/json"}},
		{"reset in the body, retried", Fault{Kind: Reset}, []string{whole, "next"},
			[]string{"8 false application/json", "4 false application/json"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newHook(t, accept)
			tt.fault.Count = 1
			p := newVendor(Retry{Attempts: 2, First: time.Millisecond})
			p.Faults.Add(tt.fault)
			defer p.Close()
			p.Queue("k", h.call(whole))
			p.Queue("k", h.call("next"))
			waitForOutcomes(t, p, 2)
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
	h := newHook(t, accept)
	p := newVendor(Retry{})
	p.Faults.Add(Fault{Kind: Reorder, Count: 1, Delay: time.Minute})
	defer p.Close()
	p.Queue("k", h.call("first"))
	if err := p.Faults.Hits.Wait(testContext(t), func(hits []Hit) bool { return len(hits) == 1 }); err != nil {
		t.Fatal(err)
	}
	p.Queue("k", h.call("second"))
	out := waitForOutcomes(t, p, 2)
	if string(out[0].Call.Body) != "second" || string(out[1].Call.Body) != "first" {
		t.Errorf("ended in order %s, %s, want second, first", out[0].Call.Body, out[1].Call.Body)
	}
}

func TestCloseEndsHangingCalls(t *testing.T) {
	h := newHook(t, accept)
	p := newVendor(Retry{})
	p.Faults.Add(Fault{Kind: Hang})
	p.Queue("k", h.call("a"))
	if err := p.Faults.Hits.Wait(testContext(t), func(hits []Hit) bool { return len(hits) == 1 }); err != nil {
		t.Fatal(err)
	}
	p.Close()
	if err := p.Queue("k", h.call("b")); err != ErrClosed {
		t.Errorf("Queue after Close = %v, want ErrClosed", err)
	}
}

func TestDoWaitsForItsOwnCall(t *testing.T) {
	h := newHook(t, func(n int) int { return 500 + n })
	p := newVendor(Retry{Attempts: 3, First: time.Millisecond})
	defer p.Close()
	if err := p.Queue("k", h.call("before")); err != nil {
		t.Fatal(err)
	}
	c := h.call("mine")
	c.Attempts = 1
	c.IsAccepted = func(status int, _ []byte) bool { return status == 504 }
	out, err := p.Do(testContext(t), "k", c)
	if err != nil || !out.Accepted || out.Attempts != 1 || out.Status != 504 || string(out.Call.Body) != "mine" {
		t.Errorf("Do = %+v, %v, want the fourth call's outcome after one attempt", out, err)
	}
}

func TestDoEndsWithItsContextOrTheVendor(t *testing.T) {
	h := newHook(t, accept)
	p := newVendor(Retry{})
	p.Faults.Add(Fault{Kind: Hang})
	ctx, cancel := context.WithCancel(t.Context())
	errs := make(chan error, 2)
	go func() { _, err := p.Do(ctx, "a", h.call("a")); errs <- err }()
	go func() { _, err := p.Do(t.Context(), "b", h.call("b")); errs <- err }()
	if err := p.Faults.Hits.Wait(testContext(t), func(hits []Hit) bool { return len(hits) == 2 }); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-errs; !errors.Is(err, context.Canceled) {
		t.Errorf("Do = %v, want canceled", err)
	}
	p.Close()
	// Close also ends the hanging call: Do returns its outcome or ErrClosed.
	if err := <-errs; err != nil && !errors.Is(err, ErrClosed) {
		t.Errorf("Do = %v, want an outcome or ErrClosed", err)
	}
	if _, err := p.Do(t.Context(), "c", h.call("c")); !errors.Is(err, ErrClosed) {
		t.Errorf("Do after Close = %v, want ErrClosed", err)
	}
}
