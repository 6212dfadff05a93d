package plugin

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"patchbay/sdk"
	"patchbay/sdk/protocol/pluginpb"
)

func TestMediumThatBreaksTheAdapterIsGivenUp(t *testing.T) {
	for ref, restarts := range map[string]int{"/crash": 2, "/exit": 2, "/panic": 0} { // "/exit" ends after the first bytes
		t.Run(ref, func(t *testing.T) {
			r := run(t, "", func(o *Options) { o.CrashBudget = 2 })
			r.ready()
			var kinds []sdk.ErrorKind
			for range 5 { // the delivery is repeated
				_, err := r.read(ref)
				kinds = append(kinds, sdk.KindOf(err))
			}
			if last := kinds[len(kinds)-1]; last != sdk.KindPermanent {
				t.Errorf("kinds of errors %v, want permanent at last", kinds)
			}
			if m, err := r.read("10"); err != nil || len(m.data) != 10 {
				t.Errorf("another medium: %v, %v", m, err)
			}
			// The session accepts calls before the status shows it.
			if st := r.waitFor("ready again", Status.AcceptsCalls); st.Restarts != restarts {
				t.Errorf("status %+v, want %d restarts", st, restarts)
			}
		})
	}
}

func TestHungMediumIsGivenUpTheSecondTime(t *testing.T) {
	for _, ref := range []string{"/hang", "/loop"} {
		t.Run(ref, func(t *testing.T) {
			r := run(t, "", func(o *Options) { o.CancelGrace = 100 * time.Millisecond })
			for i := range 3 {
				r.waitFor("ready", func(st Status) bool { return st.Restarts == i && st.AcceptsCalls() })
				ctx, cancel := context.WithCancel(r.ctx())
				s, done := r.session.Load(), make(chan error, 1)
				go func() {
					done <- r.Fetch(ctx, &pluginpb.FetchRequest{Channel: "c", Part: &pluginpb.Part{Type: "file", Ref: ref}},
						func(*pluginpb.FetchResponse) error { return nil }, func([]byte) error { return nil })
				}()
				waitFor(t, "the call is sent or refused", func() bool { return s.fetches.Load() == 1 || len(done) == 1 })
				cancel()
				err := <-done
				if i == 0 {
					wantBroke(t, err, FaultHung, WeightCertain)
				} else if sdk.KindOf(err) != sdk.KindPermanent {
					t.Errorf("time %d: %v, want it given up", i, err)
				}
			}
			st := r.waitFor("ready again", func(st Status) bool { return st.Restarts >= 2 && st.AcceptsCalls() })
			if st.Restarts != 2 || !strings.Contains(st.LastError, "fetch from c did not end") || st.Overdue != 0 {
				t.Errorf("status %+v", st)
			}
			if m, err := r.read("10"); err != nil || len(m.data) != 10 {
				t.Errorf("another medium: %v, %v", m, err)
			}
		})
	}
}

func TestCanceledFetchEndsInTime(t *testing.T) {
	t.Parallel()
	r := run(t, "")
	r.ready()
	for range 20 {
		ctx, cancel := context.WithCancel(r.ctx())
		done := make(chan error, 1)
		go func() {
			done <- r.Fetch(ctx, &pluginpb.FetchRequest{Channel: "c", Part: &pluginpb.Part{Type: "file", Ref: "/wait"}},
				func(*pluginpb.FetchResponse) error { return nil }, func([]byte) error { return nil })
		}()
		cancel() // at any moment of the call
		if err := <-done; err == nil || errors.As(err, new(*BrokeError)) {
			t.Fatalf("Fetch = %v", err)
		}
	}
	waitFor(t, "no call is overdue", func() bool { return r.Status().Overdue == 0 })
	if st := r.Status(); st.Restarts != 0 {
		t.Errorf("status %+v", st)
	}
}

func TestOnlyTheMediumThatKillsTheAdapterIsGivenUp(t *testing.T) {
	r := run(t, "")
	r.ready()
	s := r.session.Load()
	var others sync.WaitGroup
	others.Go(func() {
		if _, err := r.receiveAt(r.ctx(), "/second", ""); err != nil {
			t.Errorf("webhook: %v", err)
		}
	})
	for range 2 {
		others.Go(func() { // "/second" is no medium, but that is known after a second only
			if _, err := r.read("/second"); sdk.KindOf(err) != sdk.KindGone {
				t.Errorf("medium: %v", err)
			}
		})
	}
	delivered := make(chan error, 1)
	go func() {
		_, err := r.Deliver(r.ctx(), send(t, "/second", "k"))
		delivered <- err
	}()
	waitFor(t, "the calls are sent", func() bool {
		return s.fetches.Load() == 2 && s.receive.sentCount() == 1 && s.deliver.sentCount() == 1
	})
	_, err := r.read("/crash")
	if sdk.KindOf(err) != sdk.KindPermanent {
		t.Errorf("the medium that kills: %v", err)
	}
	wantBroke(t, <-delivered, FaultDied, WeightLikely) // not certain: the medium did it
	others.Wait()
	r.waitFor("ready again", Status.AcceptsCalls)
}

func TestRestartDuringAFetchBlamesNothing(t *testing.T) {
	r := run(t, "", func(o *Options) { o.DrainTimeout = 50 * time.Millisecond })
	r.ready()
	s := r.session.Load()
	done := make(chan error, 1)
	go func() {
		_, err := r.read("/second")
		done <- err
	}()
	waitFor(t, "the call is sent", func() bool { return s.fetches.Load() == 1 })
	for range 3 {
		before := r.Status().Instance
		r.Restart()
		r.waitFor("restarted", func(st Status) bool { return st.Instance > before && st.AcceptsCalls() })
	}
	if err := <-done; sdk.KindOf(err) == sdk.KindPermanent {
		t.Errorf("the medium was blamed for restarts: %v", err)
	}
}
