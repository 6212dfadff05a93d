package state

import (
	"strings"
	"testing"
	"time"

	"patchbay/core/internal/journal"
)

var start = time.Unix(1_000_000, 0)

// fold folds changes as the record with the sequence seq.
func fold(t *testing.T, s *State, seq uint64, changes ...*journal.Change) {
	t.Helper()
	if err := s.FoldRecord(seq, &journal.Record{Lease: 1, At: start.UnixNano(), Changes: changes}); err != nil {
		t.Fatal(err)
	}
}

func change(conv string, kind any) *journal.Change {
	c := &journal.Change{Conversation: conv}
	journal.SetKind(c, kind)
	return c
}

func opened(id string) *journal.Change {
	return change(id, &journal.Change_Opened{Opened: &journal.Opened{
		Channel: "web", Thread: "thread-" + id, Owner: "faq", Home: "faq",
	}})
}

func item(seq uint64) *journal.Item { return Item{Pos: Position{Seq: seq}}.Proto() }

func delivery(id string, seq uint64, history ...*journal.Item) *journal.Delivery {
	return &journal.Delivery{Id: id, Channel: "faq", Kind: KindSend, Item: item(seq), History: history}
}

func TestOldestRecordThatMustStay(t *testing.T) {
	s := New()
	if got, _ := s.OldestNeeded(100, Retention{History: true, DeadLetters: true}); got != 100 {
		t.Errorf("empty state: %d, want the limit", got)
	}
	accepted := &journal.Accepted{Position: Position{Seq: 20}.Proto(), Channel: "web", History: true}
	fold(t, s, 1, opened("c1"), change("c1", &journal.Change_Accepted{Accepted: accepted}))
	fold(t, s, 2, change("c1", &journal.Change_Queued{Queued: &journal.Queued{Delivery: delivery("d1", 60, item(50))}}))
	fold(t, s, 3, change("c1", &journal.Change_Held{Held: &journal.Held{Item: item(55)}}))
	dead := &journal.DeadLettered{Delivery: delivery("d2", 40, item(30))}
	fold(t, s, 4, change("c1", &journal.Change_DeadLettered{DeadLettered: dead}))
	pending := &journal.ThreadPending{Position: Position{Seq: 45}.Proto(), Channel: "faq", Thread: "unknown"}
	fold(t, s, 5, change("", &journal.Change_ThreadPending{ThreadPending: pending}))
	for _, tc := range []struct {
		retention Retention
		want      uint64
	}{
		{Retention{}, 45}, {Retention{DeadLetters: true}, 30}, {Retention{History: true}, 20},
		{Retention{History: true, DeadLetters: true}, 20},
	} {
		if got, _ := s.OldestNeeded(100, tc.retention); got != tc.want {
			t.Errorf("%+v: %d, want %d", tc.retention, got, tc.want)
		}
	}
}

func TestLiveThreads(t *testing.T) {
	s := New()
	link := func(conv, thread string) *journal.Change {
		return change(conv, &journal.Change_Linked{Linked: &journal.Linked{Channel: "faq", Thread: thread}})
	}
	for conv, thread := range map[string]string{"c1": "b", "c2": "a", "c3": "c", "c4": "d"} {
		fold(t, s, 1, opened(conv), link(conv, thread))
	}
	fold(t, s, 2, change("c3", &journal.Change_Unlinked{Unlinked: &journal.Unlinked{Channel: "faq"}}))
	fold(t, s, 3, change("c4", &journal.Change_Closing{Closing: &journal.Closing{Rule: "bye"}}))
	var ids []string
	for _, th := range s.LiveThreads("faq") {
		ids = append(ids, th.ID)
	}
	if got := strings.Join(ids, " "); got != "a b" {
		t.Errorf("live threads %q, want those of the open conversations, ordered", got)
	}
}

func TestSnapshotContainsChangedBuckets(t *testing.T) {
	s := New()
	fold(t, s, 1, opened("c1"))
	first := s.Snapshot()
	if buckets, _, err := first.Encode(); err != nil || len(buckets) != 1 {
		t.Fatalf("%d buckets, %v; want that of the conversation", len(buckets), err)
	}
	if buckets, _, _ := s.Snapshot().Encode(); len(buckets) != 0 {
		t.Errorf("%d buckets without a change", len(buckets))
	}
	s.MarkChanged(first)
	buckets, meta, err := s.Snapshot().Encode()
	if err != nil || len(buckets) != 1 {
		t.Fatalf("%d buckets, %v; want the one that was not saved", len(buckets), err)
	}
	restored := New()
	if err := restored.Restore(buckets, meta); err != nil {
		t.Fatal(err)
	}
	if restored.Find("web", "thread-c1") != "c1" || restored.Lease() != 1 {
		t.Errorf("restored: conversation %q, lease %d", restored.Find("web", "thread-c1"), restored.Lease())
	}
}

func TestRestoreRefusesWhatItCannotRead(t *testing.T) {
	for name, tc := range map[string]struct {
		buckets map[uint32][]byte
		meta    string
		want    string
	}{
		"no metadata":  {meta: "", want: "read snapshot"},
		"older format": {meta: `{"format":3}`, want: "older format: 3"},
		"newer format": {meta: `{"format":99}`, want: "start the newer version"},
		"bad bucket":   {buckets: map[uint32][]byte{bucketPending: []byte("{")}, meta: `{"format":4}`, want: "bucket 257"},
		"bad page":     {buckets: map[uint32][]byte{7: []byte("{")}, meta: `{"format":4}`, want: "bucket 7"},
	} {
		if err := New().Restore(tc.buckets, []byte(tc.meta)); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error %v, want %q", name, err, tc.want)
		}
	}
}

func TestFoldRefusesUnknownConversation(t *testing.T) {
	held := change("c9", &journal.Change_Held{Held: &journal.Held{}})
	if err := New().FoldRecord(1, &journal.Record{Changes: []*journal.Change{held}}); err == nil {
		t.Error("a change of an unknown conversation was folded")
	}
	late := change("c9", &journal.Change_Late{Late: &journal.Late{Delivery: "d1"}})
	if err := New().FoldRecord(1, &journal.Record{Changes: []*journal.Change{late}}); err != nil {
		t.Errorf("a late outcome of an ended conversation: %v", err)
	}
}
