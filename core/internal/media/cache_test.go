package media

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// fill gets n pictures of 20 kB and returns their items in this order.
func (b *testStore) fill(prefix string, n int) []*Item {
	b.t.Helper()
	var out []*Item
	for i := range n {
		ref := fmt.Sprint(prefix, i)
		b.vendor.put(ref, png1(20_000))
		out = append(out, b.must(ref))
		b.clock.advance(time.Millisecond)
	}
	return out
}

func TestOldestItemsAreEvicted(t *testing.T) {
	b := open(t) // for ten media
	old := b.fill("old", 10)
	b.expectFilesOfItems()
	b.fill("new", 3)
	for n, i := range old {
		r, err := i.Open()
		if err == nil {
			_ = r.Close()
		}
		if gone := errors.Is(err, ErrGone); gone != (n < 3) {
			t.Errorf("item %d: %v", n, err)
		}
	}
	if bytes, items := b.counts.stored(); bytes > b.opt.TotalBytes || items != 10 {
		t.Errorf("%d bytes in %d items", bytes, items)
	}
	b.expectFilesOfItems()
}

func TestDiskSizeCountsBlocks(t *testing.T) {
	for size, want := range map[int64]int64{0: 4096, 1: 8192, 4096: 8192, 4097: 12288} {
		if got := diskSize(size); got != want {
			t.Errorf("diskSize(%d) = %d, want %d", size, got, want)
		}
	}
}

// Open items are not evicted. If all items are open, Get fails with ErrNoRoom.
func TestOpenItemsAreNotEvicted(t *testing.T) {
	b := open(t)
	items := b.fill("a", 10)
	var readers []io.ReadSeekCloser
	for _, i := range items[:9] {
		r, err := i.Open()
		if err != nil {
			t.Fatal(err)
		}
		readers = append(readers, r)
	}
	b.vendor.put("b", png1(20_000))
	b.must("b") // evicts the tenth
	r, err := b.latest[sourceDigest(ptr(request(envelope.PartImage, "b")))].Open()
	if err != nil {
		t.Fatal(err)
	}
	b.vendor.put("c", png1(100))
	_, err = b.Get(t.Context(), request(envelope.PartImage, "c"), Limit{})
	if !errors.Is(err, ErrNoRoom) || IsPermanent(err) {
		t.Errorf("error = %v", err)
	}
	if got := b.counts.results(); got[len(got)-1] != "desk "+ResultNoRoom {
		t.Errorf("counted %v", got)
	}
	b.expectFilesOfItems()
	if got, err := io.ReadAll(readers[0]); err != nil || !bytes.Equal(got, picture(20_000)) {
		t.Errorf("oldest item: other bytes, or error %v", err)
	}
	for _, r := range append(readers, r) {
		if err := errors.Join(r.Close()); err != nil {
			t.Error(err)
		}
		_ = r.Close() // must not decrement the readers again
	}
	b.must("c")
	b.fill("d", 10)
	for id, i := range b.items {
		if i.readers != 0 {
			t.Errorf("item %s has %d readers", id, i.readers)
		}
	}
	b.expectFilesOfItems()
}

func ptr[T any](v T) *T { return &v }

func TestUnfinishedMediaCountTowardsTotalBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t, func(o *Options) { o.TotalBytes = 2 * diskSize(20_000) })
		m := png1(20_000)
		m.wait = make(chan struct{})
		var all sync.WaitGroup
		errs := make([]error, 4)
		for n := range errs {
			ref := fmt.Sprint(n)
			b.vendor.put(ref, m)
			all.Go(func() { _, errs[n] = b.Get(t.Context(), request(envelope.PartImage, ref), Limit{}) })
		}
		synctest.Wait()
		b.mu.Lock()
		if b.used > b.opt.TotalBytes {
			t.Errorf("%d bytes used, limit %d", b.used, b.opt.TotalBytes)
		}
		b.mu.Unlock()
		close(m.wait)
		all.Wait()
		full := 0
		for _, err := range errs {
			if errors.Is(err, ErrNoRoom) {
				full++
			} else if err != nil {
				t.Error(err)
			}
		}
		if full == 0 || full == 4 {
			t.Errorf("%d of 4 failed with ErrNoRoom, want some but not all", full)
		}
		b.expectFilesOfItems()
	})
}

func TestFullDiskIsErrNoRoom(t *testing.T) {
	for _, cause := range []error{syscall.ENOSPC, syscall.EDQUOT} {
		if err := writeError(fmt.Errorf("write x: %w", cause)); !errors.Is(err, ErrNoRoom) || !errors.Is(err, cause) {
			t.Errorf("%v: %v", cause, err)
		}
	}
	if err := writeError(syscall.EIO); errors.Is(err, ErrNoRoom) || !errors.Is(err, syscall.EIO) {
		t.Errorf("error = %v", err)
	}
}

func TestRunRemovesExpiredItems(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t, func(o *Options) { o.Now = time.Now })
		stop := b.run()
		defer stop()
		items := b.fill("a", 3)
		r, err := items[0].Open()
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour - time.Second)
		synctest.Wait()
		b.expectFilesOfItems()
		if _, items := b.counts.stored(); items != 3 {
			t.Fatalf("%d items before they expire", items)
		}
		time.Sleep(2 * sweepInterval)
		synctest.Wait()
		if bytes, items := b.counts.stored(); bytes != 0 || items != 0 {
			t.Errorf("%d bytes in %d items after", bytes, items)
		}
		if _, err := items[1].Open(); !errors.Is(err, ErrGone) {
			t.Errorf("open: %v", err)
		}
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, picture(20_000)) {
			t.Errorf("open reader after expiry: %v", err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		b.expectFilesOfItems()
	})
}

func TestSweepRemovesManyItems(t *testing.T) {
	b := open(t, func(o *Options) { o.TotalBytes = 1 << 30 })
	for n := range 2*sweepBatch + 1 {
		ref := fmt.Sprint(n)
		b.vendor.put(ref, png1(100))
		b.must(ref)
	}
	b.clock.advance(time.Hour)
	b.vendor.put("fresh", png1(100))
	b.must("fresh")
	b.sweep()
	if bytes, items := b.counts.stored(); bytes != diskSize(100) || items != 1 {
		t.Errorf("%d bytes in %d items", bytes, items)
	}
	b.expectFilesOfItems()
}

// In the last quarter of an item's lifetime, Get fetches the medium again. If this fails, Get returns the old item.
func TestItemsAreFetchedAgainBeforeExpiry(t *testing.T) {
	b := open(t)
	b.vendor.put("cat", png1(100))
	first := b.must("cat")
	b.clock.advance(45 * time.Minute)
	if b.must("cat") != first {
		t.Error("fetched again with a quarter of its time left")
	}
	b.clock.advance(time.Minute)
	second := b.must("cat")
	if second == first || second.Expires.Sub(b.clock.Now()) != time.Hour {
		t.Errorf("not fetched again; expires at %s", second.Expires)
	}
	if r := b.sendRequest("GET", b.Link(first)); r.StatusCode != 200 {
		t.Errorf("link to the old item: status %d", r.StatusCode)
	}
	b.clock.advance(14 * time.Minute)
	b.sweep()
	if b.must("cat") != second || b.vendor.requests("cat") != 2 {
		t.Error("the expiry of the old item removed the new one")
	}
	b.clock.advance(36 * time.Minute)
	b.vendor.put("cat", medium{err: errors.New("connection reset")})
	if b.must("cat") != second || b.vendor.requests("cat") != 3 {
		t.Error("the cached item was not returned after a failed fetch")
	}
	b.vendor.put("cat", medium{err: &sdk.Error{Kind: sdk.KindGone}})
	for range 2 {
		if b.must("cat") != second || b.vendor.requests("cat") != 4 {
			t.Error("the cached item was not returned after a permanent error, or the fetch was repeated")
		}
	}
	b.clock.advance(10 * time.Minute)
	if _, err := b.Get(t.Context(), request(envelope.PartImage, "cat"), Limit{}); err == nil {
		t.Error("an expired item was returned")
	}
	b.sweep()
	b.expectFilesOfItems()
}
