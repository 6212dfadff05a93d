package state

import (
	"encoding/json"
	"testing"
	"time"

	"patchbay/core/internal/journal"
)

func deadLettered(id, channel string, blocks, isCopy bool) *journal.Change {
	return change("c1", &journal.Change_DeadLettered{DeadLettered: &journal.DeadLettered{
		Delivery: &journal.Delivery{Id: id, Channel: channel, Kind: KindSend, Item: item(1), Copy: isCopy}, Blocks: blocks,
	}})
}

func TestLaneIsBlockedUntilItsDeadLetterEndsControlMovesOrTheConversationIsClosed(t *testing.T) {
	ended := func(id string) *journal.Change {
		return change("c1", &journal.Change_DeadLetterEnded{DeadLetterEnded: &journal.DeadLetterEnded{Dead: id}})
	}
	for name, tc := range map[string]struct {
		end     *journal.Change
		blocked bool
	}{
		"its dead letter":      {ended("d1"), false},
		"another dead letter":  {ended("d2"), true},
		"control moves":        {change("c1", &journal.Change_Passed{Passed: &journal.Passed{Owner: "desk", Epoch: 2}}), false},
		"closed":               {change("c1", &journal.Change_Closing{Closing: &journal.Closing{Rule: "bye"}}), false},
		"a customer's message": {change("c1", &journal.Change_Accepted{Accepted: &journal.Accepted{Channel: "web"}}), true},
	} {
		t.Run(name, func(t *testing.T) {
			s := New()
			fold(t, s, 1, opened("c1"), deadLettered("d1", "faq", true, false), deadLettered("d2", "faq", false, false))
			fold(t, s, 2, change("c1", &journal.Change_Queued{Queued: &journal.Queued{Delivery: delivery("d3", 2)}}))
			later := start.Add(time.Hour)
			r := &journal.Record{Lease: 1, At: later.UnixNano(), Changes: []*journal.Change{tc.end}}
			if err := s.FoldRecord(3, r); err != nil {
				t.Fatal(err)
			}
			c := s.Conversation("c1")
			if got := c.Blocked["faq"] == "d1"; got != tc.blocked {
				t.Errorf("blocked %v, want %v", got, tc.blocked)
			}
			if got := c.Lanes[0].Queue[0].QueuedAt.Equal(later); got == tc.blocked {
				t.Errorf("the age of the waiting delivery begins again: %v, want %v", got, !tc.blocked)
			}
		})
	}
}

func TestCopyLettersAreCounted(t *testing.T) {
	s := New()
	check := func(when string, all, copies int) {
		t.Helper()
		if s.DeadLetterCount() != all || s.DeadCopyCount() != copies {
			t.Errorf("%s: %d dead letters, %d copies; want %d, %d", when, s.DeadLetterCount(), s.DeadCopyCount(), all, copies)
		}
	}
	fold(t, s, 1, opened("c1"), deadLettered("d1", "audit", false, true), deadLettered("d2", "faq", false, false),
		deadLettered("d3", "audit", false, true))
	check("dead", 3, 2)
	buckets, meta, err := s.Snapshot().Encode()
	if err != nil {
		t.Fatal(err)
	}
	s = New()
	if err := s.Restore(buckets, meta); err != nil {
		t.Fatal(err)
	}
	check("restored", 3, 2)
	for _, id := range []string{"d1", "d2", "d1"} {
		fold(t, s, 2, change("c1", &journal.Change_DeadLetterEnded{DeadLetterEnded: &journal.DeadLetterEnded{Dead: id}}))
	}
	check("ended", 1, 1)
}

func TestFailedMessagesAreForgottenWhenTheyEnd(t *testing.T) {
	s := New()
	failed := func(seq uint64) *journal.Change {
		return change("c1", &journal.Change_DeliveryFailed{DeliveryFailed: &journal.DeliveryFailed{
			Channel: "faq", Messages: []*journal.Position{Position{Seq: seq}.Proto()},
		}})
	}
	fold(t, s, 1, opened("c1"))
	for i, id := range []string{"d1", "d2"} {
		d := delivery(id, uint64(i+2))
		fold(t, s, uint64(i+2), change("c1", &journal.Change_Queued{Queued: &journal.Queued{Delivery: d}}))
	}
	fold(t, s, 4, failed(2))
	if c := s.Conversation("c1"); !c.HasFailed(Position{Seq: 2}, "faq") || c.HasFailed(Position{Seq: 2}, "desk") {
		t.Error("the message has not failed at faq, or has failed at another channel")
	}
	fold(t, s, 5, change("c1", &journal.Change_Ended{Ended: &journal.Ended{Delivery: "d1", Status: StatusDead}}), failed(3))
	data, err := json.Marshal(s.Conversation("c1").Failed)
	if want := `[{"p":{"s":3,"i":0},"ch":"faq"}]`; err != nil || string(data) != want {
		t.Errorf("failed messages %s, %v; want %s", data, err, want)
	}
}
