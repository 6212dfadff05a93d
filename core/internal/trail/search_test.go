package trail

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	"patchbay/core/internal/journal"
	"patchbay/core/internal/state"
	"patchbay/core/internal/store"
	"patchbay/core/internal/store/memory"
	"patchbay/sdk/envelope"
)

func steps(c *Conversation) string {
	var out []string
	for i := range c.Entries {
		out = append(out, c.Entries[i].Step)
	}
	return strings.Join(out, ", ")
}

// readRecorder records the sequences that a search reads.
type readRecorder struct {
	store.Log
	read []uint64
}

func (l *readRecorder) Read(ctx context.Context, from uint64, f func(uint64, []byte) error) error {
	return l.Log.Read(ctx, from, func(seq uint64, data []byte) error {
		l.read = append(l.read, seq)
		return f(seq, data)
	})
}

// history is a log with one record per hour, and its state.
type history struct {
	*testing.T
	disk  *memory.Disk
	log   *readRecorder
	state *state.State
	last  uint64
	at    time.Time
}

func newHistory(t *testing.T) *history {
	disk := memory.NewDisk(0)
	return &history{
		T: t, disk: disk, log: &readRecorder{Log: disk.Open()}, state: state.New(),
		at: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC),
	}
}

func (h *history) View(_ context.Context, f func(*state.State)) error { f(h.state); return nil }

// id returns a UUIDv7 of the time of the next record.
func (h *history) id() string {
	u := uuid.New()
	binary.BigEndian.PutUint64(u[:8], uint64(h.at.UnixMilli())<<16|0x7000)
	return u.String()
}

func (h *history) record(envelopes []*journal.StoredEnvelope, changes ...*journal.Change) {
	h.Helper()
	r := &journal.Record{At: h.at.UnixNano(), Envelopes: envelopes, Changes: changes}
	data, err := proto.Marshal(r)
	if err != nil {
		h.Fatal(err)
	}
	if err := h.log.Append(h.Context(), h.last, data); err != nil {
		h.Fatal(err)
	}
	h.last++
	if err := h.state.FoldRecord(h.last, r); err != nil {
		h.Fatal(err)
	}
	h.at = h.at.Add(time.Hour)
}

// open stores the first message of a customer.
func (h *history) open(conv, thread string) {
	h.Helper()
	h.record([]*journal.StoredEnvelope{stored(h.T, h.id(), conv, "first-"+thread, thread)},
		change(conv, &journal.Change_Opened{Opened: &journal.Opened{
			Channel: "web", Thread: thread, SenderId: "customer-" + thread, Owner: "faq",
		}}), h.accepted(conv, "first-"+thread, thread))
}

func (h *history) say(conv, vendorID, thread string) {
	h.Helper()
	h.record([]*journal.StoredEnvelope{stored(h.T, h.id(), conv, vendorID, thread)}, h.accepted(conv, vendorID, thread))
}

func (h *history) accepted(conv, vendorID, thread string) *journal.Change {
	return change(conv, &journal.Change_Accepted{Accepted: &journal.Accepted{
		Position: pos(h.last+1, 0), Channel: "web", Thread: thread, VendorId: vendorID, Kind: "message", Role: "customer",
	}})
}

func (h *history) close(conv string) {
	h.Helper()
	h.record(nil, change(conv, &journal.Change_Closed{Closed: &journal.Closed{}}))
}

func (h *history) find(q Query) []*Conversation {
	h.Helper()
	h.log.read = nil
	found, err := New(h.log, h).Find(h.Context(), q)
	if err != nil {
		h.Fatal(err)
	}
	return found
}

// findOne returns the only conversation with an id.
func (h *history) findOne(id string) *Conversation {
	h.Helper()
	found := h.find(Query{IDs: []string{id}, Text: true})
	if len(found) != 1 {
		h.Fatalf("by %s: %d conversations, want 1", id, len(found))
	}
	return found[0]
}

func TestSearchSkipsRecordsBeforeALiveConversation(t *testing.T) {
	h := newHistory(t)
	for i := range 50 {
		conv := h.id()
		h.open(conv, fmt.Sprintf("old-%d", i))
		h.close(conv)
	}
	begin := h.last + 1
	conv := h.id()
	h.open(conv, "th")
	envelopeID := h.id()
	h.record([]*journal.StoredEnvelope{stored(t, envelopeID, conv, "v2", "th")}, h.accepted(conv, "v2", "th"))
	delivery := h.id()
	h.record(nil, change(conv, &journal.Change_Queued{Queued: &journal.Queued{
		Delivery: &journal.Delivery{Id: delivery, Channel: "faq", Kind: state.KindSend},
	}}))
	short := h.state.Conversation(conv).CustomerID()
	for name, id := range map[string]string{
		"conversation": conv, "thread": "th", "customer": "customer-th", "short customer": short, "delivery": delivery,
		"message": envelopeID,
	} {
		c := h.findOne(id)
		if got, want := steps(c), "opened, accepted, accepted, queued"; c.ID != conv || got != want || !c.Live {
			t.Errorf("by %s: conversation %s, %s; want %s, %s", name, c.ID, got, conv, want)
		}
		if h.log.read[0] < begin-1 {
			t.Errorf("by %s: reads from record %d, want from %d", name, h.log.read[0], begin)
		}
	}
	if c := h.findOne("v2"); steps(c) != "opened, accepted, accepted, queued" || len(h.log.read) > int(h.last)+3 {
		t.Errorf("by a vendor's id: %s after %d records of %d", steps(c), len(h.log.read), h.last)
	}
}

func TestAllFindsEndedConversations(t *testing.T) {
	h := newHistory(t)
	h.at = h.at.Add(time.Hour)
	ended, live := h.id(), ""
	h.open(ended, "th")
	h.close(ended)
	for i := range 10 {
		h.open(h.id(), fmt.Sprintf("other-%d", i))
	}
	live = h.id()
	h.open(live, "th")
	for _, id := range []string{"th", "customer-th", envelope.ShortID("web", "th")} {
		if found := h.find(Query{IDs: []string{id}}); len(found) != 1 || found[0].ID != live {
			t.Errorf("by %s: %+v, want the live conversation", id, found)
		}
		found := h.find(Query{IDs: []string{id}, All: true})
		if len(found) != 2 || found[0].ID != ended || found[1].ID != live || steps(found[0]) != "opened, accepted, closed" {
			t.Errorf("all by %s: %+v, want both, the ended conversation first", id, found)
		}
	}
}

func TestEntriesBeforeTheFirstMatchAreFound(t *testing.T) {
	for name, conv := range map[string]func(h *history) string{
		"time in the id":    (*history).id,
		"no time in the id": func(*history) string { return "c1" },
		"clock put back":    func(h *history) string { defer func() { h.at = h.at.Add(-24 * time.Hour) }(); return h.id() },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHistory(t)
			h.open("before", "other")
			c := conv(h)
			h.open(c, "th")
			h.say(c, "v2", "th")
			h.record(nil, change(c, &journal.Change_Routed{Routed: &journal.Routed{Event: "message", Rules: []string{"rule"}, Position: pos(2, 0)}}),
				change(c, &journal.Change_Duplicate{Duplicate: &journal.Duplicate{Channel: "web", VendorId: "again"}}))
			got := h.findOne("again")
			if want := "opened, accepted, accepted, routed, duplicate"; steps(got) != want {
				t.Fatalf("%s, want %s", steps(got), want)
			}
			if e := got.Entries; e[3].Envelope == "" || e[3].Envelope != e[1].Envelope || e[2].Text == "" {
				t.Errorf("entries %+v: the envelope's id or the text is missing", e)
			}
		})
	}
}

// The ids of a vendor can be UUIDv7 with times of the vendor's clock.
func TestVendorIDsWithTimesAreFound(t *testing.T) {
	h := newHistory(t)
	conv := h.id()
	h.at = h.at.Add(100 * time.Hour)
	ahead := h.id()
	h.at = h.at.Add(-99 * time.Hour)
	h.open(conv, "th")
	h.say(conv, ahead, "th")
	for i := range 200 {
		h.open(h.id(), fmt.Sprintf("later-%d", i))
	}
	if c := h.findOne(ahead); c.ID != conv || steps(c) != "opened, accepted, accepted" {
		t.Errorf("%s: %s", c.ID, steps(c))
	}
}

func TestSearchByTimeSkipsLostRecords(t *testing.T) {
	h := newHistory(t)
	for i := range 300 {
		h.open(h.id(), fmt.Sprintf("old-%d", i))
	}
	conv := h.id()
	h.open(conv, "th")
	for seq := uint64(100); seq < 250; seq++ {
		h.disk.Lose(seq)
	}
	if c := h.findOne(conv); steps(c) != "opened, accepted" {
		t.Errorf("steps %s", steps(c))
	}
}

func TestLiveConversationWithPurgedRecordsIsFound(t *testing.T) {
	h := newHistory(t)
	conv := h.id()
	h.open(conv, "th")
	h.open(h.id(), "other")
	if err := h.log.Purge(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	if c := h.findOne("th"); c.ID != conv || !c.Live || len(c.Entries) != 0 || c.State.CustomerID == "" {
		t.Errorf("%+v, want the state without entries", c)
	}
}

func TestTimeoutReportsTheProgress(t *testing.T) {
	h := newHistory(t)
	for i := range 10 {
		h.open(h.id(), fmt.Sprintf("th-%d", i))
	}
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	_, err := New(h.log, h).Find(ctx, Query{IDs: []string{"unknown"}})
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "of 1 to 10") {
		t.Errorf("Find = %v, want a timeout with the progress", err)
	}
}

func TestUnassignedEnvelopeShowsVendorIDAndText(t *testing.T) {
	h := newHistory(t)
	h.record([]*journal.StoredEnvelope{stored(t, "e1", "", "v1", "lost")},
		threadPending(pos(1, 0), "lost"))
	h.record(nil,
		pendingEnded(pos(1, 0), "unrouted"),
		unknownThread(pos(1, 0)))
	at := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	want := []Entry{
		{
			At: at, Seq: 1, Step: "held", Channel: "faq", Envelope: "e1", VendorID: "v1",
			Detail: "pending thread lost", Text: "text of e1",
		},
		{
			At: at.Add(time.Hour), Seq: 2, Step: "unrouted", Channel: "faq", Envelope: "e1", VendorID: "v1",
			Detail: "unknown thread",
		},
	}
	for _, id := range []string{"e1", "v1", "lost"} {
		for i := range want { // the steps are marked for the ids of the message, not for that of its thread
			want[i].Searched = id != "lost"
		}
		if diff := cmp.Diff(want, h.findOne(id).Entries); diff != "" {
			t.Errorf("by %s (-want +got):\n%s", id, diff)
		}
	}
}

func TestEntriesOfAPendingThreadMoveToItsConversation(t *testing.T) {
	h := newHistory(t)
	conv := h.id()
	h.open(conv, "th")
	h.record([]*journal.StoredEnvelope{stored(t, "e1", "", "early", "bot-th")},
		threadPending(pos(2, 0), "bot-th"))
	h.record([]*journal.StoredEnvelope{stored(t, "e1", conv, "early", "bot-th")},
		change(conv, &journal.Change_Linked{Linked: &journal.Linked{Channel: "faq", Thread: "bot-th"}}),
		pendingEnded(pos(2, 0), "adopted"),
		h.accepted(conv, "early", "bot-th"))
	for _, id := range []string{"early", "e1"} {
		if c := h.findOne(id); c.ID != conv || steps(c) != "opened, accepted, held, thread, accepted" {
			t.Errorf("by %s: %s: %s", id, c.ID, steps(c))
		}
	}
}

func TestStepsOfTheSearchedMessageAreMarked(t *testing.T) {
	h := newHistory(t)
	conv := h.id()
	h.open(conv, "th")
	message := h.id()
	h.record([]*journal.StoredEnvelope{stored(t, message, conv, "v2", "th")}, h.accepted(conv, "v2", "th"),
		change(conv, &journal.Change_Queued{Queued: &journal.Queued{Delivery: &journal.Delivery{
			Id: "d2", Channel: "faq", Kind: state.KindSend, Item: &journal.Item{Position: pos(h.last+1, 0)},
		}}}))
	h.record(nil, change(conv, &journal.Change_Ended{Ended: &journal.Ended{
		Delivery: "d2", Status: state.StatusDelivered, VendorId: "bot-1", Channel: "faq",
	}}))
	for id, want := range map[string]string{
		message: "accepted, queued, delivered", "v2": "accepted, queued, delivered", "d2": "queued, delivered",
		"bot-1": "accepted, queued, delivered", conv: "", "th": "", "customer-th": "",
	} {
		var marked []string
		for _, e := range h.findOne(id).Entries {
			if e.Searched {
				marked = append(marked, e.Step)
			}
			if e.Step == state.StatusDelivered && e.Envelope != message {
				t.Errorf("the delivery names message %q, want %q", e.Envelope, message)
			}
		}
		if got := strings.Join(marked, ", "); got != want {
			t.Errorf("marked steps for %s: %q, want %q", id, got, want)
		}
	}
}

// Records of a failed attempt and of the end of a dead letter do not contain the channel of the delivery.
func TestStepsOfADeliveryNameItsChannel(t *testing.T) {
	h := newHistory(t)
	conv := h.id()
	h.open(conv, "th")
	open := &journal.Delivery{Id: "d2", Channel: "desk", Kind: state.KindOpen}
	h.record(nil, change(conv, &journal.Change_Queued{Queued: &journal.Queued{Delivery: open}}))
	h.record(nil, change(conv, &journal.Change_Attempted{Attempted: &journal.Attempted{Delivery: "d2", Attempts: 1}}))
	h.record([]*journal.StoredEnvelope{stored(t, h.id(), conv, "v3", "th")}, undecided(conv, "d3", pos(h.last+1, 0)))
	for _, id := range []string{"d2", "d3"} {
		h.record(nil, change(conv, &journal.Change_DeadLetterEnded{
			DeadLetterEnded: &journal.DeadLetterEnded{Dead: id, Status: state.StatusReplayed},
		}))
	}
	var got []string
	for _, e := range h.findOne(conv).Entries {
		if e.Delivery != "" {
			got = append(got, e.Step+" "+e.Channel)
		}
	}
	want := "queued desk, retrying desk, dead faq, dead letter replayed desk, dead letter replayed faq"
	if strings.Join(got, ", ") != want {
		t.Errorf("steps %q, want %q", got, want)
	}
}
