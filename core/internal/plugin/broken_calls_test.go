package plugin

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"
)

// wantGivenUp fails the test unless err is a GivenUpError, and returns it.
func wantGivenUp(t *testing.T, err error) *GivenUpError {
	t.Helper()
	given, ok := errors.AsType[*GivenUpError](err)
	if !ok {
		t.Fatalf("error %v, want a GivenUpError", err)
	}
	return given
}

func TestWebhookThatBreaksTheAdapterIsGivenUp(t *testing.T) {
	t.Parallel()
	for fault, deaths := range map[string]int{"/crash": 2, "/exit": 2, "/panic": 0} {
		t.Run(fault, func(t *testing.T) {
			r := run(t, "")
			for range 5 { // the vendor repeats it
				_, err := r.receiveAt(r.ctx(), fault, "body")
				wantGivenUp(t, err)
			}
			if _, err := r.receiveAt(r.ctx(), "/x", "body"); err != nil {
				t.Errorf("another webhook: %v", err)
			}
			r.waitFor("ready", Status.AcceptsCalls)
			if st := r.Status(); st.Restarts != deaths {
				t.Errorf("status %+v, want %d restarts", st, deaths)
			}
			_, err := r.receiveAt(r.ctx(), fault, "another body") // the adapter gets this call
			wantGivenUp(t, err)
			r.waitFor("ready again", Status.AcceptsCalls)
			if st := r.Status(); st.Restarts != 2*deaths {
				t.Errorf("status %+v, want %d restarts", st, 2*deaths)
			}
		})
	}
}

func TestHungWebhookIsGivenUpTheSecondTime(t *testing.T) {
	r := run(t, "", func(o *Options) { o.CancelGrace = 50 * time.Millisecond })
	for i, fault := range []Fault{FaultHung, FaultHung} {
		r.ready()
		ctx, cancel := context.WithTimeout(r.ctx(), 50*time.Millisecond)
		defer cancel()
		_, err := r.receiveAt(ctx, "/hang", "")
		wantBroke(t, err, fault, WeightCertain)
		if given := errors.As(err, new(*GivenUpError)); given != (i == 1) {
			t.Errorf("call %d: %v", i, err)
		}
	}
	began := time.Now()
	_, err := r.receiveAt(r.ctx(), "/hang", "")
	wantGivenUp(t, err)
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("the adapter got the call again, for %s", took)
	}
}

func TestOnlyTheWebhookThatKillsTheAdapterIsGivenUp(t *testing.T) {
	t.Parallel()
	r := run(t, "")
	r.ready()
	s := r.session.Load()
	failed := make(chan error, 3)
	var others sync.WaitGroup
	for i := range 3 {
		others.Go(func() {
			if _, err := r.receiveAt(r.ctx(), "/second", fmt.Sprint(i)); err != nil {
				failed <- err
			}
		})
	}
	waitFor(t, "the other calls are sent", func() bool { return s.receive.sentCount() == 3 })
	_, err := r.receiveAt(r.ctx(), "/exit", "")
	wantGivenUp(t, err)
	others.Wait()
	close(failed)
	for err := range failed {
		t.Errorf("another call: %v", err)
	}
	st := r.waitFor("ready again", func(st Status) bool { return st.Restarts >= 3 && st.AcceptsCalls() })
	if st.Restarts != 3 {
		t.Errorf("%d restarts, want 3: one in company, two alone", st.Restarts)
	}
}

func TestRestartClearsTheBlameOfWebhooks(t *testing.T) {
	r := run(t, "")
	kill := func() {
		t.Helper()
		_, err := r.receiveAt(r.ctx(), "/exit", "")
		wantGivenUp(t, err)
		r.ready()
	}
	kill()
	before := r.Status().Restarts
	kill()
	if n := r.Status().Restarts; n != before {
		t.Fatalf("%d restarts, want %d: it is given up", n, before)
	}
	r.Restart()
	r.waitFor("restarted", func(st Status) bool { return st.Restarts > before && st.AcceptsCalls() })
	before = r.Status().Restarts
	kill()
	if n := r.Status().Restarts; n != before+2 {
		t.Errorf("%d restarts after the operator's, want 2", n-before)
	}
}

func TestBlameEndsWithSuccessAndWithTheVersion(t *testing.T) {
	b := newBrokenCalls("hostile", nil)
	b.useVersion("1")
	bad, certain := webhookIdentity(webhook("/x", "bad")), &BrokeError{Fault: FaultHung, Weight: WeightCertain, Text: "hung"}
	for name, end := range map[string]func(){
		"success": func() { b.forgive(bad) }, "version": func() { b.useVersion("2") }, "restart": b.forgiveAll,
	} {
		if err := b.blame(bad, certain); err != nil {
			t.Errorf("first fault: %v", err)
		}
		end()
		if err := b.blame(bad, certain); err != nil {
			t.Errorf("first fault after %s: %v", name, err)
		}
		wantGivenUp(t, b.blame(bad, certain))
		wantGivenUp(t, b.givenUpError(bad))
		if err := b.givenUpError(webhookIdentity(webhook("/y", "bad"))); err != nil {
			t.Errorf("another path: %v", err)
		}
		b.useVersion("1") // as after an unchanged restart
		if name != "version" {
			wantGivenUp(t, b.givenUpError(bad))
		}
		b.forgiveAll()
	}
}

func TestWebhookIsKeptOnce(t *testing.T) {
	b := newBrokenCalls("hostile", nil)
	bad, certain := webhookIdentity(webhook("/x", "bad")), &BrokeError{Weight: GiveUpWeight}
	stored := 0
	store := func(err error) func() error { return func() error { stored++; return err } }
	full := errors.New("full")
	if err := wantGivenUp(t, b.blame(bad, certain)).Keep.Do(store(full)); !errors.Is(err, full) {
		t.Errorf("Keep = %v", err)
	}
	for range 3 {
		if err := wantGivenUp(t, b.givenUpError(bad)).Keep.Do(store(nil)); err != nil {
			t.Errorf("Keep = %v", err)
		}
	}
	if stored != 2 {
		t.Errorf("stored %d times, want one failure and one success", stored)
	}
}

func TestBlameHasBoundedMemory(t *testing.T) {
	b := newBrokenCalls("hostile", nil)
	for i := range 2 * maxBrokenCalls {
		_ = b.blame(webhookIdentity(webhook("/x", fmt.Sprint(i))), &BrokeError{Weight: WeightCertain})
	}
	if n := b.calls.Len(); n > maxBrokenCalls {
		t.Errorf("%d calls", n)
	}
}
