package plugin

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// wantBroke fails the test unless err is a BrokeError with this fault and weight.
func wantBroke(t *testing.T, err error, fault Fault, weight int) {
	t.Helper()
	broke, ok := errors.AsType[*BrokeError](err)
	if !ok || broke.Fault != fault || broke.Weight != weight {
		t.Errorf("error %+v (%v), want %s with weight %d", broke, err, fault, weight)
	}
}

func TestHungCallIsBlamedAndTheProcessReplaced(t *testing.T) {
	t.Parallel()
	for _, fault := range []string{"/hang", "/loop"} {
		t.Run(fault, func(t *testing.T) {
			r := run(t, "", func(o *Options) { o.CancelGrace = 50 * time.Millisecond })
			r.ready()
			s := r.session.Load()
			others, late := make(chan error, 1), make(chan error, 1)
			go func() {
				_, err := r.Deliver(r.ctx(), send(t, "/wait", "k"))
				others <- err
			}()
			go func() {
				_, err := r.Deliver(r.ctx(), send(t, "/second", "k"))
				late <- err
			}()
			waitFor(t, "both are sent", func() bool { return s.deliver.sentCount() == 2 })
			ctx, cancel := context.WithCancel(r.ctx())
			hung := make(chan error, 1)
			go func() {
				_, err := r.Deliver(ctx, send(t, fault, "k"))
				hung <- err
			}()
			waitFor(t, "the call is sent", func() bool { return s.deliver.sentCount() == 3 })
			cancel()
			wantBroke(t, <-hung, FaultHung, WeightCertain)
			wantBroke(t, <-others, FaultHung, WeightNone)
			if err := <-late; err != nil {
				t.Errorf("a call that ends in time was killed: %v", err)
			}
			st := r.waitFor("ready again", func(st Status) bool { return st.Instance == 2 && st.AcceptsCalls() })
			if !strings.Contains(st.LastError, "deliver to c did not end within 50ms") || st.Overdue != 0 {
				t.Errorf("status %+v", st)
			}
		})
	}
}

func TestHungReceiveIsBlamed(t *testing.T) {
	r := run(t, "", func(o *Options) { o.CancelGrace = 50 * time.Millisecond })
	r.ready()
	ctx, cancel := context.WithTimeout(r.ctx(), 100*time.Millisecond)
	defer cancel()
	_, err := r.receiveAt(ctx, "/hang", "")
	wantBroke(t, err, FaultHung, WeightCertain)
	if _, err := r.receiveAt(r.ctx(), "/x", ""); err != nil || r.Status().Instance != 2 {
		t.Errorf("the next call: %v", err)
	}
}

func TestOverdueCallsAreShown(t *testing.T) {
	r := run(t, "", func(o *Options) { o.CancelGrace = time.Minute })
	r.ready()
	ctx, cancel := context.WithCancel(r.ctx())
	failed := make(chan error, 1)
	go func() {
		_, err := r.Deliver(ctx, send(t, "/hang", "k"))
		failed <- err
	}()
	s := r.session.Load()
	waitFor(t, "the call is sent", func() bool { return s.deliver.sentCount() == 1 })
	cancel()
	waitFor(t, "it is overdue", func() bool { return r.Status().Overdue == 1 })
	r.stop()
	<-failed
}

func TestPanicIsBlamedWithoutARestart(t *testing.T) {
	r := run(t, "")
	r.ready()
	_, err := r.Deliver(r.ctx(), send(t, "/panic", "k"))
	wantBroke(t, err, FaultPanicked, WeightCertain)
	_, err = r.receiveAt(r.ctx(), "/panic", "")
	wantBroke(t, err, FaultPanicked, WeightCertain)
	if rec := r.logs.find(t, "panic in a call", nil); !strings.Contains(rec["stack"], "adapter.go") {
		t.Errorf("no stack in %v", rec)
	}
	if g := r.Status().Instance; g != 1 {
		t.Errorf("a recovered panic ended the process: instance %d", g)
	}
}

func TestCallsThatKillTheProcessDoNotLeadToQuarantine(t *testing.T) {
	t.Parallel()
	r := run(t, "")
	for range 6 {
		if _, err := r.Deliver(r.ctx(), send(t, "/exit", "k")); err == nil {
			t.Fatal("the process is alive")
		}
	}
	if out, err := r.Deliver(r.ctx(), send(t, "hello", "k")); err != nil || out.GetError() != nil {
		t.Errorf("another call: %v %v, status %+v", out, err, r.Status())
	}
}
