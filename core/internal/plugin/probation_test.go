package plugin

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"patchbay/sdk/protocol/pluginpb"
)

func (r *runningHost) subscribeAt(ctx context.Context, channel, cursor string) error {
	return r.Subscribe(ctx, &pluginpb.SubscribeRequest{Channel: channel, Cursor: []byte(cursor)},
		func(context.Context, [][]byte, []byte) error { return nil })
}

func TestSubscriptionThatKillsTheAdapterIsGivenUp(t *testing.T) {
	r := run(t, "", func(o *Options) { o.CrashBudget = 2 })
	for round := range 2 { // the second round is after the subscriber's pause
		var given int
		for range 2 {
			r.ready()
			if err := r.subscribeAt(r.ctx(), "c", "/exit"); errors.As(err, new(*GivenUpError)) {
				given++
			}
		}
		if given != 1 {
			t.Errorf("round %d: given up %d times, want after the second kill", round, given)
		}
	}
	if st := r.waitFor("ready again", Status.AcceptsCalls); st.Restarts != 4 {
		t.Errorf("status %+v, want 4 restarts", st)
	}
}

func TestOtherSubscriptionsContinue(t *testing.T) {
	t.Parallel()
	r := run(t, "")
	ctx, cancel := context.WithCancel(r.ctx())
	var all sync.WaitGroup
	again := func(channel string) {
		for ctx.Err() == nil {
			if err := r.subscribeAt(ctx, channel, "5"); errors.As(err, new(*GivenUpError)) {
				t.Errorf("%s was given up: %v", channel, err)
			}
		}
	}
	r.ready()
	s := r.session.Load()
	all.Go(func() { again("first") })
	all.Go(func() { again("second") })
	waitFor(t, "the others run", func() bool { return s.probations.Load() == 2 })
	for !errors.As(r.subscribeAt(r.ctx(), "bad", "/exit"), new(*GivenUpError)) {
		if r.Status().State == StateQuarantined {
			t.Fatalf("status %+v", r.Status())
		}
	}
	next := func() *session { s := r.session.Load(); return s }
	waitFor(t, "the others run again", func() bool {
		s := next()
		r.subscriptions.mu.Lock()
		defer r.subscriptions.mu.Unlock()
		return s != nil && r.subscriptions.calls.Len() == 2 && r.subscriptions.suspects == 0
	})
	cancel()
	all.Wait()
}

func TestCrashAfterTheProbationBlamesNoSubscription(t *testing.T) {
	r := run(t, "")
	r.ready()
	p := &probation{host: r.Host, turn: r.subscriptions.enter(), id: subscriptionIdentity("c")}
	if !p.begin(r.ctx()) {
		t.Fatal("it did not begin")
	}
	s := r.session.Load()
	p.watch(s)
	p.pass() // as after probationTime
	p.pass()
	if _, err := r.Deliver(r.ctx(), send(t, "/exit", "k")); err == nil {
		t.Fatal("the process is alive")
	}
	lost := errors.New("connection lost")
	if err := p.blame(r.ctx(), lost); err != lost || r.broken.isSuspect(p.id) {
		t.Errorf("blamed: %v", err)
	}
	p.end()
	p.turn.leave()
	if n := s.probations.Load(); n != 0 {
		t.Errorf("%d probations are left", n)
	}
}

func TestStoppedSubscriptionIsNotBlamed(t *testing.T) {
	r := run(t, "", func(o *Options) { o.StopTimeout, o.DrainTimeout = time.Second, 100*time.Millisecond })
	for range 3 {
		r.ready()
		s := r.session.Load()
		done := make(chan error, 1)
		go func() { done <- r.subscribeAt(r.ctx(), "c", "5") }()
		waitFor(t, "it runs", func() bool { return s.probations.Load() == 1 })
		r.Restart()
		if err := <-done; errors.As(err, new(*GivenUpError)) {
			t.Errorf("blamed for a restart: %v", err)
		}
		r.waitFor("restarted", func(st Status) bool { return st.AcceptsCalls() && st.Instance > s.instance })
	}
}
