package conversation

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/protobuf/proto"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/inbound"
	"patchbay/core/internal/journal"
	"patchbay/core/internal/render"
	"patchbay/core/internal/route"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol"
)

// tester is implemented by *testing.T and *rapid.T.
type tester interface {
	Helper()
	Fatalf(format string, args ...any)
	Logf(format string, args ...any)
}

// harness commits transactions as the writer does. It has a second state, which it restores from the encoded records.
// After each commit it checks that both states are equal and that they agree with the model of the records.
type harness struct {
	tester
	policy     *Policy
	state      *state.State // the state of the transactions
	restored   *state.State // restored from the records; almost all conversations in it are at rest
	model      *recordModel
	now        time.Time
	seq        uint64
	ids        int
	lastRecord *journal.Record
	// unreconciled is true while some conversations are not adapted to a new policy.
	unreconciled bool
	// snapshots contains values of conversations that must not change.
	snapshots []valueSnapshot
	// buckets contains the snapshots of restored. threads contains the threads in records.
	buckets map[uint32][]byte
	threads map[thread]bool
	// batched collects the inputs of one record. It is nil outside inOneRecord.
	batched []func(*Transaction)
}

var midnight = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

func newHarness(t tester, p *Policy) *harness {
	t.Helper()
	h := &harness{
		tester: t, policy: p, state: state.New(), restored: state.NewWithLimit(1), model: newRecordModel(),
		now:     midnight.Add(9 * time.Hour),
		buckets: map[uint32][]byte{}, threads: map[thread]bool{},
	}
	h.transact(func(tx *Transaction) {
		tx.StartLease(1, "test")
		tx.Revise("hash", "start")
	})
	return h
}

// testPolicy returns a policy with a customer channel, two bots, two desks and an observer. The bot faq has a thread
// for each epoch, the bot old keeps its thread.
func testPolicy(t tester, rules ...route.Rule) *Policy {
	t.Helper()
	p := &Policy{
		Revision: 1, Owner: "faq", History: 20, CloseAfter: 72 * time.Hour,
		Channels: map[string]*Channel{},
	}
	for _, ch := range []*Channel{
		{Name: "web", Role: envelope.RoleCustomer, Events: events(envelope.KindPassed, envelope.KindTyping)},
		{Name: "faq", Role: envelope.RoleBot, Opens: true, PerEpoch: true, History: true},
		{Name: "old", Role: envelope.RoleBot, Target: render.Target{TextBytes: 64}},
		{
			Name: "desk", Role: envelope.RoleAgent, Opens: true, Target: render.Target{TextBytes: 40},
			Events: events(envelope.KindDisconnected),
		},
		{Name: "night", Role: envelope.RoleAgent, Opens: true, Events: events(envelope.KindDisconnected)},
		{Name: "audit", Role: envelope.RoleObserver},
	} {
		p.Channels[ch.Name] = ch
	}
	p.Routes = compileRules(t, p, rules)
	return p
}

func events(kinds ...envelope.Kind) map[envelope.Kind]bool {
	m := map[envelope.Kind]bool{}
	for _, k := range kinds {
		m[k] = true
	}
	return m
}

func compileRules(t tester, p *Policy, rules []route.Rule) *route.Table {
	t.Helper()
	names := route.Channels{}
	for _, ch := range p.Channels {
		names[ch.Name] = ch.Role
	}
	table, problems := route.Compile(rules, names)
	if table == nil {
		t.Fatalf("compile rules: %v", problems)
	}
	return table
}

func (h *harness) newID() string {
	h.ids++
	return fmt.Sprintf("id-%06d", h.ids)
}

// transact decides twice. It discards the first transaction, as after a failed commit. This must not change the state.
func (h *harness) transact(f func(*Transaction)) {
	h.Helper()
	if h.batched != nil {
		h.batched = append(h.batched, f)
		return
	}
	ids := h.ids
	f(Begin(h.state, h.policy, h.now, h.seq+1, h.newID))
	h.checkEqual("a dropped transaction", h.state, h.restored)
	h.ids = ids
	tx := Begin(h.state, h.policy, h.now, h.seq+1, h.newID)
	f(tx)
	rec := tx.Record()
	if len(rec.GetChanges()) == 0 {
		if len(rec.GetEnvelopes()) > 0 {
			h.Fatalf("record %d stores envelopes that no change refers to", h.seq+1)
		}
		return
	}
	data, err := proto.Marshal(rec)
	if err != nil {
		h.Fatalf("marshal record: %v", err)
	}
	read := &journal.Record{}
	if err := proto.Unmarshal(data, read); err != nil {
		h.Fatalf("unmarshal record: %v", err)
	}
	tx.Commit()
	h.seq++
	h.lastRecord = read
	h.noteThreads(read)
	h.checkRecordedFacts(read)
	if err := h.restored.FoldRecord(h.seq, read); err != nil {
		h.Fatalf("fold record %d: %v", h.seq, err)
	}
	h.checkEqual("decision and restored state", h.state, h.restored)
	if h.seq%8 == 0 {
		h.restore()
	}
	h.checkUnchanged()
	h.model.record(h, read)
	h.model.check(h)
}

// hasDecision reports whether the last record contains a decision on a conversation. Duplicates and ends of dead
// letters are not decisions.
func (h *harness) hasDecision(conv string) bool {
	return slices.ContainsFunc(h.lastRecord.GetChanges(), func(ch *journal.Change) bool {
		return ch.GetConversation() == conv && ch.GetDuplicate() == nil && ch.GetDeadLetterEnded() == nil
	})
}

// revise puts a policy with changed channels into force. It does not adapt conversations.
func (h *harness) revise(change func(channels map[string]*Channel)) {
	h.Helper()
	p := *h.policy
	p.Channels = maps.Clone(h.policy.Channels)
	change(p.Channels)
	p.Revision++
	h.policy = &p
	h.transact(func(tx *Transaction) { tx.Revise("hash", "reload") })
	h.policy.Vanished, h.policy.TimersFrom = h.state.Revision().Vanished, h.now
}

// restart lets time pass in which the gateway drains or is stopped: nothing is due.
func (h *harness) restart(after time.Duration) {
	h.now = h.now.Add(after)
	p := *h.policy
	p.TimersFrom, p.StartedAt = h.now, h.now
	h.policy = &p
}

// adaptAll adapts all conversations to the policy.
func (h *harness) adaptAll() {
	h.Helper()
	h.transact(func(tx *Transaction) {
		for _, id := range Inconsistent(h.state, h.policy, h.now) {
			tx.Reconcile(id)
		}
	})
}

// valueSnapshot is a value of a conversation, and its encoding at the time when the state returned it.
type valueSnapshot struct {
	value   *state.Conversation
	encoded []byte
}

// checkUnchanged checks that earlier values of conversations have not changed.
func (h *harness) checkUnchanged() {
	h.Helper()
	look := func(c *state.Conversation) []byte {
		data, err := json.Marshal(c)
		if err != nil {
			h.Fatalf("encode conversation: %v", err)
		}
		return data
	}
	for _, g := range h.snapshots {
		if now := look(g.value); !bytes.Equal(now, g.encoded) {
			h.Fatalf("record %d changed an older value of a conversation:\nwas %s\nis  %s", h.seq, g.encoded, now)
		}
	}
	h.snapshots = h.snapshots[max(0, len(h.snapshots)-6):]
	h.state.All(func(c *state.Conversation) bool {
		h.snapshots = append(h.snapshots, valueSnapshot{c, look(c)})
		return true
	})
}

// inOneRecord commits all inputs of f in one record.
func (h *harness) inOneRecord(f func()) {
	h.Helper()
	h.batched = []func(*Transaction){}
	f()
	batch := h.batched
	h.batched = nil
	h.transact(func(tx *Transaction) {
		for _, do := range batch {
			do(tx)
		}
	})
}

// restore replaces restored by a state that is restored from the snapshots of restored. Each snapshot contains the
// buckets that have changed.
func (h *harness) restore() {
	h.Helper()
	buckets, meta, err := h.restored.Snapshot().Encode()
	if err != nil {
		h.Fatalf("encode snapshot: %v", err)
	}
	maps.Copy(h.buckets, buckets)
	restored := state.NewWithLimit(1)
	if err := restored.Restore(h.buckets, meta); err != nil {
		h.Fatalf("restore snapshot: %v", err)
	}
	h.checkEqual("state and snapshot", h.state, restored)
	h.restored = restored
}

// view contains all values that can be read from a state.
type view struct {
	Revision     state.Revision
	Convs        map[string]*state.Conversation
	Threads      map[string]string
	DeadLetters  []*state.DeadLetter
	Pending      map[string]*state.PendingEnvelope
	FirstPending time.Time
	PendingBytes int
	PendingOf    map[string]int
	PendingOn    map[string]int
	Cursors      map[string][]byte
	Pauses       map[string]*state.Pause
	Lease        uint64
}

func (h *harness) view(st *state.State) view {
	v := view{
		Revision: st.Revision(), Convs: map[string]*state.Conversation{}, Threads: map[string]string{}, DeadLetters: st.DeadLetters(),
		Pending: map[string]*state.PendingEnvelope{}, PendingOf: map[string]int{}, PendingOn: map[string]int{},
		Cursors: map[string][]byte{}, Pauses: map[string]*state.Pause{}, Lease: st.Lease(),
	}
	st.All(func(c *state.Conversation) bool { v.Convs[c.ID] = c; return true })
	st.EachPause(func(p *state.Pause) { v.Pauses[p.Channel] = p })
	l := state.NewLayer(st, h.now, h.seq, nil)
	l.EachPending(func(p *state.PendingEnvelope) { v.Pending[fmt.Sprint(p.Pos)] = p })
	_, v.FirstPending = st.Pending()
	_, v.PendingBytes = l.PendingCount()
	for key := range h.threads {
		v.Threads[key.String()] = st.Find(key.channel, key.thread)
		v.PendingOn[key.String()] = l.PendingOnThread(key.channel, key.thread)
		v.PendingOf[key.channel] = l.PendingOfChannel(key.channel)
		v.Cursors[key.channel] = st.Cursor(key.channel)
	}
	return v
}

// checkEqual compares two states by their encodings, because equal times can have different values in memory.
func (h *harness) checkEqual(what string, x, y *state.State) {
	h.Helper()
	vx, vy := h.view(x), h.view(y)
	h.checkPendingCounts(what, x, &vx)
	h.checkPendingCounts(what, y, &vy)
	if bytes.Equal(h.encode(vx), h.encode(vy)) {
		return
	}
	if diff := cmp.Diff(vx, vy, cmpopts.EquateEmpty()); diff != "" {
		h.Fatalf("%s differ after record %d (-state +other):\n%s", what, h.seq, diff)
	}
}

// checkPendingCounts compares the counts of pending envelopes with the envelopes.
func (h *harness) checkPendingCounts(what string, st *state.State, v *view) {
	h.Helper()
	size, first, of, on := 0, time.Time{}, map[string]int{}, map[string]int{}
	for key := range h.threads {
		of[key.channel], on[key.String()] = 0, 0
	}
	for _, p := range v.Pending {
		size += len(p.Bytes)
		of[p.Channel]++
		on[thread{p.Channel, p.Thread}.String()]++
		if first.IsZero() || p.Deadline.Before(first) {
			first = p.Deadline
		}
	}
	if diff := cmp.Diff([]any{size, of, on}, []any{v.PendingBytes, v.PendingOf, v.PendingOn}); diff != "" {
		h.Fatalf("%s: pending envelopes after record %d (-there +counted):\n%s", what, h.seq, diff)
	}
	if n, at := st.Pending(); n != len(v.Pending) || !at.Equal(first) {
		h.Fatalf("%s: %d pending envelopes, due %v, after record %d; want %d, %v", what, n, at, h.seq, len(v.Pending), first)
	}
}

func (h *harness) encode(v view) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		h.Fatalf("encode state: %v", err)
	}
	return data
}

// thread identifies a thread.
type thread struct{ channel, thread string }

func (t thread) String() string { return t.channel + " " + t.thread }

// noteThreads adds the threads of a record to threads.
func (h *harness) noteThreads(r *journal.Record) {
	for _, ch := range r.GetChanges() {
		for _, k := range []interface {
			GetChannel() string
			GetThread() string
		}{ch.GetOpened(), ch.GetAccepted(), ch.GetLinked(), ch.GetThreadPending()} {
			if k.GetChannel() != "" {
				h.threads[thread{k.GetChannel(), k.GetThread()}] = true
			}
		}
	}
}

// incoming describes an envelope from a channel.
type incoming struct {
	channel, thread, text, id string
	kind                      envelope.Kind
	role                      envelope.Role // role of the sender; "" means the role of the channel
	sent                      time.Time
	hops                      int
	reason                    string
	attributes                map[string]string
	name                      string // name of the sender
	sender                    string // the sender's id
}

func (h *harness) inbound(m incoming) *inbound.Envelope {
	e := &envelope.Envelope{
		Channel: m.channel, Thread: m.thread, VendorID: m.id, Kind: m.kind, SentAt: m.sent, Hops: m.hops,
		Sender: envelope.Sender{Role: m.role, ID: m.sender, Name: m.name}, Attributes: m.attributes,
	}
	if m.kind == "" {
		e.Kind = envelope.KindMessage
	}
	if m.role == "" && h.policy.Channels[m.channel] != nil {
		e.Sender.Role = h.policy.Channels[m.channel].Role
	}
	if m.text != "" {
		e.Parts = []envelope.Part{envelope.TextPart(m.text)}
	}
	if m.reason != "" {
		e.Attributes = map[string]string{"reason": m.reason}
	}
	data, err := protocol.EncodeEnvelope(e)
	if err != nil {
		h.Fatalf("encode: %v", err)
	}
	return &inbound.Envelope{Channel: m.channel, Envelope: e, Bytes: data}
}

func (h *harness) receive(m incoming) Verdict {
	h.Helper()
	var v Verdict
	h.transact(func(tx *Transaction) { v = tx.Receive(h.inbound(m)) })
	return v
}

func (h *harness) customer(text string) {
	h.Helper()
	if v := h.receive(incoming{channel: "web", thread: "w1", text: text}); v != VerdictAccepted {
		h.Fatalf("verdict on %q is %v", text, v)
	}
}

// conv returns the conversation of the customer's thread.
func (h *harness) conv() *state.Conversation {
	h.Helper()
	c := h.state.Conversation(h.state.Find("web", "w1"))
	if c == nil {
		h.Fatalf("no conversation")
	}
	return c
}

// head returns the head of a lane.
func (h *harness) head(channel string) state.Delivery {
	h.Helper()
	l := h.conv().Lane(channel)
	if l == nil {
		h.Fatalf("no delivery is queued to %s; lanes: %s", channel, h.lanes())
	}
	return l.Queue[0]
}

// outcome applies an outcome of a delivery. The delivery may have ended before.
func (h *harness) outcome(d state.Delivery, o attempt.Outcome) {
	h.Helper()
	h.transact(func(tx *Transaction) {
		r := o
		r.Conversation, r.Delivery, r.Channel, r.Kind, r.Offer = h.convOf(d), d.ID, d.Channel, d.Kind, d.Offer
		if r.Thread == "" {
			r.Thread = d.Thread
		}
		if c := h.state.Conversation(r.Conversation); r.Thread == "" && d.Kind != state.KindOpen && c != nil &&
			c.Threads[d.Channel] != nil {
			r.Thread = c.Threads[d.Channel].ID
		}
		r.Replies = nil
		for _, in := range o.Replies {
			e := *in.Envelope
			r.Replies = append(r.Replies, &inbound.Envelope{Channel: in.Channel, Envelope: &e, Bytes: in.Bytes})
		}
		tx.ApplyOutcome(&r)
	})
}

func (h *harness) convOf(d state.Delivery) string { return h.model.deliveries[d.ID].conv }

// openThread delivers the open at the head of a lane.
func (h *harness) openThread(channel, thread string) {
	h.Helper()
	d := h.head(channel)
	if d.Kind != state.KindOpen {
		h.Fatalf("head of %s is a %s, not an open; lanes: %s", channel, d.Kind, h.lanes())
	}
	h.outcome(d, attempt.Outcome{Thread: thread})
}

// drain makes all deliveries of a lane succeed and returns a line for each.
func (h *harness) drain(channel string) []string {
	h.Helper()
	var out []string
	for h.conv().Lane(channel) != nil {
		d := h.head(channel)
		out = append(out, h.line(&d))
		o := attempt.Outcome{}
		if d.Kind == state.KindOpen {
			o.Thread = fmt.Sprintf("%s-%d", channel, h.seq)
		}
		h.outcome(d, o)
	}
	return out
}

// advance advances the time and applies all deadlines.
func (h *harness) advance(d time.Duration) {
	h.Helper()
	h.now = h.now.Add(d)
	h.transact(func(tx *Transaction) {
		tx.AdmitPending()
		tx.ExpirePending()
		var ids []string
		h.state.All(func(c *state.Conversation) bool { ids = append(ids, c.ID); return true })
		for _, id := range sorted(ids) {
			tx.ApplyDeadlines(id)
		}
	})
	h.applyTimers()
	h.state.All(func(c *state.Conversation) bool {
		if c.Departure != nil && !c.Departure.Deadline.After(h.now) {
			h.Fatalf("the departure from %s is overdue", c.ID)
		}
		return true
	})
}

// applyTimers applies the timers that are due, each in a separate record.
func (h *harness) applyTimers() {
	h.Helper()
	var ids []string
	h.state.All(func(c *state.Conversation) bool { ids = append(ids, c.ID); return true })
	for _, id := range sorted(ids) {
		for {
			at, _ := NextTimer(h.state.Conversation(id), h.policy)
			if at.IsZero() || at.After(h.now) {
				break
			}
			h.transact(func(tx *Transaction) { tx.ApplyTimer(id) })
		}
		if c := h.state.Conversation(id); h.policy.consistent(c, h.now) {
			h.model.checkTimersDone(h, c)
		}
	}
}

// lanes describes the queued deliveries in a line for each lane.
func (h *harness) lanes() string {
	var b strings.Builder
	for _, l := range h.conv().Lanes {
		var q []string
		for i := range l.Queue {
			q = append(q, h.line(&l.Queue[i]))
		}
		fmt.Fprintf(&b, "%s: %s\n", l.Channel, strings.Join(q, " | "))
	}
	return b.String()
}

// line describes a delivery.
func (h *harness) line(d *state.Delivery) string {
	var out string
	switch d.Kind {
	case state.KindOpen:
		out = "open"
		if d.Offer {
			out = "ask"
		}
	case state.KindTranscript:
		out = "transcript"
	default:
		var joined []string
		for _, it := range d.Items() {
			joined = append(joined, h.text(it.Pos))
		}
		out = strings.Join(joined, " + ")
	}
	if d.Pieces > 1 {
		out += fmt.Sprintf(" %d/%d", d.Piece+1, d.Pieces)
	}
	if len(d.History) > 0 {
		var history []string
		for _, it := range d.History {
			history = append(history, h.text(it.Pos))
		}
		out += " [" + strings.Join(history, ", ") + "]"
	}
	return out
}

// text returns an envelope's abbreviated text, or its kind and reason.
func (h *harness) text(p state.Position) string {
	e := h.model.envelopes[p]
	if e == nil {
		return fmt.Sprintf("(nothing at %v)", p)
	}
	if e.Kind != envelope.KindMessage {
		out := string(e.Kind)
		for _, k := range []string{"owner", "title", "owner_role", "reason"} {
			if v := e.Attributes[k]; v != "" {
				out += " " + v
			}
		}
		return out
	}
	if text := e.Text(); len(text) > 24 {
		return text[:20] + "…"
	}
	return e.Text()
}

// status returns the statuses of the messages with this text, in order of arrival.
func (h *harness) status(text string) string {
	h.Helper()
	var out []string
	for _, p := range h.model.order {
		if h.model.envelopes[p].Text() == text {
			out = append(out, h.model.status(h, p))
		}
	}
	return strings.Join(out, " ")
}

// lastChanges returns the changes of a kind in the last record.
func lastChanges[T any](h *harness) []T {
	var out []T
	for _, c := range h.lastRecord.GetChanges() {
		if k, ok := c.GetKind().(any).(T); ok {
			out = append(out, k)
		}
	}
	return out
}
