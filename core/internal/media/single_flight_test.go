package media

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"patchbay/sdk/envelope"
)

func TestConcurrentCallsShareAFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t)
		m := png1(5000)
		m.wait = make(chan struct{})
		b.vendor.put("cat", m)
		const callers = 50
		items := make([]*Item, callers)
		errs := make([]error, callers)
		var all sync.WaitGroup
		for n := range callers {
			all.Go(func() { items[n], errs[n] = b.Get(t.Context(), request(envelope.PartImage, "cat"), Limit{}) })
		}
		synctest.Wait()
		close(m.wait)
		all.Wait()
		for n := range callers {
			if errs[n] != nil || items[n] == nil || items[n] != items[0] {
				t.Errorf("caller %d: %v, %v", n, items[n], errs[n])
			}
		}
		if got := b.vendor.requests("cat"); got != 1 {
			t.Errorf("%d requests to the vendor, want 1", got)
		}
		b.expectFilesOfItems()
	})
}

func TestFetchContinuesWhenFirstCallerLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t)
		m := png1(5000)
		m.wait = make(chan struct{})
		b.vendor.put("cat", m)
		first, cancel := context.WithCancel(t.Context())
		var firstErr, secondErr error
		var all sync.WaitGroup
		all.Go(func() { _, firstErr = b.Get(first, request(envelope.PartImage, "cat"), Limit{}) })
		synctest.Wait()
		all.Go(func() { _, secondErr = b.Get(t.Context(), request(envelope.PartImage, "cat"), Limit{}) })
		synctest.Wait()
		cancel()
		synctest.Wait()
		if !errors.Is(firstErr, context.Canceled) || IsPermanent(firstErr) {
			t.Errorf("first: %v", firstErr)
		}
		close(m.wait)
		all.Wait()
		if secondErr != nil || b.vendor.requests("cat") != 1 {
			t.Errorf("second: %v, after %d requests", secondErr, b.vendor.requests("cat"))
		}
	})
}

func TestFetchEndsWhenAllCallersLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t)
		m := png1(5000)
		m.wait = make(chan struct{}) // never closed
		b.vendor.put("cat", m)
		var all sync.WaitGroup
		for n := range 3 {
			all.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(n+1)*time.Second)
				defer cancel()
				if _, err := b.Get(ctx, request(envelope.PartImage, "cat"), Limit{}); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("error = %v", err)
				}
			})
		}
		all.Wait()
		synctest.Wait()
		if b.vendor.active != 0 {
			t.Fatal("the fetch is still running")
		}
		if got := b.counts.results(); !slices.Equal(got, []string{"desk abandoned"}) {
			t.Errorf("counted %v", got)
		}
		b.expectFilesOfItems()
		b.vendor.put("cat", png1(5000))
		b.must("cat") // starts a new fetch
		if got := b.vendor.requests("cat"); got != 2 {
			t.Errorf("%d requests to the vendor, want 2", got)
		}
	})
}

// A call of Get while an abandoned fetch ends starts a new fetch.
func TestGetAfterAbandonedFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t)
		slow := &ignoresContext{vendor: b.vendor, proceed: make(chan struct{})}
		b.reopen(func(o *Options) { o.Source = slow })
		b.vendor.put("cat", png1(5000))
		ctx, cancel := context.WithCancel(t.Context())
		var firstErr error
		var all sync.WaitGroup
		all.Go(func() { _, firstErr = b.Get(ctx, request(envelope.PartImage, "cat"), Limit{}) })
		synctest.Wait()
		cancel()
		all.Wait()
		var second *Item
		all.Go(func() { second = b.must("cat") })
		synctest.Wait()
		close(slow.proceed)
		all.Wait()
		synctest.Wait()
		if !errors.Is(firstErr, context.Canceled) || second == nil || b.vendor.requests("cat") != 2 {
			t.Errorf("first %v, second %v, %d requests", firstErr, second, b.vendor.requests("cat"))
		}
		if !bytes.Equal(content(t, second), picture(5000)) {
			t.Error("other bytes than the vendor's")
		}
		b.expectFilesOfItems()
	})
}

// The end of an abandoned fetch does not affect the next fetch.
func TestAbandonedFetchEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t)
		slow := &ignoresContext{vendor: b.vendor, proceed: make(chan struct{})}
		b.reopen(func(o *Options) { o.Source = slow })
		b.vendor.put("cat", medium{err: errors.New("connection reset")})
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() { _, _ = b.Get(ctx, request(envelope.PartImage, "cat"), Limit{}) })
		synctest.Wait()
		cancel()
		synctest.Wait()
		errs := make([]error, 2)
		get := func(n int) { _, errs[n] = b.Get(t.Context(), request(envelope.PartImage, "cat"), Limit{}) }
		all.Go(func() { get(0) })
		synctest.Wait()
		slow.proceed <- struct{}{} // the first call fails
		synctest.Wait()
		all.Go(func() { get(1) })
		synctest.Wait()
		b.vendor.put("cat", png1(100))
		close(slow.proceed)
		all.Wait()
		if n := b.vendor.requests("cat"); n != 2 || errs[0] != nil || errs[1] != nil {
			t.Errorf("%d requests; errors %v", n, errs)
		}
	})
}

// ignoresContext is a Source that ignores its context. Each call waits for proceed.
type ignoresContext struct {
	*vendor
	proceed chan struct{}
}

func TestRunCancelsFetches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t)
		m := png1(5000)
		m.wait = make(chan struct{}) // never closed
		b.vendor.put("cat", m)
		stop := b.run()
		var err error
		var all sync.WaitGroup
		all.Go(func() { _, err = b.Get(t.Context(), request(envelope.PartImage, "cat"), Limit{}) })
		synctest.Wait()
		stop()
		if b.vendor.active != 0 {
			t.Error("Run returned before the fetch ended")
		}
		all.Wait()
		if !errors.Is(err, ErrClosed) || IsPermanent(err) {
			t.Errorf("error = %v", err)
		}
		if _, err := b.Get(t.Context(), request(envelope.PartImage, "dog"), Limit{}); !errors.Is(err, ErrClosed) {
			t.Errorf("afterwards: %v", err)
		}
		b.expectFilesOfItems()
	})
}

func (d *ignoresContext) Fetch(_ context.Context, req Request, info func(Info) error, chunk func([]byte) error) error {
	<-d.proceed
	return d.vendor.Fetch(context.Background(), req, info, chunk)
}
