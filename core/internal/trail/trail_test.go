package trail

import (
	"context"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"patchbay/core/internal/journal"
	"patchbay/core/internal/state"
	"patchbay/core/internal/store/memory"
	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol"
)

type emptyState struct{}

func (emptyState) View(_ context.Context, f func(*state.State)) error {
	f(state.New())
	return nil
}

func stored(t *testing.T, id, conv, vendorID, thread string) *journal.StoredEnvelope {
	t.Helper()
	b, err := protocol.EncodeEnvelope(&envelope.Envelope{
		Channel: "faq", Thread: thread, VendorID: vendorID, Kind: envelope.KindMessage,
		Sender: envelope.Sender{Role: envelope.RoleBot}, Parts: []envelope.Part{envelope.TextPart("text of " + id)},
	})
	if err != nil {
		t.Fatal(err)
	}
	return &journal.StoredEnvelope{Id: id, Conversation: conv, Envelope: b}
}

func change(conv string, kind any) *journal.Change {
	ch := &journal.Change{Conversation: conv}
	journal.SetKind(ch, kind)
	return ch
}

func pos(seq uint64, i uint32) *journal.Position { return &journal.Position{Seq: seq, Index: i} }

func threadPending(p *journal.Position, thread string) *journal.Change {
	return change("", &journal.Change_ThreadPending{
		ThreadPending: &journal.ThreadPending{Position: p, Channel: "faq", Thread: thread},
	})
}

func pendingEnded(p *journal.Position, status string) *journal.Change {
	return change("", &journal.Change_PendingEnded{PendingEnded: &journal.PendingEnded{Position: p, Status: status}})
}

func unknownThread(p *journal.Position) *journal.Change {
	return change("", &journal.Change_Disposed{Disposed: &journal.Disposed{
		Position: p, Status: state.StatusUnrouted, Channel: "faq", Reason: "unknown thread",
	}})
}

// undecided returns a dead letter of an envelope whose decision failed.
func undecided(conv, delivery string, p *journal.Position) *journal.Change {
	return change(conv, &journal.Change_DeadLettered{DeadLettered: &journal.DeadLettered{
		Delivery: &journal.Delivery{Id: delivery, Channel: "faq", Item: &journal.Item{Position: p}},
		Error:    "undecided", Text: "it panicked",
	}})
}

func TestUnassignedEnvelopesAreFoundByEachOfTheirIDs(t *testing.T) {
	log := memory.NewDisk(0).Open()
	for i, r := range []*journal.Record{
		{
			Envelopes: []*journal.StoredEnvelope{
				stored(t, "e1", "", "v1", "lost"), stored(t, "e2", "", "v2", "other"), stored(t, "e3", "", "v3", "th3"),
			},
			Changes: []*journal.Change{
				threadPending(pos(1, 0), "lost"),
				threadPending(pos(1, 1), "other"),
				undecided("", "d3", pos(1, 2)),
			},
		},
		{
			Envelopes: []*journal.StoredEnvelope{stored(t, "e4", "", "v4", "th4")},
			Changes: []*journal.Change{
				pendingEnded(pos(1, 0), state.StatusUnrouted),
				unknownThread(pos(1, 0)),
				undecided("c4", "d4", pos(2, 0)),
			},
		},
	} {
		data, err := proto.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := log.Append(t.Context(), uint64(i), data); err != nil {
			t.Fatal(err)
		}
	}
	for name, tc := range map[string]struct {
		ids  []string
		conv string
		want string
	}{
		"unrouted":                     {[]string{"e1", "v1", "lost"}, "", "held, unrouted"},
		"pending":                      {[]string{"e2", "v2", "other"}, "", "held"},
		"undecided, no conversation":   {[]string{"e3", "v3", "th3", "d3"}, "", "dead"},
		"undecided, in a conversation": {[]string{"d4", "c4", "e4", "v4", "th4"}, "c4", "dead"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, id := range tc.ids {
				found, err := New(log, emptyState{}).Find(t.Context(), Query{IDs: []string{id}})
				if err != nil {
					t.Fatal(err)
				}
				if len(found) != 1 || found[0].ID != tc.conv {
					t.Fatalf("by %s: %+v, want one trail of conversation %q", id, found, tc.conv)
				}
				if got := steps(found[0]); got != tc.want {
					t.Errorf("by %s: %s, want %s", id, got, tc.want)
				}
			}
		})
	}
}

func TestWebhookThatBrokeItsAdapterIsShownWithItsBytes(t *testing.T) {
	log := memory.NewDisk(0).Open()
	b, err := protocol.EncodeEnvelope(&envelope.Envelope{
		Channel: "faq", Thread: "webhook", Kind: envelope.KindUnparsed, Sender: envelope.Sender{Role: envelope.RoleSystem},
		Raw: []byte("{\"odd\":\"\xff\"}"),
	})
	if err != nil {
		t.Fatal(err)
	}
	dead := change("", &journal.Change_DeadLettered{DeadLettered: &journal.DeadLettered{
		Delivery: &journal.Delivery{Id: "d1", Channel: "faq", Item: &journal.Item{Position: pos(1, 0)}},
		Error:    "killed_adapter", Text: "panic",
	}})
	data, err := proto.Marshal(&journal.Record{
		Envelopes: []*journal.StoredEnvelope{{Id: "e1", Envelope: b}}, Changes: []*journal.Change{dead},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := log.Append(t.Context(), 0, data); err != nil {
		t.Fatal(err)
	}
	found, err := New(log, emptyState{}).Find(t.Context(), Query{IDs: []string{"d1"}, Text: true})
	if err != nil || len(found) != 1 || steps(found[0]) != "dead" {
		t.Fatalf("found %+v, %v", found, err)
	}
	if e := found[0].Entries[0]; e.Kind != "killed_adapter" || e.Text != "{\"odd\":\"\uFFFD\"}" {
		t.Errorf("entry %+v", e)
	}
}

func TestUnreadableRecordIsNamed(t *testing.T) {
	log := memory.NewDisk(0).Open()
	if err := log.Append(t.Context(), 0, []byte("not protobuf: x")); err != nil {
		t.Fatal(err)
	}
	_, err := New(log, emptyState{}).Find(t.Context(), Query{IDs: []string{"x"}})
	if err == nil || !strings.Contains(err.Error(), "record 1") {
		t.Errorf("Find = %v, want an error with the sequence", err)
	}
}

// A delivery that was given up without an attempt has one entry, at its end.
func TestDeadLetterWithoutAttemptIsOneEntry(t *testing.T) {
	log := memory.NewDisk(0).Open()
	d := &journal.Delivery{Id: "d1", Channel: "faq", Kind: state.KindOpen, Epoch: 1}
	data, err := proto.Marshal(&journal.Record{Changes: []*journal.Change{
		change("c1", &journal.Change_Ended{Ended: &journal.Ended{Delivery: "d1", Channel: "faq", Status: state.StatusDead}}),
		change("c1", &journal.Change_DeadLettered{DeadLettered: &journal.DeadLettered{Delivery: d, Error: "throttled"}}),
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := log.Append(t.Context(), 0, data); err != nil {
		t.Fatal(err)
	}
	found, err := New(log, emptyState{}).Find(t.Context(), Query{IDs: []string{"d1"}})
	if err != nil || len(found) != 1 || steps(found[0]) != "dead" {
		t.Fatalf("found %+v, %v; want one entry", found, err)
	}
}
