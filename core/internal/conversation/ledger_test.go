package conversation

import (
	"fmt"
	"slices"
	"strings"

	"patchbay/core/internal/journal"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol"
)

// ledger is an accountant who reads nothing but records: where each message is, who owned the conversation
// when, and which thread belongs to which term. It knows nothing of how decisions are made.
type ledger struct {
	envelopes  map[state.Position]*envelope.Envelope
	order      []state.Position // accepted messages, in order
	messages   map[state.Position]*booked
	deliveries map[string]*shipped
	convs      map[string]*term
	threads    map[thread]uint64 // last epoch in which an opened thread may speak
}

// booked is an accepted message.
type booked struct {
	conv, channel, thread string
	role                  envelope.Role
	disposed              string
	stale                 bool // by the ledger's own reckoning
	again                 bool // put back from a dead letter, so not in order any more
	ships                 []*shipped
}

// shipped is a delivery.
type shipped struct {
	conv   string
	d      *journal.Delivery
	status string // "" while it waits
	redone bool   // a dead letter that was put back
}

// term is who owns a conversation.
type term struct {
	channel string // customer's
	owner   string
	epoch   uint64
	asked   string
	closed  bool
	heard   map[thread]int64 // newest vendor time
	ended   map[thread]int64 // the same, when the channel lost control
	reached map[string]state.Position
}

func newLedger() *ledger {
	return &ledger{
		envelopes: map[state.Position]*envelope.Envelope{}, messages: map[state.Position]*booked{}, deliveries: map[string]*shipped{},
		convs: map[string]*term{}, threads: map[thread]uint64{},
	}
}

func (l *ledger) record(s *stage, r *journal.Record) {
	s.Helper()
	for i, st := range r.GetEnvelopes() {
		e, err := protocol.DecodeEnvelope(st.GetEnvelope())
		if err != nil {
			s.Fatalf("record %d holds an envelope that can't be read: %v", s.seq, err)
		}
		l.envelopes[state.Position{Seq: s.seq, Index: uint32(i)}] = e
	}
	for _, ch := range r.GetChanges() {
		l.change(s, ch.GetConversation(), ch)
	}
}

func (l *ledger) change(s *stage, id string, ch *journal.Change) {
	s.Helper()
	c := l.convs[id]
	if c != nil && c.closed {
		l.afterwards(s, id, ch)
	}
	switch k := ch.GetKind().(type) {
	case *journal.Change_Closing:
		c.closed = true
		if c.asked != "" {
			s.Fatalf("closed while %s is asked", c.asked)
		}
	case *journal.Change_Opened:
		l.convs[id] = &term{
			channel: k.Opened.GetChannel(), owner: k.Opened.GetOwner(), epoch: 1,
			heard: map[thread]int64{}, ended: map[thread]int64{}, reached: map[string]state.Position{},
		}
	case *journal.Change_Accepted:
		l.accepted(s, id, c, k.Accepted)
	case *journal.Change_Disposed:
		if m := l.messages[state.PositionOf(k.Disposed.GetPosition())]; m != nil {
			if m.disposed != "" {
				s.Fatalf("message disposed of twice: %s, then %s", m.disposed, k.Disposed.GetStatus())
			}
			m.disposed = k.Disposed.GetStatus()
		}
	case *journal.Change_Offered:
		c.asked = k.Offered.GetTarget()
	case *journal.Change_OfferEnded:
		c.asked = ""
	case *journal.Change_Passed:
		l.passed(s, c, k.Passed)
	case *journal.Change_Queued:
		l.queued(s, id, c, k.Queued.GetDelivery())
	case *journal.Change_Ended:
		l.ended(s, c, k.Ended)
	case *journal.Change_Linked:
		if !k.Linked.GetFormer() {
			l.threads[thread{k.Linked.GetChannel(), k.Linked.GetThread()}] = k.Linked.GetEpoch()
		}
	case *journal.Change_DeadLetterEnded:
		dead := l.deliveries[k.DeadLetterEnded.GetDead()]
		if dead == nil { // undecided: it never was in a lane
			return
		}
		switch k.DeadLetterEnded.GetStatus() {
		case state.StatusDropped, state.StatusExpired: // it stays dead
			return
		case state.StatusFenced:
			dead.status = state.StatusFenced
		default:
			dead.redone = true
		}
		if m := l.messages[state.PositionOf(dead.d.GetItem().GetPosition())]; m != nil {
			m.again = true
		}
	}
}

// afterwards holds a conversation that a rule has closed to what may still happen in it.
func (l *ledger) afterwards(s *stage, id string, ch *journal.Change) {
	s.Helper()
	switch k := ch.GetKind().(type) {
	case *journal.Change_Offered, *journal.Change_Passed, *journal.Change_Held, *journal.Change_HomeMoved, *journal.Change_Closing,
		*journal.Change_Attributed:
		s.Fatalf("after its end a conversation changes: %v", ch)
	case *journal.Change_Accepted:
		if k.Accepted.GetChannel() == l.convs[id].channel {
			s.Fatalf("after its end a conversation takes in what its customer says: %v", ch)
		}
	case *journal.Change_Closed:
		for _, sh := range l.deliveries {
			if sh.conv == id && sh.status == "" {
				s.Fatalf("archived, and %s waits for %s", sh.d.GetKind(), sh.d.GetChannel())
			}
		}
	}
}

func (l *ledger) accepted(s *stage, id string, c *term, a *journal.Accepted) {
	p := state.PositionOf(a.GetPosition())
	name, key := a.GetChannel(), thread{a.GetChannel(), a.GetThread()}
	asked := c.asked == name
	stale := name != c.channel && (name != c.owner && !asked || c.closed)
	if ch := s.policy.Channels[name]; ch != nil && name != c.channel {
		if ch.Opens && ch.PerEpoch && l.threads[key] != c.epoch {
			stale = true
		}
		if a.GetSentAt() != 0 && a.GetSentAt() <= c.ended[key] {
			stale = true
		}
	}
	if name != c.owner && !asked {
		c.ended[key] = max(c.ended[key], a.GetSentAt())
	}
	c.heard[key] = max(c.heard[key], a.GetSentAt())
	if a.GetKind() != string(envelope.KindMessage) {
		return
	}
	l.order = append(l.order, p)
	l.messages[p] = &booked{conv: id, channel: name, thread: a.GetThread(), role: envelope.Role(a.GetRole()), stale: stale}
}

func (l *ledger) passed(s *stage, c *term, p *journal.Passed) {
	if p.GetFrom() != c.owner || p.GetOwner() == c.owner {
		s.Fatalf("control moved from %s to %s, but %s had it", p.GetFrom(), p.GetOwner(), c.owner)
	}
	if p.GetEpoch() != c.epoch+1 {
		s.Fatalf("epoch went from %d to %d", c.epoch, p.GetEpoch())
	}
	for key, at := range c.heard {
		if key.channel == c.owner {
			c.ended[key] = at
		}
	}
	c.owner, c.epoch = p.GetOwner(), p.GetEpoch()
}

func (l *ledger) queued(s *stage, id string, c *term, d *journal.Delivery) {
	s.Helper()
	sh := &shipped{conv: id, d: d}
	l.deliveries[d.GetId()] = sh
	m := l.messages[state.PositionOf(d.GetItem().GetPosition())]
	if d.GetKind() != state.KindSend || m == nil || d.GetCopy() {
		return
	}
	m.ships = append(m.ships, sh)
	if d.GetChannel() != c.channel {
		if d.GetChannel() == m.channel {
			s.Fatalf("a message goes back to where it came from, %s", m.channel)
		}
		if d.GetChannel() != c.owner {
			s.Fatalf("a message went to %s, but %s has control", d.GetChannel(), c.owner)
		}
		return
	}
	if m.stale {
		s.Fatalf("what %s said on %s reached the customer: the owner is %s in epoch %d; lanes:\n%s",
			m.channel, m.thread, c.owner, c.epoch, s.lanesOf(id))
	}
}

func (l *ledger) ended(s *stage, c *term, e *journal.Ended) {
	sh := l.deliveries[e.GetDelivery()]
	if sh == nil || sh.status != "" {
		s.Fatalf("a delivery ended that does not wait: %v", e)
	}
	sh.status = e.GetStatus()
	p := state.PositionOf(sh.d.GetItem().GetPosition())
	if sh.status != state.StatusDelivered || !sh.d.GetFollows() || l.putBack(p) {
		return
	}
	key := fmt.Sprint(sh.d.GetChannel(), " ", sh.d.GetEpoch())
	if p.Compare(c.reached[key]) < 0 {
		s.Fatalf("%s got a customer's message out of order: %q after %q", sh.d.GetChannel(), s.words(p), s.words(c.reached[key]))
	}
	c.reached[key] = p
}

// putBack reports whether a message came back from the dead letters, so that its place in the order is gone.
func (l *ledger) putBack(p state.Position) bool { return l.messages[p] == nil || l.messages[p].again }

// check looks at the invariants that hold between records.
func (l *ledger) check(s *stage) {
	s.Helper()
	s.state.All(func(c *state.Conversation) bool {
		l.checkConversation(s, c)
		return true
	})
	for _, p := range l.order {
		l.fate(s, p)
	}
}

func (l *ledger) checkConversation(s *stage, c *state.Conversation) {
	s.Helper()
	if c.Owner != l.convs[c.ID].owner || c.Epoch != l.convs[c.ID].epoch {
		s.Fatalf("the book says %s owns epoch %d, the records say %s and %d", c.Owner, c.Epoch, l.convs[c.ID].owner, l.convs[c.ID].epoch)
	}
	if s.unsettled {
		return
	}
	if l.convs[c.ID].closed != (c.Closing != "") {
		s.Fatalf("the book says that %s is closed by %q, the records: %v", c.ID, c.Closing, l.convs[c.ID].closed)
	}
	if c.Closing == "" && s.policy.Channels[c.Owner] == nil {
		s.Fatalf("owner %q is not a channel", c.Owner)
	}
	if len(c.Held) > 0 && (c.Offer == nil || !c.Offer.Hold) {
		s.Fatalf("messages wait, but for no offer: %v", c.Held)
	}
	for _, lane := range c.Lanes {
		if s.policy.Channels[lane.Channel] == nil {
			s.Fatalf("a lane leads to %q, which is not configured", lane.Channel)
		}
		if len(lane.Queue) == 0 {
			s.Fatalf("an empty lane is kept: %s", lane.Channel)
		}
		var words state.Position
		var epoch uint64
		told := false
		for i := range lane.Queue {
			d := &lane.Queue[i]
			if told && (d.Follows || d.Kind != state.KindSend || lane.Channel == c.Channel) {
				s.Fatalf("behind the notice that the conversation has ended waits more:\n%s", s.lanesOf(c.ID))
			}
			told = told || isCloseNotice(d)
			if d.Follows && !l.putBack(d.Item.Pos) {
				if d.Item.Pos.Compare(words) < 0 {
					s.Fatalf("the lane of %s is out of order:\n%s", lane.Channel, s.lanesOf(c.ID))
				}
				words = d.Item.Pos
			}
			if lane.Channel == c.Channel && d.Epoch < epoch {
				s.Fatalf("behind the marker of epoch %d waits a delivery of epoch %d:\n%s", epoch, d.Epoch, s.lanesOf(c.ID))
			}
			epoch = max(epoch, d.Epoch)
			if d.Follows && lane.Channel != c.Owner {
				s.Fatalf("a customer's words wait for %s, but %s has control:\n%s", lane.Channel, c.Owner, s.lanesOf(c.ID))
			}
		}
	}
}

// fate returns where a message is. It must be in exactly one place.
func (l *ledger) fate(s *stage, p state.Position) string {
	s.Helper()
	m := l.messages[p]
	if m == nil {
		return "not accepted"
	}
	var places []string
	if m.disposed != "" {
		places = append(places, m.disposed)
	}
	if c := s.state.Conversation(m.conv); c != nil && slices.ContainsFunc(c.Held, func(i state.Item) bool { return i.Pos == p }) {
		places = append(places, state.StatusHeld)
	}
	if f := m.shipment(s); f != "" {
		places = append(places, f)
	}
	if len(places) != 1 {
		s.Fatalf("message %q of %s is in %d places (%s); lanes:\n%s", s.words(p), m.channel, len(places), strings.Join(places, ", "), s.lanesOf(m.conv))
	}
	return places[0]
}

// shipment returns what became of a message's deliveries: each piece must have gone out once in the newest
// attempt, and an older attempt must have been broken off.
func (m *booked) shipment(s *stage) string {
	s.Helper()
	type attempt struct {
		conv, channel string
		epoch         uint64
	}
	var keys []attempt
	groups := map[attempt][]*shipped{}
	broken := map[attempt]bool{}
	for _, sh := range m.ships {
		key := attempt{sh.conv, sh.d.GetChannel(), sh.d.GetEpoch()}
		if groups[key] == nil && !broken[key] {
			keys = append(keys, key)
		}
		if sh.status == state.StatusMoved || sh.redone {
			broken[key] = true
			continue
		}
		groups[key] = append(groups[key], sh)
	}
	live := keys[:0:0]
	for _, k := range keys {
		if len(groups[k]) > 0 {
			live = append(live, k)
		}
	}
	if len(live) == 0 {
		return ""
	}
	for _, k := range live[:len(live)-1] {
		if !broken[k] {
			s.Fatalf("a message went to %s in epoch %d, and again to %s", k.channel, k.epoch, live[len(live)-1].channel)
		}
		for _, sh := range groups[k] {
			if sh.status == "" {
				s.Fatalf("a message waits for %s and for %s", k.channel, live[len(live)-1].channel)
			}
		}
	}
	status := state.StatusDelivered
	got := map[uint32]int{}
	last := groups[live[len(live)-1]]
	for _, sh := range last {
		got[sh.d.GetPiece()]++
		switch {
		case sh.status == "":
			status = state.StatusQueued
		case sh.status != state.StatusDelivered && status != state.StatusQueued:
			status = sh.status
		}
	}
	for i := range max(last[0].d.GetPieces(), 1) {
		if got[i] != 1 {
			s.Fatalf("piece %d of %d was sent %d times to %s", i+1, last[0].d.GetPieces(), got[i], last[0].d.GetChannel())
		}
	}
	return status
}

func (s *stage) lanesOf(id string) string {
	c := s.state.Conversation(id)
	if c == nil {
		return "(closed)"
	}
	var b strings.Builder
	for _, lane := range c.Lanes {
		fmt.Fprintf(&b, "  %s:", lane.Channel)
		for i := range lane.Queue {
			fmt.Fprintf(&b, " | %s (epoch %d)", s.line(&lane.Queue[i]), lane.Queue[i].Epoch)
		}
		b.WriteString("\n")
	}
	return b.String()
}

func sorted(ids []string) []string {
	slices.Sort(ids)
	return ids
}
