package writer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/conversation"
	"patchbay/core/internal/inbound"
	"patchbay/core/internal/store"
	"patchbay/core/internal/store/memory"
)

// fill accepts and delivers messages until the log refuses a message, and returns the error.
func (h *harness) fill(thread string) error {
	for i := 0; ; i++ {
		if err := h.accept(thread, fmt.Sprint("f", i, time.Now().UnixNano()), strings.Repeat("much ", 2000)); err != nil {
			return err
		}
		h.finish(h.head("faq"), attempt.Outcome{Result: attempt.ResultDelivered})
	}
}

// acceptsWithin fails the test if the log does not accept input within limit.
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
		if err := h.Do(t.Context(), func(tx *conversation.Transaction) error {
			tx.RecordCommand(pending.Conv.ID, &conversation.Command{Name: "note", User: "ann", Reason: "waits"})
			return nil
		}); err != nil {
			t.Errorf("Do = %v while messages are refused, want none", err)
		}
		if first := h.log.Bounds().First; first > pending.Delivery.Item.Pos.Seq {
			t.Fatalf("the log begins at %d, a delivery needs %d", first, pending.Delivery.Item.Pos.Seq)
		}
		if got := h.textOf(pending); got != "waits" {
			t.Errorf("the delivery has the text %q", got)
		}
		h.Finish(outcome(pending, attempt.Outcome{Result: attempt.ResultDelivered}))
		h.acceptsWithin(t, 2*time.Second)
		h.customer("w0", "m2", "goes on")
	})
}

// backlog accepts messages of many customers until the log refuses a message, and returns their deliveries.
func (h *harness) backlog() []*attempt.Job {
	h.Helper()
	var jobs []*attempt.Job
	for i := 0; h.accept(fmt.Sprint("b", i), "m1", strings.Repeat("much ", 200)) == nil; i++ {
		jobs = append(jobs, h.head("faq"))
	}
	return jobs
}

// TestOutcomesFitIntoAFullLog delivers a backlog to a bot. The bot's replies need more space than the cap of the log
// leaves. The oldest message is delivered last, so that no records can be purged before.
func TestOutcomesFitIntoAFullLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openSmall(t)
		defer h.stop()
		jobs := h.backlog()
		for i, j := range slices.Backward(jobs) {
			reply := message(t, "faq", j.Thread, fmt.Sprint("r", i), strings.Repeat("more ", 200))
			h.finish(j, attempt.Outcome{Result: attempt.ResultDelivered, Replies: []*inbound.Envelope{reply}})
		}
		if b := h.log.Bounds(); b.Bytes <= b.Cap {
			t.Errorf("the log takes %d of %d bytes, want more", b.Bytes, b.Cap)
		}
		for range jobs {
			h.finish(h.head("web"), attempt.Outcome{Result: attempt.ResultDelivered})
		}
		h.acceptsWithin(t, 2*time.Second)
	})
}

// TestPurgeNeedsNoNewSnapshot delivers a backlog that the newest snapshot contains, while no other snapshot can be
// stored.
func TestPurgeNeedsNoNewSnapshot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openSmall(t)
		defer h.stop()
		jobs := h.backlog()
		time.Sleep(snapshotIdle + time.Second)
		heal := failSaves(h)
		for _, j := range jobs[:len(jobs)/10] {
			h.Finish(outcome(j, attempt.Outcome{Result: attempt.ResultDelivered}))
		}
		h.acceptsWithin(t, 2*time.Second)
		heal()
	})
}

// TestFullLogIsTriedAtIntervals passes inputs to a writer whose log refuses each record.
func TestFullLogIsTriedAtIntervals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHarness(t)
		defer h.stop()
		tries := 0
		h.log.Hook(func(_ context.Context, op memory.Op) error {
			if op == memory.OpAppend {
				tries++
				return store.ErrFull
			}
			return nil
		})
		for i := range 1000 {
			h.acceptInBackground(message(t, "web", "w1", fmt.Sprint(i), "hello"))
			time.Sleep(time.Millisecond)
		}
		h.log.Hook(nil)
		if limit := int(time.Second/retryCommit) + 1; tries > limit {
			t.Errorf("%d records were tried within a second, want at most %d", tries, limit)
		}
	})
}

// TestNearlyFullLogIsNotSearchedAtEachCommit fills the log after a message that needs the oldest record.
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
		began, searches := time.Now(), map[*string]bool{} // each search stores another reason
		for i := range 100 {
			h.customer("w3", fmt.Sprint("m", i), "hello")
			searches[h.noRoom.Load()] = true
		}
		if limit := 2 + int(time.Since(began)/roomInterval); len(searches) > limit || searches[nil] {
			t.Errorf("%d searches for room in 100 commits within %s, want at most %d", len(searches), time.Since(began), limit)
		}
	})
}
