package writer

import (
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	"patchbay/core/internal/state"
)

// pendingMessages returns the positions of the messages in pending deliveries, held messages and dead letters.
func (h *harness) pendingMessages() map[state.Position]bool {
	found := map[state.Position]bool{}
	h.state.All(func(c *state.Conversation) bool {
		for _, lane := range c.Lanes {
			for i := range lane.Queue {
				found[lane.Queue[i].Item.Pos] = true
			}
		}
		for _, held := range c.Held {
			found[held.Pos] = true
		}
		return true
	})
	for _, d := range h.state.DeadLetters() {
		found[d.Delivery.Item.Pos] = true
	}
	delete(found, state.Position{})
	return found
}

// TestLostRecordLosesOnlyItsMessages deletes each record of the log in turn.
func TestLostRecordLosesOnlyItsMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := openHarness(t)
		first.createConversations(1)
		first.customer("a1", "m3", "three")
		first.customer("b1", "m2", "while the offer is pending")
		first.customer("c1", "m2", "to the desk")
		first.crash()
		want, last := first.pendingMessages(), first.log.Bounds().Last
		if len(want) < 6 {
			t.Fatalf("%d pending messages, want enough for a test", len(want))
		}
		for lost := uint64(1); lost <= last; lost++ {
			h := &harness{
				tester: t, disk: first.disk.Clone(), commits: &commits{}, ids: &idSource{n: 1000}, options: first.options,
			}
			h.disk.Lose(lost)
			h.build()
			failSaves(h) // so that the next start reads the same records
			if err := h.Start(t.Context()); err != nil {
				t.Fatalf("record %d lost: Start = %v", lost, err)
			}
			h.run()
			got := h.pendingMessages()
			for pos := range maps.Keys(want) {
				if pos.Seq != lost && !got[pos] {
					t.Errorf("record %d lost: message %v is not pending any more", lost, pos)
				}
			}
			for _, d := range h.state.DeadLetters() {
				if seq := d.Delivery.Item.Pos.Seq; (seq == lost) != (d.Error == "unreadable") {
					t.Errorf("record %d lost: the message of record %d is a dead letter %s", lost, seq, d.Error)
				}
			}
			h.checkThreads(lost)
			h.crash()
			h.open()
			if diff := cmp.Diff(got, h.pendingMessages()); diff != "" {
				t.Errorf("record %d lost: the second start differs (-first +second):\n%s", lost, diff)
			}
			if err := h.stop(); err != nil {
				t.Errorf("record %d lost: Run = %v", lost, err)
			}
		}
	})
}

// checkThreads checks that each delivery has a thread or follows an open in its lane.
func (h *harness) checkThreads(lost uint64) {
	h.Helper()
	h.state.All(func(c *state.Conversation) bool {
		for _, lane := range c.Lanes {
			th, head := c.Threads[lane.Channel], lane.Queue[0]
			if (th == nil || !th.Live) && head.Thread == "" && head.Kind != state.KindOpen {
				h.Errorf("record %d lost: conversation %s has no thread for %+v", lost, c.ID, head)
			}
		}
		return true
	})
}

// TestLostRecordBehindSnapshotIsDeadLetter deletes a record before the snapshot.
func TestLostRecordBehindSnapshotIsDeadLetter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHarness(t)
		h.customer("a", "m1", "one")
		h.customer("a", "m2", "two")
		lost := h.conv("a").Lanes[0].Queue[1]
		if err := h.stop(); err != nil { // takes a snapshot
			t.Fatal(err)
		}
		h.disk.Lose(lost.Item.Pos.Seq)
		h.open()
		letters := h.deadLetters()
		if len(letters) != 1 || letters[0].Delivery.ID != lost.ID || letters[0].Error != "unreadable" ||
			letters[0].Text != fmt.Sprintf("the disk has lost record %d with the message", lost.Item.Pos.Seq) {
			t.Errorf("dead letters = %+v, want the second message", letters)
		}
		if c := h.conv("a"); len(c.Lanes) != 1 || len(c.Lanes[0].Queue) != 1 {
			t.Errorf("lanes = %+v, want the first message", c.Lanes)
		}
		if err := h.stop(); err != nil {
			t.Error(err)
		}
	})
}

// TestManyLostMessages deletes so many messages that their dead letters do not fit into one record.
func TestManyLostMessages(t *testing.T) {
	for _, tt := range []struct{ conversations, each int }{{100, 20}, {1, 900}} {
		t.Run(fmt.Sprintf("%d conversations", tt.conversations), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := openHarness(t, longIDs)
				first := h.log.Bounds().Last + 1
				h.customers(tt.conversations, tt.each)
				last := h.log.Bounds().Last
				if err := h.stop(); err != nil { // takes a snapshot
					t.Fatal(err)
				}
				for seq := first; seq <= last; seq++ {
					h.disk.Lose(seq)
				}
				h.open()
				if got, want := len(h.deadLetters()), tt.conversations*tt.each; got != want {
					t.Errorf("%d dead letters, want %d", got, want)
				}
				if err := h.stop(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestManyReopenedThreads deletes the first message of each conversation, so that all lanes are queued again.
func TestManyReopenedThreads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const conversations, each = 100, 30
		h := openHarness(t, longIDs, func(o *Options) { o.Policy.Owner = "desk" })
		first := h.log.Bounds().Last + 1
		h.customers(conversations, 1)
		last := h.log.Bounds().Last
		h.customers(conversations, each)
		h.crash()
		for seq := first; seq <= last; seq++ {
			h.disk.Lose(seq)
		}
		h.open()
		h.checkThreads(first)
		if got, want := len(h.pendingMessages()), conversations*each; got != want {
			t.Errorf("%d pending messages, want %d", got, want)
		}
		if err := h.stop(); err != nil {
			t.Error(err)
		}
	})
}

// longIDs gives ids the length of UUIDs.
func longIDs(o *Options) {
	next := o.NewID
	o.NewID = func() string { return fmt.Sprintf("%036s", next()) }
}

// customers accepts each messages in each of a number of conversations.
func (h *harness) customers(conversations, each int) {
	h.Helper()
	for i := range each {
		for c := range conversations {
			h.customer(fmt.Sprintf("customer-thread-%04d", c), fmt.Sprintf("m%d of %d", i, each), "hello")
		}
	}
}

// TestConversationOpenedAgainIsStable changes the configuration after a start in which a conversation was opened again.
func TestConversationOpenedAgainIsStable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		owner := "faq"
		h := openHarness(t, func(o *Options) { o.Policy.Owner = owner })
		h.customer("a", "m1", "one")
		lost := h.log.Bounds().Last
		h.customer("a", "m2", "two")
		h.crash()
		h.disk.Lose(lost)
		h.open()
		h.customer("a", "m3", "three")
		h.crash()
		want := h.pendingMessages()
		owner = "desk"
		h.open()
		if c := h.conv("a"); c == nil || c.Owner != "faq" {
			t.Errorf("conversation after the second start = %+v, want owner faq", c)
		}
		if diff := cmp.Diff(want, h.pendingMessages()); diff != "" || len(want) != 2 {
			t.Errorf("pending messages differ (-first start +second start):\n%s", diff)
		}
		if err := h.stop(); err != nil {
			t.Error(err)
		}
	})
}

// TestReadablePartOfLostRecordIsLogged deletes the end of a record.
func TestReadablePartOfLostRecordIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var output strings.Builder
		h := openHarness(t, func(o *Options) { o.Logger = slog.New(slog.NewTextHandler(&output, nil)) })
		h.customer("a", "m1", "one")
		h.customer("b", "m2", "two")
		h.crash()
		last := h.log.Bounds().Last
		h.disk.DamageRecord(last, proto.Size(h.records()[last-1])-5)
		h.open()
		for _, want := range []string{"message is in a damaged record", "thread=b", "sender=s-b", "vendor_id=m2"} {
			if !strings.Contains(output.String(), want) {
				t.Errorf("log output lacks %q:\n%s", want, &output)
			}
		}
		if strings.Contains(output.String(), "vendor_id=m1") {
			t.Errorf("log output names an intact message:\n%s", &output)
		}
		if err := h.stop(); err != nil {
			t.Error(err)
		}
	})
}
