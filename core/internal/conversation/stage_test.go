package conversation

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/protobuf/proto"

	"patchbay/core/internal/delivery"
	"patchbay/core/internal/inbound"
	"patchbay/core/internal/journal"
	"patchbay/core/internal/render"
	"patchbay/core/internal/route"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol"
)

// tester is what a stage needs of *testing.T and *rapid.T.
type tester interface {
	Helper()
	Fatalf(format string, args ...any)
	Logf(format string, args ...any)
}

// stage plays the writer: it commits what turns decide, and keeps a second book that only ever sees the
// records as they come back from the log. After each commit both must be the same, and the ledger's
// invariants must hold.
type stage struct {
	tester
	policy *Policy
	state  *state.State // decides
	mirror *state.State // replays
	ledger *ledger
	now    time.Time
	seq    uint64
	ids    int
	last   *journal.Record
	// unsettled is set while a new policy has come and conversations are not yet reconciled with it.
	unsettled bool
	// given are conversations that others may still hold, and what they looked like when they were given out.
	given []given
	// buckets are those of the mirror's snapshots, seen the threads that records have named.
	buckets map[uint32][]byte
	seen    map[thread]bool
	// batch collects what turns are to decide while it is not nil, so that several inputs share a record.
	batch []func(*Transaction)
}

var midnight = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

func newStage(t tester, p *Policy) *stage {
	t.Helper()
	s := &stage{
		tester: t, policy: p, state: state.New(), mirror: state.New(), ledger: newLedger(), now: midnight.Add(9 * time.Hour),
		buckets: map[uint32][]byte{}, seen: map[thread]bool{},
	}
	s.turn(func(tx *Transaction) { tx.StartLease(1, "test") })
	return s
}

// testPolicy is the bench that tests play on: a customer's channel; two bots, one with a new thread each
// term and one that keeps its thread; two desks that must be asked; an observer.
func testPolicy(t tester, rules ...route.Rule) *Policy {
	t.Helper()
	p := &Policy{
		Revision: 1, Owner: "faq", History: 20, CloseAfter: 72 * time.Hour,
		Channels: map[string]*Channel{},
	}
	for _, ch := range []*Channel{
		{Name: "web", Role: envelope.RoleCustomer, Events: events(envelope.KindPassed, envelope.KindTyping)},
		{Name: "faq", Role: envelope.RoleBot, Opens: true, PerEpoch: true, History: true, GiveUp: time.Hour},
		{Name: "old", Role: envelope.RoleBot, Target: render.Target{TextBytes: 64}},
		{Name: "desk", Role: envelope.RoleAgent, Opens: true, Target: render.Target{TextBytes: 40}, Events: events(envelope.KindDisconnected)},
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

func (s *stage) newID() string {
	s.ids++
	return fmt.Sprintf("id-%06d", s.ids)
}

// turn decides twice: the first decision is forgotten, as if storing had failed, and must leave no trace.
func (s *stage) turn(f func(*Transaction)) {
	s.Helper()
	if s.batch != nil {
		s.batch = append(s.batch, f)
		return
	}
	ids := s.ids
	f(Begin(s.state, s.policy, s.now, s.seq+1, s.newID))
	s.equal("a forgotten turn", s.state, s.mirror)
	s.ids = ids
	tx := Begin(s.state, s.policy, s.now, s.seq+1, s.newID)
	f(tx)
	rec := tx.Record()
	if len(rec.GetChanges()) == 0 {
		if len(rec.GetEnvelopes()) > 0 {
			s.Fatalf("record %d stores envelopes that no change refers to", s.seq+1)
		}
		return
	}
	data, err := proto.Marshal(rec)
	if err != nil {
		s.Fatalf("marshal record: %v", err)
	}
	read := &journal.Record{}
	if err := proto.Unmarshal(data, read); err != nil {
		s.Fatalf("unmarshal record: %v", err)
	}
	tx.Commit()
	s.seq++
	s.last = read
	s.see(read)
	if err := s.mirror.Replay(s.seq, read); err != nil {
		s.Fatalf("replay record %d: %v", s.seq, err)
	}
	s.equal("decision and replay", s.state, s.mirror)
	if s.seq%8 == 0 {
		s.restart()
	}
	s.unchanged()
	s.ledger.record(s, read)
	s.ledger.check(s)
}

// given is a value of a conversation that a lane or a snapshot may be reading.
type given struct {
	c    *state.Conversation
	then []byte
}

// unchanged checks that turns leave the values alone that others hold, and hands out the current ones.
func (s *stage) unchanged() {
	s.Helper()
	look := func(c *state.Conversation) []byte {
		data, err := json.Marshal(c)
		if err != nil {
			s.Fatalf("encode conversation: %v", err)
		}
		return data
	}
	for _, g := range s.given {
		if now := look(g.c); !bytes.Equal(now, g.then) {
			s.Fatalf("record %d changed an older value of a conversation:\nwas %s\nis  %s", s.seq, g.then, now)
		}
	}
	s.given = s.given[max(0, len(s.given)-6):]
	s.state.All(func(c *state.Conversation) bool { s.given = append(s.given, given{c, look(c)}); return true })
}

// together makes one turn of all that f does.
func (s *stage) together(f func()) {
	s.Helper()
	s.batch = []func(*Transaction){}
	f()
	batch := s.batch
	s.batch = nil
	s.turn(func(tx *Transaction) {
		for _, do := range batch {
			do(tx)
		}
	})
}

// restart replaces the mirror by a state that is restored from its snapshots. Each snapshot contains only changed buckets.
func (s *stage) restart() {
	s.Helper()
	buckets, meta, err := s.mirror.Snapshot().Encode()
	if err != nil {
		s.Fatalf("encode snapshot: %v", err)
	}
	maps.Copy(s.buckets, buckets)
	restored := state.New()
	if err := restored.Restore(s.buckets, meta); err != nil {
		s.Fatalf("restore snapshot: %v", err)
	}
	s.equal("state and snapshot", s.state, restored)
	s.mirror = restored
}

// view contains everything that can be read from a state.
type view struct {
	Convs        map[string]*state.Conversation
	Threads      map[string]string
	DeadLetters  []*state.DeadLetter
	Pending      map[string]*state.PendingEnvelope
	FirstPending time.Time
	PendingBytes int
	PendingOf    map[string]int
	PendingOn    map[string]int
	Cursors      map[string][]byte
	Lease        uint64
}

func (s *stage) view(st *state.State) view {
	v := view{
		Convs: map[string]*state.Conversation{}, Threads: map[string]string{}, DeadLetters: st.DeadLetters(),
		Pending: map[string]*state.PendingEnvelope{}, PendingOf: map[string]int{}, PendingOn: map[string]int{},
		Cursors: map[string][]byte{}, Lease: st.Lease(),
	}
	st.All(func(c *state.Conversation) bool { v.Convs[c.ID] = c; return true })
	l := state.NewLayer(st, s.now, s.seq, nil)
	l.EachPending(func(p *state.PendingEnvelope) { v.Pending[fmt.Sprint(p.Pos)] = p })
	_, v.FirstPending = st.Pending()
	_, v.PendingBytes = l.PendingCount()
	for key := range s.seen {
		v.Threads[key.String()] = st.Find(key.channel, key.thread)
		v.PendingOn[key.String()] = l.PendingOnThread(key.channel, key.thread)
		v.PendingOf[key.channel] = l.PendingOfChannel(key.channel)
		v.Cursors[key.channel] = st.Cursor(key.channel)
	}
	return v
}

// equal compares two states. Times that are equal may look different, so it encodes the states first.
func (s *stage) equal(what string, x, y *state.State) {
	s.Helper()
	vx, vy := s.view(x), s.view(y)
	s.pendingCounted(what, x, &vx)
	s.pendingCounted(what, y, &vy)
	if bytes.Equal(s.encode(vx), s.encode(vy)) {
		return
	}
	if diff := cmp.Diff(vx, vy, cmpopts.EquateEmpty()); diff != "" {
		s.Fatalf("%s differ after record %d (-state +other):\n%s", what, s.seq, diff)
	}
}

// pendingCounted compares the counts of pending envelopes with the envelopes.
func (s *stage) pendingCounted(what string, st *state.State, v *view) {
	s.Helper()
	size, first, of, on := 0, time.Time{}, map[string]int{}, map[string]int{}
	for key := range s.seen {
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
		s.Fatalf("%s: pending envelopes after record %d (-there +counted):\n%s", what, s.seq, diff)
	}
	if n, at := st.Pending(); n != len(v.Pending) || !at.Equal(first) {
		s.Fatalf("%s: %d pending envelopes, due %v, after record %d; want %d, %v", what, n, at, s.seq, len(v.Pending), first)
	}
}

func (s *stage) encode(v view) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		s.Fatalf("encode state: %v", err)
	}
	return data
}

// thread identifies a thread.
type thread struct{ channel, thread string }

func (t thread) String() string { return t.channel + " " + t.thread }

// see notes the threads that a record names.
func (s *stage) see(r *journal.Record) {
	for _, ch := range r.GetChanges() {
		for _, k := range []interface {
			GetChannel() string
			GetThread() string
		}{ch.GetOpened(), ch.GetAccepted(), ch.GetLinked(), ch.GetThreadPending()} {
			if k.GetChannel() != "" {
				s.seen[thread{k.GetChannel(), k.GetThread()}] = true
			}
		}
	}
}

// say is an inbound envelope to come; each use makes a new one.
type say struct {
	channel, thread, text, id string
	kind                      envelope.Kind
	role                      envelope.Role // sender; "" is the channel's
	sent                      time.Time
	hops                      int
	reason                    string
}

func (s *stage) inbound(m say) *inbound.Envelope {
	e := &envelope.Envelope{
		Channel: m.channel, Thread: m.thread, VendorID: m.id, Kind: m.kind, SentAt: m.sent, Hops: m.hops,
		Sender: envelope.Sender{Role: m.role},
	}
	if m.kind == "" {
		e.Kind = envelope.KindMessage
	}
	if m.role == "" && s.policy.Channels[m.channel] != nil {
		e.Sender.Role = s.policy.Channels[m.channel].Role
	}
	if m.text != "" {
		e.Parts = []envelope.Part{envelope.TextPart(m.text)}
	}
	if m.reason != "" {
		e.Attributes = map[string]string{"reason": m.reason}
	}
	data, err := protocol.EncodeEnvelope(e)
	if err != nil {
		s.Fatalf("encode: %v", err)
	}
	return &inbound.Envelope{Channel: m.channel, Envelope: e, Bytes: data}
}

func (s *stage) in(m say) Verdict {
	s.Helper()
	var v Verdict
	s.turn(func(tx *Transaction) { v = tx.Receive(s.inbound(m)) })
	return v
}

func (s *stage) customer(text string) {
	s.Helper()
	if v := s.in(say{channel: "web", thread: "w1", text: text}); v != VerdictAccepted {
		s.Fatalf("verdict on %q is %v", text, v)
	}
}

// conv returns the conversation of the customer's thread.
func (s *stage) conv() *state.Conversation {
	s.Helper()
	c := s.state.Conversation(s.state.Find("web", "w1"))
	if c == nil {
		s.Fatalf("no conversation")
	}
	return c
}

// head returns the delivery that a lane would have in flight.
func (s *stage) head(channel string) state.Delivery {
	s.Helper()
	l := s.conv().Lane(channel)
	if l == nil {
		s.Fatalf("nothing waits for %s; lanes: %s", channel, s.lanes())
	}
	return l.Queue[0]
}

// result reports an outcome of a delivery, which need not be queued any more.
func (s *stage) result(d state.Delivery, o delivery.Outcome) {
	s.Helper()
	s.turn(func(tx *Transaction) {
		r := o
		r.Conversation, r.Delivery, r.Channel, r.Kind, r.Offer = s.convOf(d), d.ID, d.Channel, d.Kind, d.Offer
		if r.Thread == "" {
			r.Thread = d.Thread
		}
		if c := s.state.Conversation(r.Conversation); r.Thread == "" && d.Kind != state.KindOpen && c != nil && c.Threads[d.Channel] != nil {
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

func (s *stage) convOf(d state.Delivery) string { return s.ledger.deliveries[d.ID].conv }

// opened answers the open at the head of a lane.
func (s *stage) opened(channel, thread string) {
	s.Helper()
	d := s.head(channel)
	if d.Kind != state.KindOpen {
		s.Fatalf("head of %s is a %s, not an open; lanes: %s", channel, d.Kind, s.lanes())
	}
	s.result(d, delivery.Outcome{Thread: thread})
}

// drain delivers everything that waits for a channel and returns what it was, one line each.
func (s *stage) drain(channel string) []string {
	s.Helper()
	var out []string
	for s.conv().Lane(channel) != nil {
		d := s.head(channel)
		out = append(out, s.line(&d))
		o := delivery.Outcome{}
		if d.Kind == state.KindOpen {
			o.Thread = fmt.Sprintf("%s-%d", channel, s.seq)
		}
		s.result(d, o)
	}
	return out
}

// pass lets time go by and the timers fire.
func (s *stage) wait(d time.Duration) {
	s.Helper()
	s.now = s.now.Add(d)
	s.turn(func(tx *Transaction) {
		tx.AdmitPending()
		tx.ExpirePending()
		var ids []string
		s.state.All(func(c *state.Conversation) bool { ids = append(ids, c.ID); return true })
		for _, id := range sorted(ids) {
			tx.ApplyDeadlines(id)
		}
	})
}

// lanes describes what waits, one lane a line.
func (s *stage) lanes() string {
	var b strings.Builder
	for _, l := range s.conv().Lanes {
		var q []string
		for i := range l.Queue {
			q = append(q, s.line(&l.Queue[i]))
		}
		fmt.Fprintf(&b, "%s: %s\n", l.Channel, strings.Join(q, " | "))
	}
	return b.String()
}

// line describes a delivery: what it says, as a person would write it down.
func (s *stage) line(d *state.Delivery) string {
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
		out = s.words(d.Item.Pos)
	}
	if d.Pieces > 1 {
		out += fmt.Sprintf(" %d/%d", d.Piece+1, d.Pieces)
	}
	if len(d.History) > 0 {
		var h []string
		for _, it := range d.History {
			h = append(h, s.words(it.Pos))
		}
		out += " [" + strings.Join(h, ", ") + "]"
	}
	return out
}

// words returns an envelope's text, cut short, or its kind and reason.
func (s *stage) words(p state.Position) string {
	e := s.ledger.envelopes[p]
	if e == nil {
		return fmt.Sprintf("(nothing at %v)", p)
	}
	if e.Kind != envelope.KindMessage {
		out := string(e.Kind)
		for _, k := range []string{"owner", "reason"} {
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

// fate says what became of the messages with the text, in order of arrival.
func (s *stage) fate(text string) string {
	s.Helper()
	var out []string
	for _, p := range s.ledger.order {
		if s.ledger.envelopes[p].Text() == text {
			out = append(out, s.ledger.fate(s, p))
		}
	}
	return strings.Join(out, " ")
}

// changes returns the journal's changes of a kind in the last record.
func lastOf[T any](s *stage) []T {
	var out []T
	for _, c := range s.last.GetChanges() {
		if k, ok := c.GetKind().(any).(T); ok {
			out = append(out, k)
		}
	}
	return out
}
