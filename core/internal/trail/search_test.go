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

	"patchbay/core/internal/conversation"
	"patchbay/core/internal/journal"
	"patchbay/core/internal/store"
	"patchbay/core/internal/store/memory"
	"patchbay/sdk/envelope"
)

func steps(c *Conversation) string {
	var out []string
	for i := range c.Entries {
		out = append(out, c.Entries[i].What)
	}
	return strings.Join(out, ", ")
}

// readings is a log that notes which records are read.
type readings struct {
	store.Log
	read []uint64
}

func (l *readings) Read(ctx context.Context, from uint64, f func(uint64, []byte) error) error {
	return l.Log.Read(ctx, from, func(seq uint64, data []byte) error {
		l.read = append(l.read, seq)
		return f(seq, data)
	})
}

// history is a log under construction, one record an hour, with the book that goes with it.
type history struct {
	*testing.T
	disk *memory.Disk
	log  *readings
	book *conversation.State
	last uint64
	at   time.Time
}

func newHistory(t *testing.T) *history {
	disk := memory.NewDisk(0)
	return &history{
		T: t, disk: disk, log: &readings{Log: disk.Open()}, book: conversation.NewState(),
		at: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC),
	}
}

func (h *history) View(_ context.Context, f func(*conversation.State)) error { f(h.book); return nil }

// id returns a UUIDv7 of now.
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
	if err := h.book.Replay(h.last, r); err != nil {
		h.Fatal(err)
	}
	h.at = h.at.Add(time.Hour)
}

// open stores a customer's first message.
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

// only finds the one trail of an id.
func (h *history) only(id string) *Conversation {
	h.Helper()
	found := h.find(Query{IDs: []string{id}, Text: true})
	if len(found) != 1 {
		h.Fatalf("by %s: %d trails, want one", id, len(found))
	}
	return found[0]
}

// TestSearchStartsLate: an id of something live, or of the gateway's own, costs no look at what was before.
func TestSearchStartsLate(t *testing.T) {
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
		Delivery: &journal.Delivery{Id: delivery, Channel: "faq", Kind: conversation.KindSend},
	}}))
	short := conversation.CustomerID(h.book.Conversation(conv))
	for name, id := range map[string]string{
		"conversation": conv, "thread": "th", "customer": "customer-th", "short customer": short, "delivery": delivery,
		"message": envelopeID,
	} {
		c := h.only(id)
		if got, want := steps(c), "opened, accepted, accepted, queued"; c.ID != conv || got != want || !c.Live {
			t.Errorf("by %s: conversation %s, %s; want %s, %s", name, c.ID, got, conv, want)
		}
		if h.log.read[0] < begin-1 {
			t.Errorf("by %s: reads from record %d, want from %d", name, h.log.read[0], begin)
		}
	}
	if c := h.only("v2"); steps(c) != "opened, accepted, accepted, queued" || len(h.log.read) > int(h.last)+3 {
		t.Errorf("by a vendor's id: %s after %d records of %d", steps(c), len(h.log.read), h.last)
	}
}

func TestAllFindsWhatHasEnded(t *testing.T) {
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
			t.Errorf("by %s: %+v, want the live one", id, found)
		}
		found := h.find(Query{IDs: []string{id}, All: true})
		if len(found) != 2 || found[0].ID != ended || found[1].ID != live || steps(found[0]) != "opened, accepted, closed" {
			t.Errorf("all by %s: %+v, want both, the ended one first", id, found)
		}
	}
}

// TestBeginnings: what was before the first mention of an id is shown too, with ids of envelopes that came then.
func TestBeginnings(t *testing.T) {
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
			h.record(nil, change(c, &journal.Change_Routed{Routed: &journal.Routed{Event: "message", Position: pos(2, 0)}}),
				change(c, &journal.Change_Duplicate{Duplicate: &journal.Duplicate{Channel: "web", VendorId: "again"}}))
			got := h.only("again")
			if want := "opened, accepted, accepted, routed, duplicate"; steps(got) != want {
				t.Fatalf("%s, want %s", steps(got), want)
			}
			if e := got.Entries; e[3].Envelope == "" || e[3].Envelope != e[1].Envelope || e[2].Text == "" {
				t.Errorf("entries %+v: the envelope's id or the words are missing", e)
			}
		})
	}
}

// TestForeignTimes: a vendor's id that looks like one of ours, with a time of its own clock, is found all the same.
func TestForeignTimes(t *testing.T) {
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
	if c := h.only(ahead); c.ID != conv || steps(c) != "opened, accepted, accepted" {
		t.Errorf("%s: %s", c.ID, steps(c))
	}
}

func TestSearchByTimePassesLostRecords(t *testing.T) {
	h := newHistory(t)
	for i := range 300 {
		h.open(h.id(), fmt.Sprintf("old-%d", i))
	}
	conv := h.id()
	h.open(conv, "th")
	for seq := uint64(100); seq < 250; seq++ {
		h.disk.Lose(seq)
	}
	if c := h.only(conv); steps(c) != "opened, accepted" {
		t.Errorf("steps %s", steps(c))
	}
}

// TestLiveWithoutRecords: a quiet conversation outlives its records.
func TestLiveWithoutRecords(t *testing.T) {
	h := newHistory(t)
	conv := h.id()
	h.open(conv, "th")
	h.open(h.id(), "other")
	if err := h.log.Purge(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	if c := h.only("th"); c.ID != conv || !c.Live || len(c.Entries) != 0 || c.State.CustomerID == "" {
		t.Errorf("%+v, want the state without steps", c)
	}
}

func TestTimeIsUp(t *testing.T) {
	h := newHistory(t)
	for i := range 10 {
		h.open(h.id(), fmt.Sprintf("th-%d", i))
	}
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	_, err := New(h.log, h).Find(ctx, Query{IDs: []string{"nobody"}})
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "of 1 to 10") {
		t.Errorf("Find = %v, want that the time was up, and where", err)
	}
}

// TestStraysTellWhatTheyAre: the vendor's id is the message's own, and words are shown if they are asked for.
func TestStraysTellWhatTheyAre(t *testing.T) {
	h := newHistory(t)
	h.record([]*journal.StoredEnvelope{stored(t, "e1", "", "v1", "lost")},
		change("", &journal.Change_ThreadPending{ThreadPending: &journal.ThreadPending{Position: pos(1, 0), Channel: "faq", Thread: "lost"}}))
	h.record(nil,
		change("", &journal.Change_PendingEnded{PendingEnded: &journal.PendingEnded{Position: pos(1, 0), Status: "unrouted"}}),
		change("", &journal.Change_Disposed{Disposed: &journal.Disposed{
			Position: pos(1, 0), Status: conversation.StatusUnrouted, Channel: "faq", Reason: "unknown thread",
		}}))
	at := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	want := []Entry{
		{
			At: at, Seq: 1, What: "held", Channel: "faq", Envelope: "e1", VendorID: "v1",
			Detail: "waits for its thread lost", Text: "words of e1",
		},
		{
			At: at.Add(time.Hour), Seq: 2, What: "unrouted", Channel: "faq", Envelope: "e1", VendorID: "v1",
			Detail: "unknown thread",
		},
	}
	for _, id := range []string{"e1", "v1", "lost"} {
		if diff := cmp.Diff(want, h.only(id).Entries); diff != "" {
			t.Errorf("by %s (-want +got):\n%s", id, diff)
		}
	}
}

// TestAdopted: the wait of an answer that came early belongs to the conversation that it turned out to be of.
func TestAdopted(t *testing.T) {
	h := newHistory(t)
	conv := h.id()
	h.open(conv, "th")
	h.record([]*journal.StoredEnvelope{stored(t, "e1", "", "early", "bot-th")},
		change("", &journal.Change_ThreadPending{ThreadPending: &journal.ThreadPending{Position: pos(2, 0), Channel: "faq", Thread: "bot-th"}}))
	h.record([]*journal.StoredEnvelope{stored(t, "e1", conv, "early", "bot-th")},
		change(conv, &journal.Change_Linked{Linked: &journal.Linked{Channel: "faq", Thread: "bot-th"}}),
		change("", &journal.Change_PendingEnded{PendingEnded: &journal.PendingEnded{Position: pos(2, 0), Status: "adopted"}}),
		h.accepted(conv, "early", "bot-th"))
	for _, id := range []string{"early", "e1"} {
		if c := h.only(id); c.ID != conv || steps(c) != "opened, accepted, held, thread, accepted" {
			t.Errorf("by %s: %s: %s", id, c.ID, steps(c))
		}
	}
}
