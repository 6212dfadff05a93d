package writer

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/store/memory"
)

// fill accepts and delivers messages until the log refuses one, and returns the refusal.
func (h *harness) fill(thread string) error {
	for i := 0; ; i++ {
		if err := h.try(thread, fmt.Sprint("f", i, time.Now().UnixNano()), strings.Repeat("much ", 200)); err != nil {
			return err
		}
		h.finish(h.head("faq"), attempt.Outcome{Result: attempt.ResultDelivered})
	}
}

// acceptsWithin returns the time until the log accepts input, at most limit.
func (h *harness) acceptsWithin(t *testing.T, limit time.Duration) {
	t.Helper()
	for began := time.Now(); h.Writable() != nil; time.Sleep(10 * time.Millisecond) {
		if time.Since(began) > limit {
			t.Fatalf("input is still refused after %s: %v", limit, h.Writable())
		}
	}
}

func openSmall(t *testing.T) *harness {
	h := &harness{tester: t, disk: memory.NewDisk(256 << 10), commits: &commits{}, ids: &idSource{}, options: func(*Options) {}}
	h.open()
	return h
}

func TestLogThatNothingNeedsIsPurged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openSmall(t)
		defer h.stop()
		for range 3 {
			if err := h.fill("w1"); !errors.Is(err, ErrUnavailable) {
				t.Fatalf("refused with %v, want ErrUnavailable", err)
			}
			h.acceptsWithin(t, 2*time.Second)
		}
	})
}

func TestPurgeFollowsDeliveries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openSmall(t)
		defer h.stop()
		h.customer("w0", "m1", "waits")
		pending := h.head("faq")
		refused := h.fill("w1")
		time.Sleep(time.Minute)
		if err := h.Writable(); err == nil || !strings.Contains(err.Error(), pending.Conv.ID) {
			t.Errorf("refused with %v, then with %v; want the conversation %s", refused, err, pending.Conv.ID)
		}
		if first := h.log.Bounds().First; first > pending.Delivery.Item.Pos.Seq {
			t.Fatalf("the log begins at %d, a delivery needs %d", first, pending.Delivery.Item.Pos.Seq)
		}
		if got := h.said(pending); got != "waits" {
			t.Errorf("the delivery has the text %q", got)
		}
		h.Finish(outcome(pending, attempt.Outcome{Result: attempt.ResultDelivered}))
		h.acceptsWithin(t, 2*time.Second)
		h.customer("w0", "m2", "goes on")
	})
}

// TestNearlyFullLogIsNotSearchedAtEachCommit fills the log behind a message that needs the oldest record.
func TestNearlyFullLogIsNotSearchedAtEachCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &harness{
			tester: t, disk: memory.NewDisk(1 << 20), commits: &commits{}, ids: &idSource{},
			options: func(o *Options) { o.Policy.History = 0 },
		}
		h.open()
		defer h.stop()
		h.customer("w1", "m1", "waits for its vendor")
		h.head("faq")
		for i := 0; h.log.Bounds().Bytes < 1<<20/100*82; i++ {
			h.customer("w2", fmt.Sprint("f", i), strings.Repeat("much ", 2000))
			h.finish(h.head("faq"), attempt.Outcome{Result: attempt.ResultDelivered})
		}
		time.Sleep(5 * roomInterval)
		began, searches := time.Now(), map[*string]bool{} // each search stores its own reason
		for i := range 100 {
			h.customer("w3", fmt.Sprint("m", i), "hello")
			searches[h.noRoom.Load()] = true
		}
		if limit := 2 + int(time.Since(began)/roomInterval); len(searches) > limit || searches[nil] {
			t.Errorf("%d searches for room in 100 commits within %s, want at most %d", len(searches), time.Since(began), limit)
		}
	})
}
