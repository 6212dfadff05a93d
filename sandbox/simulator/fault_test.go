package simulator

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// endpoint is an HTTP endpoint that counts the calls that it has handled.
type endpoint struct {
	*httptest.Server
	faults  *Faults
	handled atomic.Int32
	client  *http.Client
}

func newEndpoint(t *testing.T) *endpoint {
	t.Helper()
	vendor := NewVendor(Retry{}, nil)
	v := &endpoint{faults: &vendor.Faults}
	v.Server = httptest.NewServer(vendor.Endpoint("x", func(*Request) (any, error) {
		v.handled.Add(1)
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			io.WriteString(w, `{"ok":true}`)
		}), nil
	}))
	v.client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	t.Cleanup(v.Close)
	return v
}

func (v *endpoint) call(ctx context.Context) (*http.Response, []byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, v.URL, http.NoBody)
	if err != nil {
		return nil, nil, err
	}
	resp, err := v.client.Do(r)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp, body, err
}

func TestFaultsOfAnEndpoint(t *testing.T) {
	tests := []struct {
		name  string
		fault Fault
		done  int32 // number of handled calls
		check func(t *testing.T, resp *http.Response, body []byte, err error)
	}{
		{"429 with Retry-After", Fault{Kind: Status, Status: 429, RetryAfter: 1500 * time.Millisecond}, 0,
			func(t *testing.T, resp *http.Response, _ []byte, err error) {
				if err != nil || resp.StatusCode != 429 || resp.Header.Get("Retry-After") != "2" {
					t.Errorf("got %v, %v, want 429 with Retry-After 2", resp, err)
				}
			}},
		{"status without number is 500", Fault{Kind: Status}, 0,
			func(t *testing.T, resp *http.Response, _ []byte, err error) {
				if err != nil || resp.StatusCode != 500 {
					t.Errorf("got %v, %v, want 500", resp, err)
				}
			}},
		{"reset before the call is handled", Fault{Kind: Reset}, 0, wantReset},
		{"drop after the call is handled", Fault{Kind: Drop}, 1, wantReset},
		{"truncated body", Fault{Kind: Truncate}, 1,
			func(t *testing.T, _ *http.Response, body []byte, err error) {
				if !errors.Is(err, io.ErrUnexpectedEOF) || string(body) != `{"ok"` {
					t.Errorf("got %q, %v, want half of the body and an unexpected EOF", body, err)
				}
			}},
		{"wrong content type", Fault{Kind: ContentType}, 1,
			func(t *testing.T, resp *http.Response, body []byte, err error) {
				if err != nil || resp.Header.Get("Content-Type") != "text/html; charset=utf-8" || string(body) != `{"ok":true}` {
					t.Errorf("got %v, %q, %v", resp, body, err)
				}
			}},
		{"huge body", Fault{Kind: Huge, Bytes: 1000}, 1,
			func(t *testing.T, _ *http.Response, body []byte, err error) {
				if err != nil || len(body) < 1000 || body[len(body)-1] != '}' {
					t.Errorf("got %d bytes, %v, want a padded object", len(body), err)
				}
			}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := newEndpoint(t)
			tt.fault.Count = 1
			v.faults.Add(tt.fault)
			resp, body, err := v.call(testContext(t))
			tt.check(t, resp, body, err)
			if got := v.handled.Load(); got != tt.done {
				t.Errorf("handled %d calls, want %d", got, tt.done)
			}
			if resp, _, err := v.call(testContext(t)); err != nil || resp.StatusCode != 200 {
				t.Errorf("the call after the fault: %v, %v, want 200", resp, err)
			}
		})
	}
}

func wantReset(t *testing.T, _ *http.Response, _ []byte, err error) {
	t.Helper()
	if !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, io.EOF) {
		t.Errorf("err = %v, want a reset connection", err)
	}
}

func TestHangWaitsForRelease(t *testing.T) {
	v := newEndpoint(t)
	v.faults.Add(Fault{Kind: Hang, Count: 1})
	ended := make(chan error, 1)
	go func() {
		_, _, err := v.call(testContext(t))
		ended <- err
	}()
	if err := v.faults.Hits.Wait(testContext(t), func(h []Hit) bool { return len(h) == 1 }); err != nil {
		t.Fatal(err)
	}
	if v.handled.Load() != 0 {
		t.Error("the call was handled before the release")
	}
	// The fault adds the hit before it waits. So the test repeats the release until the call ends.
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		v.faults.Release()
		select {
		case err := <-ended:
			if err != nil || v.handled.Load() != 1 {
				t.Errorf("after the release: %v, %d calls handled", err, v.handled.Load())
			}
			return
		case <-tick.C:
		}
	}
}

func TestCanceledHangingCallHasNoEffect(t *testing.T) {
	v := newEndpoint(t)
	v.faults.Add(Fault{Kind: Hang, Count: 1})
	ctx, cancel := context.WithCancel(testContext(t))
	go func() {
		_ = v.faults.Hits.Wait(ctx, func(h []Hit) bool { return len(h) == 1 })
		cancel()
	}()
	if _, _, err := v.call(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("err = %v, want canceled", err)
	}
	v.Close() // waits for the handler
	if v.handled.Load() != 0 {
		t.Error("the canceled call was handled")
	}
}

func TestFaultsApplyByEndpointSkipAndCount(t *testing.T) {
	var s Faults
	s.Add(Fault{Kind: Status, Endpoint: "a", Count: 2, Skip: 1})
	s.Add(Fault{Kind: Reset, Endpoint: "b"})
	var got []bool
	for range 5 {
		_, ok := s.Take("a", Status, Reset)
		got = append(got, ok)
	}
	for i, want := range []bool{false, true, true, false, false} {
		if got[i] != want {
			t.Errorf("call %d of a: fault %v, want %v", i+1, got[i], want)
		}
	}
	if _, ok := s.Take("b", Status); ok {
		t.Error("Take returned a reset for the kind status")
	}
	if f, ok := s.Take("b", Reset); !ok || f.Kind != Reset {
		t.Error("b has no reset")
	}
	s.Clear()
	if _, ok := s.Take("b", Reset); ok {
		t.Error("b has a reset after Clear")
	}
}
