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

// countingFetch gives token-1, token-2, … after a second each; broken makes it fail.
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

func (f *countingFetch) source() *tokenCache { return newTokenCache(f.fetch, time.Now) }

func mustGet(t *testing.T, s *tokenCache, want string) {
	t.Helper()
	if got, err := s.get(t.Context()); err != nil || got != want {
		t.Errorf("get = %q, %v; want %q", got, err, want)
	}
}

func TestOneFetchForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &countingFetch{life: time.Hour}
		s := f.source()
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

func TestOneFailureForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &countingFetch{broken: errors.New("down")}
		s := f.source()
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
			t.Errorf("%d fetches, trouble %v", f.n, s.err())
		}
	})
}

// Who waits does not suffer when the call that leads ends before its time.
func TestLeaderGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &countingFetch{life: time.Hour}
		s := f.source()
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
			t.Errorf("%d fetches, trouble %v; want 2 and none", f.n, s.err())
		}
	})
}

func TestWaiterGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := (&countingFetch{life: time.Hour}).source()
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

// In a bubble, waiting moves a clock that stands still otherwise; nothing takes real time.
func TestRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &countingFetch{life: 1000 * time.Second}
		s := f.source()
		mustGet(t, s, "token-1")
		wait(t, 798*time.Second) // 799 s after it was asked for
		mustGet(t, s, "token-1")
		wait(t, time.Second)
		mustGet(t, s, "token-2")
	})
}

// A renewal that fails while the token is still good is tried again later, and not by every call.
func TestEarlyRenewalFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &countingFetch{life: 1000 * time.Second}
		s := f.source()
		mustGet(t, s, "token-1")
		f.broken = errors.New("down")
		wait(t, 900*time.Second)
		mustGet(t, s, "token-1")
		mustGet(t, s, "token-1")
		if f.n != 2 || !errors.Is(s.err(), f.broken) {
			t.Errorf("%d fetches, trouble %v; want 2 and the error", f.n, s.err())
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

func TestInvalidate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := (&countingFetch{life: time.Hour}).source()
		mustGet(t, s, "token-1")
		s.invalidate("an older one", true)
		mustGet(t, s, "token-1")
		s.invalidate("token-1", true)
		mustGet(t, s, "token-2")
		s.invalidate("token-1", true) // late news from a slow call
		mustGet(t, s, "token-2")
	})
}

// A token that may have been refused is kept while it is new; so many customers with refused tokens do not make as many
// requests for it.
func TestInvalidateOfANewToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := (&countingFetch{life: time.Hour}).source()
		mustGet(t, s, "token-1")
		s.invalidate("token-1", false)
		mustGet(t, s, "token-1")
		wait(t, renewPause)
		s.invalidate("token-1", false)
		mustGet(t, s, "token-2")
	})
}

// A vendor who does not want to be asked for a while is not, by anybody, and who asks meanwhile is told for how long.
func TestThrottledTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &countingFetch{life: time.Hour, broken: throttled(20 * time.Second)}
		s := f.source()
		for _, later := range []time.Duration{0, 0, 5 * time.Second} {
			wait(t, later)
			_, err := s.get(t.Context())
			if e := asTyped(err); e.Kind != sdk.KindThrottled || e.Scope != sdk.ScopeChannel || e.After != 20*time.Second-later {
				t.Errorf("get: %v after %s; want throttled after %s", err, e.After, 20*time.Second-later)
			}
		}
		if f.n != 1 || s.err() == nil {
			t.Errorf("%d fetches, trouble %v; want 1 and the error", f.n, s.err())
		}
		f.broken = nil
		wait(t, 15*time.Second)
		mustGet(t, s, "token-2")
	})
}

// An early renewal that is throttled waits as long as the vendor says, and no longer than the token lives.
func TestThrottledRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &countingFetch{life: 1000 * time.Second}
		s := f.source()
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

// A fetch that panics fails its own call; the next one leads anew.
func TestFetchPanics(t *testing.T) {
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

// wait lets a bubble's time pass.
func wait(t *testing.T, d time.Duration) {
	t.Helper()
	timer := time.NewTimer(d)
	<-timer.C
}
