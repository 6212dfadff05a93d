package writer

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/conversation"
	"patchbay/core/internal/inbound"
	"patchbay/core/internal/route"
	"patchbay/core/internal/state"
	"patchbay/core/internal/store"
	"patchbay/sdk/envelope"
)

// createConversations creates conversations with different contents: live ones, an offer, a retry, a dead letter.
func (h *harness) createConversations(round int) {
	h.Helper()
	id := func(s string) string { return fmt.Sprint(s, round) }
	h.customer(id("a"), "m1", "one")
	h.customer(id("a"), "m2", "two")
	h.customer(id("b"), "m1", "help")
	h.customer(id("c"), "m1", "desk now")
	h.customer(id("d"), "m1", "bad")
	if err := h.Accept(context.Background(), []*inbound.Envelope{message(h, "faq", "nobody's", id("o"), "who?")}); err != nil {
		h.Fatalf("Accept: %v", err)
	}
	for j := h.lanes.take("faq"); j != nil; j = h.lanes.take("faq") {
		switch h.textOf(j) {
		case "one":
			h.finish(j, attempt.Outcome{Result: attempt.ResultDelivered, State: []byte("s")})
		case "bad":
			h.finish(j, attempt.Outcome{Result: attempt.ResultDead, Error: "permanent", Text: "no"})
		default:
			h.finish(j, attempt.Outcome{Result: attempt.ResultRetry, Error: "transient", Next: time.Now().Add(time.Hour)})
		}
	}
}

func TestReplayEqualsState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHarness(t)
		for round := range 4 {
			h.createConversations(round)
			if round%2 == 0 {
				h.restart()
			} else {
				h.crash()
				h.checkRestored()
				h.open()
			}
		}
		if err := h.stop(); err != nil {
			t.Errorf("Run = %v", err)
		}
		h.checkRestored()
		if got := h.state.Lease(); got != 5 {
			t.Errorf("lease %d after five starts", got)
		}
	})
}

// TestRestoreFromSnapshotAndLaterRecords restores from a snapshot and the later records, without the earlier records.
func TestRestoreFromSnapshotAndLaterRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHarness(t)
		h.createConversations(1)
		time.Sleep(snapshotIdle)
		h.customer("x", "m1", "the snapshot is due")
		synctest.Wait()
		h.createConversations(2)
		h.crash()
		whole := state.New()
		for i, r := range h.records() {
			if err := whole.FoldRecord(uint64(i+1), r); err != nil {
				t.Fatal(err)
			}
		}
		s, found, err := h.disk.Open().LoadSnapshot(t.Context())
		if err != nil || !found || s.Seq == 0 || s.Seq == h.disk.Open().Bounds().Last {
			t.Fatalf("snapshot of record %d (found %v, %v), want one in the middle", s.Seq, found, err)
		}
		if err := h.disk.Open().Purge(t.Context(), s.Seq+1); err != nil {
			t.Fatal(err)
		}
		h.build()
		if err := h.restore(t.Context()); err != nil {
			t.Fatal(err)
		}
		if h.last != s.Seq {
			t.Errorf("restored up to %d, want %d", h.last, s.Seq)
		}
		h.build()
		if err := h.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		if h.state.Lease() != whole.Lease()+1 {
			t.Errorf("lease %d, want %d", h.state.Lease(), whole.Lease()+1)
		}
		all := whole.Snapshot()
		whole.MarkChanged(all)
		if diff := cmp.Diff(contentOf(t, whole, all), contentOf(t, h.state, all)); diff != "" {
			t.Errorf("the whole log and snapshot with tail differ (-log +snapshot):\n%s", diff)
		}
		h.run()
		if err := h.stop(); err != nil {
			t.Errorf("Run = %v", err)
		}
	})
}

func TestPurgeKeepsNeededRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHarness(t, func(o *Options) { o.HistoryAge = time.Hour; o.Policy.History = 0 })
		for i := range 1200 { // the writer stores an age mark for each 1,000 records
			h.customer("old", fmt.Sprint(i), "done with")
			h.finish(h.head("faq"), attempt.Outcome{Result: attempt.ResultDelivered})
		}
		h.customer("w1", "m1", "still queued")
		waiting := h.head("faq")
		kept := waiting.Delivery.Item.Pos.Seq
		time.Sleep(100 * time.Hour) // this closes the old conversation
		h.customer("w2", "m2", "given up")
		h.finish(h.head("faq"), attempt.Outcome{Result: attempt.ResultDead, Error: "permanent"})
		h.customer("w3", "m3", "later")
		time.Sleep(snapshotIdle)
		h.customer("w3", "m4", "the snapshot is due")
		time.Sleep(snapshotIdle)
		h.customer("w3", "m5", "and the purge with the next")
		synctest.Wait()
		b := h.log.Bounds()
		if b.First <= 1 || b.First > kept {
			t.Errorf("the log begins at %d, want more than 1 and at most %d, which is queued", b.First, kept)
		}
		h.crash()
		h.open()
		said := []string{h.textOf(h.head("faq")), h.textOf(h.head("faq"))}
		if slices.Sort(said); said[1] != "still queued" {
			t.Errorf("after purge and restart the heads say %q", said)
		}
		if dead := h.deadLetters(); len(dead) != 1 || h.textOf(&attempt.Job{Delivery: dead[0].Delivery}) != "given up" {
			t.Errorf("dead letters %+v, want one that can still be read", dead)
		}
		if err := h.stop(); err != nil {
			t.Errorf("Run = %v", err)
		}
	})
}

func TestRecordsOfEarlierRunsAreAged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHarness(t, func(o *Options) { o.HistoryAge = 24 * time.Hour; o.Policy.History = 0 })
		for i := range 1500 {
			h.customer("w1", fmt.Sprint(i), "x")
			h.finish(h.head("faq"), attempt.Outcome{Result: attempt.ResultDelivered})
		}
		for range 10 { // a restart every half day
			h.restart()
			time.Sleep(12 * time.Hour)
			h.customer("w2", "", "x")
			h.finish(h.head("faq"), attempt.Outcome{Result: attempt.ResultDelivered})
			time.Sleep(snapshotIdle)
			h.customer("w2", "", "x")
			h.finish(h.head("faq"), attempt.Outcome{Result: attempt.ResultDelivered})
		}
		if first := h.log.Bounds().First; first <= 1 {
			t.Error("nothing was purged in five days though records are kept for one")
		}
		if err := h.stop(); err != nil {
			t.Errorf("Run = %v", err)
		}
	})
}

func TestDamagedSnapshot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHarness(t)
		h.createConversations(1)
		h.restart() // writes a snapshot
		h.createConversations(2)
		h.restart() // writes a newer one
		if err := h.stop(); err != nil {
			t.Fatal(err)
		}
		h.disk.DamageSnapshot("a bucket is unreadable")
		h.open()
		if err := h.stop(); err != nil {
			t.Errorf("Run = %v", err)
		}
		h.checkRestored()
	})
}

func TestStartRefusesALogWithAGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHarness(t)
		h.createConversations(1)
		h.crash() // writes no snapshot
		if err := h.disk.Open().Purge(t.Context(), 3); err != nil {
			t.Fatal(err)
		}
		h.build()
		if err := h.Start(t.Context()); err == nil {
			t.Fatal("Start = nil though the log begins at record 3 and there is no snapshot")
		}
		h2 := openHarness(t)
		h2.createConversations(1)
		h2.restart()
		h2.createConversations(2)
		h2.crash()
		s, _, err := h2.disk.Open().LoadSnapshot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := h2.disk.Open().Purge(t.Context(), s.Seq+3); err != nil {
			t.Fatal(err)
		}
		h2.build()
		if err := h2.Start(t.Context()); err == nil {
			t.Fatal("Start = nil though records after the snapshot are gone")
		}
	})
}

func TestFailedSnapshotIsRepeatedCompletely(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHarness(t)
		h.restart() // writes a first snapshot
		h.createConversations(1)
		h.log.SetHealth(nil)
		open := failSaves(h)
		time.Sleep(snapshotIdle)
		h.customer("x", "m1", "a snapshot that fails")
		time.Sleep(time.Second)
		h.customer("x", "m2", "its end is noticed")
		open()
		time.Sleep(snapshotIdle)
		h.customer("x", "m3", "a snapshot that works")
		synctest.Wait()
		h.crash()
		h.open()
		if err := h.stop(); err != nil {
			t.Errorf("Run = %v", err)
		}
		h.checkRestored()
	})
}

func TestFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHarness(t)
		h.customer("w1", "m1", "one")
		h.customer("w1", "m2", "two")
		h.customer("w2", "m3", "three")
		if err := h.stop(); err != nil {
			t.Fatal(err)
		}
		h.build()
		if err := h.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		n, queued := h.Counts()
		if diff := cmp.Diff(map[string]int{"faq": 3}, queued); n != 2 || diff != "" {
			t.Errorf("found %d conversations, want 2; queued differ:\n%s", n, diff)
		}
		if j := h.lanes.take("faq"); j == nil {
			t.Error("Start released nothing")
		}
	})
}

func TestLoadOfAPurgedRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHarness(t)
		defer h.stop()
		h.customer("w1", "m1", "one")
		pos := h.head("faq").Delivery.Item.Pos
		h.recent = newEnvelopeCache(0) // not in memory
		if _, err := h.Load(t.Context(), pos); err != nil {
			t.Errorf("Load from the log: %v", err)
		}
		if _, err := h.Load(t.Context(), state.Position{Seq: pos.Seq, Index: 99}); err == nil {
			t.Error("Load of an envelope that the record does not have = nil")
		}
		h.disk.Lose(pos.Seq)
		if _, err := h.Load(t.Context(), pos); err != nil {
			t.Errorf("Load of a record that was read before: %v", err)
		}
		h.recent = newEnvelopeCache(0)
		if _, err := h.Load(t.Context(), pos); !isNotFound(err) {
			t.Errorf("Load of a lost record = %v, want ErrNotFound", err)
		}
	})
}

func TestReconcileAtStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gone := false
		h := openHarness(t, func(o *Options) {
			if gone {
				delete(o.Policy.Channels, "desk")
			}
		})
		for i := range 105 {
			h.customer(fmt.Sprint("w", i), "m", "desk now")
		}
		if err := h.stop(); err != nil {
			t.Fatal(err)
		}
		gone = true
		h.open()
		if c := h.conv("w0"); c.Owner != "faq" {
			t.Errorf("control is with %s, want faq: the desk is gone", c.Owner)
		}
		if got := h.textOf(h.head("faq")); got != "desk now" {
			t.Errorf("the new owner got %q", got)
		}
		if err := h.stop(); err != nil {
			t.Errorf("Run = %v", err)
		}
		h.checkRestored()
	})
}

// TestReconcileManyDeliveries removes a channel with so many deliveries that their dead letters do not fit into one
// record.
func TestReconcileManyDeliveries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const conversations, each = 100, conversation.MaxDeadCopies / 100
		gone := false
		h := openHarness(t, longIDs, func(o *Options) {
			if gone {
				delete(o.Policy.Channels, "audit")
				return
			}
			table, problems := route.Compile([]route.Rule{{Name: "copy", Copy: []string{"audit"}, Continue: true}},
				route.Channels{"web": envelope.RoleCustomer, "faq": envelope.RoleBot, "audit": envelope.RoleObserver})
			if table == nil {
				t.Fatalf("compile rules: %v", problems)
			}
			o.Policy.Routes = table
		})
		h.customers(conversations, each)
		if err := h.stop(); err != nil {
			t.Fatal(err)
		}
		gone = true
		h.open()
		if got := len(h.deadLetters()); got != 0 {
			t.Errorf("%d dead letters before the channel has been away for a day", got)
		}
		time.Sleep(state.VanishedWait + time.Minute)
		synctest.Wait()
		if got, want := len(h.deadLetters()), conversations*each; got != want {
			t.Errorf("%d dead letters, want %d", got, want)
		}
		if err := h.stop(); err != nil {
			t.Errorf("Run = %v", err)
		}
		h.checkRestored()
	})
}

// TestReconcileManyOwners removes the owner of conversations with so many deliveries that they do not fit into one
// record.
func TestReconcileManyOwners(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const conversations, each = 100, 40
		gone := false
		h := openHarness(t, longIDs, func(o *Options) {
			if gone {
				delete(o.Policy.Channels, "faq")
				o.Policy.Owner = "desk"
			}
		})
		h.customers(conversations, each)
		if err := h.stop(); err != nil {
			t.Fatal(err)
		}
		gone = true
		h.open()
		for i := range conversations {
			if c := h.conv(fmt.Sprintf("customer-thread-%04d", i)); c.Owner != "desk" {
				t.Fatalf("the owner of %s is %s, want desk", c.Thread, c.Owner)
			}
		}
		if err := h.stop(); err != nil {
			t.Errorf("Run = %v", err)
		}
		h.checkRestored()
	})
}

func TestSnapshotOfAnOlderFormatIsNotUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHarness(t)
		h.createConversations(1)
		h.crash()
		old := store.Snapshot{Seq: h.log.Bounds().Last, Meta: []byte(`{"format":3}`)}
		if err := h.disk.Open().SaveSnapshot(t.Context(), old); err != nil {
			t.Fatal(err)
		}
		h.open()
		if h.state.Len() == 0 {
			t.Error("no conversation is restored from the log")
		}
		if err := h.stop(); err != nil {
			t.Errorf("Run = %v", err)
		}
		h.checkRestored()
	})
}
