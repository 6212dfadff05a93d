package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"patchbay/sdk"
)

// countingFetch returns token-1, token-2, …, or the error broken. Each call takes a second.
type countingFetch struct {
	mu     sync.Mutex
	n      int
	life   time.Duration
	broken error
}

func (f *countingFetch) fetch(ctx context.Context) (string, time.Duration, error) {
	f.mu.Lock()
	f.n++
	n, err := f.n, f.broken
	f.mu.Unlock()
	select {
	case <-ctx.Done():
		return "", 0, ctx.Err()
	case <-time.After(time.Second):
	}
	return fmt.Sprintf("token-%d", n), f.life, err
}

func (f *countingFetch) cache() *tokenCache { return newTokenCache(f.fetch, time.Now) }

func mustGet(t *testing.T, s *tokenCache, want string) {
	t.Helper()
	if got, err := s.get(t.Context()); err != nil || got != want {
		t.Errorf("get = %q, %v; want %q", got, err, want)
	}
}

func TestConcurrentCallsShareOneFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &countingFetch{life: time.Hour}
		s := f.cache()
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() { mustGet(t, s, "token-1") })
		}
		wg.Wait()
		if f.n != 1 {
			t.Errorf("%d fetches; want 1", f.n)
		}
	})
}

func TestConcurrentCallsShareOneFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &countingFetch{broken: errors.New("down")}
		s := f.cache()
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				if _, err := s.get(t.Context()); !errors.Is(err, f.broken) {
					t.Errorf("get: %v; want the fetch's error", err)
				}
			})
		}
		wg.Wait()
		if f.n != 1 || !errors.Is(s.err(), f.broken) {
			t.Errorf("%d fetches, err %v", f.n, s.err())
		}
	})
}

// If the context of the call that fetches ends, the other calls do not fail.
func TestEndedContextDoesNotFailOtherCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &countingFetch{life: time.Hour}
		s := f.cache()
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := s.get(ctx); !errors.Is(err, context.Canceled) {
				t.Errorf("the leader got %v", err)
			}
		})
		synctest.Wait()
		for range 5 {
			wg.Go(func() { mustGet(t, s, "token-2") })
		}
		synctest.Wait()
		cancel()
		wg.Wait()
		if f.n != 2 || s.err() != nil {
			t.Errorf("%d fetches, err %v; want 2 and none", f.n, s.err())
		}
	})
}

func TestWaitEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := (&countingFetch{life: time.Hour}).cache()
		var wg sync.WaitGroup
		wg.Go(func() { mustGet(t, s, "token-1") })
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, err := s.get(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("get: %v; want its own context's error", err)
		}
		wg.Wait()
	})
}

// In a synctest bubble, time advances only while the test waits.
func TestTokenIsRenewedEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &countingFetch{life: 1000 * time.Second}
		s := f.cache()
		mustGet(t, s, "token-1")
		wait(t, 798*time.Second) // 799 s after it was asked for
		mustGet(t, s, "token-1")
		wait(t, time.Second)
		mustGet(t, s, "token-2")
	})
}

// A failed renewal of a valid token is repeated after a delay, not by each call.
func TestFailedRenewalOfAValidToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &countingFetch{life: 1000 * time.Second}
		s := f.cache()
		mustGet(t, s, "token-1")
		f.broken = errors.New("down")
		wait(t, 900*time.Second)
		mustGet(t, s, "token-1")
		mustGet(t, s, "token-1")
		if f.n != 2 || !errors.Is(s.err(), f.broken) {
			t.Errorf("%d fetches, err %v; want 2 and the error", f.n, s.err())
		}
		wait(t, renewPause)
		mustGet(t, s, "token-1")
		wait(t, 100*time.Second)
		if _, err := s.get(t.Context()); !errors.Is(err, f.broken) {
			t.Errorf("after its life: %v; want the error", err)
		}
		f.broken = nil
		mustGet(t, s, "token-5")
		if s.err() != nil {
			t.Errorf("trouble %v; want none", s.err())
		}
	})
}

func TestInvalidatedTokenIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := (&countingFetch{life: time.Hour}).cache()
		mustGet(t, s, "token-1")
		s.invalidate("an older one", true)
		mustGet(t, s, "token-1")
		s.invalidate("token-1", true)
		mustGet(t, s, "token-2")
		s.invalidate("token-1", true) // a slow call reports the old token
		mustGet(t, s, "token-2")
	})
}

// A new token is kept if AICC may have refused another credential, so that many refused user tokens cause few fetches.
func TestNewTokenIsKeptIfTheCauseIsUncertain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := (&countingFetch{life: time.Hour}).cache()
		mustGet(t, s, "token-1")
		s.invalidate("token-1", false)
		mustGet(t, s, "token-1")
		wait(t, renewPause)
		s.invalidate("token-1", false)
		mustGet(t, s, "token-2")
	})
}

// After a throttled fetch, no call fetches within the pause that AICC asked for. The error contains the remaining time.
func TestThrottledFetchPausesAllCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &countingFetch{life: time.Hour, broken: throttled(20 * time.Second)}
		s := f.cache()
		for _, later := range []time.Duration{0, 0, 5 * time.Second} {
			wait(t, later)
			_, err := s.get(t.Context())
			if e := asTyped(err); e.Kind != sdk.KindThrottled || e.Scope != sdk.ScopeChannel || e.After != 20*time.Second-later {
				t.Errorf("get: %v after %s; want throttled after %s", err, e.After, 20*time.Second-later)
			}
		}
		if f.n != 1 || s.err() == nil {
			t.Errorf("%d fetches, err %v; want 1 and the error", f.n, s.err())
		}
		f.broken = nil
		wait(t, 15*time.Second)
		mustGet(t, s, "token-2")
	})
}

// A response cannot pause a channel for longer than maxPause.
func TestPausesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &countingFetch{life: time.Hour, broken: throttled(time.Hour)}
		s := f.cache()
		if _, err := s.get(t.Context()); asTyped(err).After != maxPause {
			t.Errorf("get: %v after %s, want after %s", err, asTyped(err).After, maxPause)
		}
		f.broken = nil
		wait(t, maxPause)
		mustGet(t, s, "token-2")

		polls := newPolledUsers(time.Now)
		polls.pause(time.Now(), throttled(time.Hour))
		if left := time.Until(polls.pausedUntil); left != maxPause {
			t.Errorf("polls pause for %s, want %s", left, maxPause)
		}
	})
}

// After a throttled renewal, a valid token is not renewed within the pause that AICC asked for, at most until it
// expires.
func TestThrottledRenewalOfAValidToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &countingFetch{life: 1000 * time.Second}
		s := f.cache()
		mustGet(t, s, "token-1")
		f.broken = throttled(90 * time.Second)
		wait(t, 800*time.Second)
		mustGet(t, s, "token-1") // refused at 802 s of the token's life
		wait(t, 89*time.Second)
		mustGet(t, s, "token-1")
		if f.n != 2 {
			t.Errorf("%d fetches; want 2", f.n)
		}
		wait(t, time.Second)
		mustGet(t, s, "token-1") // refused until 983 s
		wait(t, 90*time.Second)
		mustGet(t, s, "token-1") // refused beyond the token's life
		wait(t, 17*time.Second)
		if _, err := s.get(t.Context()); sdk.KindOf(err) != sdk.KindThrottled || f.n != 4 {
			t.Errorf("after its life: %v, %d fetches; want throttled and 4", err, f.n)
		}
	})
}

func throttled(after time.Duration) error {
	return &sdk.Error{Kind: sdk.KindThrottled, Scope: sdk.ScopeChannel, After: after}
}

// If the fetch panics, its call fails. The next call fetches again.
func TestPanickingFetchReleasesOtherCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &countingFetch{life: time.Hour}
		first := true
		s := newTokenCache(func(ctx context.Context) (string, time.Duration, error) {
			if first {
				first = false
				panic("no")
			}
			return f.fetch(ctx)
		}, time.Now)
		func() {
			defer func() { _ = recover() }()
			_, _ = s.get(t.Context())
			t.Error("get did not panic")
		}()
		mustGet(t, s, "token-1")
	})
}

// wait advances a bubble's time.
func wait(t *testing.T, d time.Duration) {
	t.Helper()
	timer := time.NewTimer(d)
	<-timer.C
}
