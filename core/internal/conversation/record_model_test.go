package conversation

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"patchbay/core/internal/journal"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol"
)

// recordModel derives from the records where each message is, which channel owned a conversation at which time, and
// which thread belongs to which epoch. It does not use the code under test.
type recordModel struct {
	envelopes  map[state.Position]*envelope.Envelope
	order      []state.Position // accepted messages, in order
	messages   map[state.Position]*messageEntry
	deliveries map[string]*deliveryEntry
	letters    map[string][]string // deliveries by dead letter
	ownership  map[string]*ownership
	threads    map[thread]uint64 // newest epoch of an opened thread

	at        int64                       // time of the record
	waiting   map[thread][]state.Position // customers' envelopes that wait for a departure
	admitting thread                      // the thread of the envelope that was admitted by the last change
	stale     map[state.Position]bool     // envelopes of the record that must be fenced
}

// session contains the data of the records on the newest session of a vendor's thread.
type session struct {
	requested int64 // start of the session on the gateway's clock
	first     int64 // oldest time of an envelope that was not fenced, on the vendor's clock
	lag       int64 // shortest time from the vendor's time to the acceptance; -1 means unknown
}

// messageEntry is an accepted message.
type messageEntry struct {
	conv, channel, thread string
	role                  envelope.Role
	disposed              string
	fenced                bool // according to the model
	answers               bool // whether it counts as an answer
	replayed              bool // whether it was replayed from a dead letter, and so has no place in the order
	holds                 int  // number of times that it was held
	deliveries            []*deliveryEntry
}

// deliveryEntry is a delivery.
type deliveryEntry struct {
	conv     string
	d        *journal.Delivery
	status   string                // "" while it is queued
	replayed bool                  // whether it is a dead letter that was replayed
	holds    map[*messageEntry]int // holds of its messages when it was queued
	resent   bool                  // whether it was delivered without an answer and queued again for the next owner
	answered bool                  // whether the owner answered before the outcome was known
}

// ownership is the owner of a conversation.
type ownership struct {
	channel       string // the customer's channel
	owner         string
	epoch         uint64
	offered       string
	leaving       string // owner whose departure has not taken effect
	leftSent      int64  // time of the departure on the vendor's clock
	closed        bool
	newestSent    map[thread]int64 // newest time on the vendor's clock
	endedSent     map[thread]int64 // newestSent when the channel lost control
	lastDelivered map[string]state.Position
	sessions      map[thread]*session
	clock         clockModel
	control       controlModel
}

func newRecordModel() *recordModel {
	return &recordModel{
		envelopes: map[state.Position]*envelope.Envelope{}, messages: map[state.Position]*messageEntry{},
		deliveries: map[string]*deliveryEntry{}, letters: map[string][]string{},
		ownership: map[string]*ownership{}, threads: map[thread]uint64{},
		waiting: map[thread][]state.Position{},
	}
}

func (l *recordModel) record(h *harness, r *journal.Record) {
	h.Helper()
	for i, st := range r.GetEnvelopes() {
		e, err := protocol.DecodeEnvelope(st.GetEnvelope())
		if err != nil {
			h.Fatalf("record %d holds an envelope that cannot be read: %v", h.seq, err)
		}
		l.envelopes[state.Position{Seq: h.seq, Index: uint32(i)}] = e
	}
	l.at, l.stale = r.GetAt(), map[state.Position]bool{}
	for _, ch := range r.GetChanges() {
		l.change(h, ch.GetConversation(), ch)
	}
	for p := range l.stale {
		h.Fatalf("an envelope of an earlier session or after a departure is not fenced: %s", h.text(p))
	}
}

func (l *recordModel) change(h *harness, id string, ch *journal.Change) {
	h.Helper()
	c := l.ownership[id]
	if c != nil && c.closed {
		l.checkAfterClose(h, id, ch)
	}
	if c != nil {
		l.clockChange(h, c, ch)
	}
	switch k := ch.GetKind().(type) {
	case *journal.Change_Closing:
		c.closed = true
		c.control.received, c.control.awaited = nil, 0
		if c.offered != "" {
			h.Fatalf("closed while an offer to %s is pending", c.offered)
		}
	case *journal.Change_Opened:
		l.ownership[id] = &ownership{
			channel: k.Opened.GetChannel(), owner: k.Opened.GetOwner(), epoch: 1,
			newestSent: map[thread]int64{}, endedSent: map[thread]int64{}, lastDelivered: map[string]state.Position{},
			sessions: map[thread]*session{}, clock: clockModel{last: l.at, ownerSince: l.at},
		}
	case *journal.Change_Accepted:
		l.accepted(h, id, c, k.Accepted)
	case *journal.Change_ThreadPending:
		if k.ThreadPending.GetDeparting() {
			key := thread{k.ThreadPending.GetChannel(), k.ThreadPending.GetThread()}
			l.waiting[key] = append(l.waiting[key], state.PositionOf(k.ThreadPending.GetPosition()))
		}
	case *journal.Change_PendingEnded:
		l.admitted(h, k.PendingEnded)
	case *journal.Change_Departing:
		c.leaving, c.leftSent = k.Departing.GetChannel(), k.Departing.GetSentAt()
	case *journal.Change_Departed:
		c.leaving = ""
	case *journal.Change_Disposed:
		if p := state.PositionOf(k.Disposed.GetPosition()); k.Disposed.GetStatus() == state.StatusFenced {
			delete(l.stale, p)
		}
		if m := l.messages[state.PositionOf(k.Disposed.GetPosition())]; m != nil {
			if m.answers {
				h.Fatalf("a message was an answer and is %s", k.Disposed.GetStatus())
			}
			if m.disposed != "" {
				h.Fatalf("a message was disposed twice: %s, then %s", m.disposed, k.Disposed.GetStatus())
			}
			m.disposed = k.Disposed.GetStatus()
		}
	case *journal.Change_Held:
		if m := l.messages[state.PositionOf(k.Held.GetItem().GetPosition())]; m != nil {
			m.holds++
		}
	case *journal.Change_Offered:
		if c.offered != "" {
			h.Fatalf("an offer to %s is made while one to %s is pending", k.Offered.GetTarget(), c.offered)
		}
		c.offered = k.Offered.GetTarget()
	case *journal.Change_OfferEnded:
		if c.offered == k.OfferEnded.GetTarget() { // a target that could not be asked had no offer
			c.offered = ""
		}
	case *journal.Change_Passed:
		l.passed(h, c, k.Passed)
	case *journal.Change_Queued:
		l.queued(h, id, c, k.Queued)
	case *journal.Change_Ended:
		l.ended(h, c, k.Ended)
	case *journal.Change_Routed, *journal.Change_Answered, *journal.Change_AnswerWaitEnded, *journal.Change_Unlinked:
		l.controlChange(h, c, ch)
	case *journal.Change_Linked:
		if !k.Linked.GetFormer() {
			key := thread{k.Linked.GetChannel(), k.Linked.GetThread()}
			l.threads[key] = k.Linked.GetEpoch()
			c.linked(key, k.Linked.GetStartedAt())
			delete(c.control.left, k.Linked.GetChannel())
		}
	case *journal.Change_DeadLettered:
		d := k.DeadLettered
		for _, m := range append(d.GetMessages(), d.GetDelivery()) {
			l.letters[d.GetDelivery().GetId()] = append(l.letters[d.GetDelivery().GetId()], m.GetId())
		}
	case *journal.Change_DeadLetterEnded:
		for _, id := range l.letters[k.DeadLetterEnded.GetDead()] {
			l.deadLetterEnded(id, k.DeadLetterEnded.GetStatus())
		}
	}
}

func (l *recordModel) deadLetterEnded(delivery, status string) {
	dead := l.deliveries[delivery]
	if dead == nil { // an undecided envelope was never queued
		return
	}
	switch status {
	case state.StatusDropped, state.StatusExpired: // the message stays dead
		return
	case state.StatusFenced:
		dead.status = state.StatusFenced
	default:
		dead.replayed = true
	}
	if m := l.messages[state.PositionOf(dead.d.GetItem().GetPosition())]; m != nil {
		m.replayed = true
	}
}

// checkAfterClose checks a change of a conversation that a rule has closed.
func (l *recordModel) checkAfterClose(h *harness, id string, ch *journal.Change) {
	h.Helper()
	switch k := ch.GetKind().(type) {
	case *journal.Change_Offered, *journal.Change_Passed, *journal.Change_Held, *journal.Change_HomeMoved,
		*journal.Change_Closing,
		*journal.Change_Attributed:
		h.Fatalf("a closed conversation changed: %v", ch)
	case *journal.Change_Accepted:
		if k.Accepted.GetChannel() == l.ownership[id].channel {
			h.Fatalf("a closed conversation accepted a customer's envelope: %v", ch)
		}
	case *journal.Change_Closed:
		for _, sh := range l.deliveries {
			if sh.conv == id && sh.status == "" {
				h.Fatalf("removed while a %s to %s is queued", sh.d.GetKind(), sh.d.GetChannel())
			}
		}
	}
}

func (l *recordModel) accepted(h *harness, id string, c *ownership, a *journal.Accepted) {
	p := state.PositionOf(a.GetPosition())
	name, key := a.GetChannel(), thread{a.GetChannel(), a.GetThread()}
	if name == c.channel {
		l.checkOrder(h, key)
	} else if l.isStale(c, key, a) {
		l.stale[p] = true
	}
	c.session(key).note(a, l.at)
	asked := c.offered == name
	stale := name != c.channel && (name != c.owner && !asked || c.closed)
	if ch := h.policy.Channels[name]; ch != nil && name != c.channel {
		if ch.Opens && ch.PerEpoch && l.threads[key] != c.epoch {
			stale = true
		}
		if a.GetSentAt() != 0 && a.GetSentAt() <= c.endedSent[key] {
			stale = true
		}
	}
	if name != c.owner && !asked {
		c.endedSent[key] = max(c.endedSent[key], a.GetSentAt())
	}
	c.newestSent[key] = max(c.newestSent[key], a.GetSentAt())
	if a.GetKind() != string(envelope.KindMessage) {
		return
	}
	l.order = append(l.order, p)
	l.messages[p] = &messageEntry{
		conv:    id,
		channel: name,
		thread:  a.GetThread(),
		role:    envelope.Role(a.GetRole()),
		fenced:  stale,
	}
}

func (l *recordModel) passed(h *harness, c *ownership, p *journal.Passed) {
	if p.GetFrom() != c.owner || p.GetOwner() == c.owner {
		h.Fatalf("control moved from %s to %s, but the owner was %s", p.GetFrom(), p.GetOwner(), c.owner)
	}
	if p.GetEpoch() != c.epoch+1 {
		h.Fatalf("epoch went from %d to %d", c.epoch, p.GetEpoch())
	}
	l.controlPassed(h, c, p)
	for key, at := range c.newestSent {
		if key.channel == c.owner {
			c.endedSent[key] = at
		}
	}
	c.owner, c.epoch, c.leaving = p.GetOwner(), p.GetEpoch(), ""
}

func (c *ownership) session(key thread) *session {
	if c.sessions[key] == nil {
		c.sessions[key] = &session{lag: -1}
	}
	return c.sessions[key]
}

// linked starts a session. A channel has one thread, so that the data of its former threads is removed.
func (c *ownership) linked(key thread, requested int64) {
	maps.DeleteFunc(c.sessions, func(k thread, _ *session) bool { return k.channel == key.channel && k != key })
	if requested != 0 {
		c.session(key).requested, c.session(key).first = requested, 0
	}
}

func (s *session) note(a *journal.Accepted, at int64) {
	sent := a.GetSentAt()
	if sent == 0 {
		return
	}
	if lag := max(at-sent, 0); s.lag < 0 || lag < s.lag {
		s.lag = lag
	}
	if !a.GetFenced() && (s.first == 0 || sent < s.first) {
		s.first = sent
	}
}

// isStale reports whether an envelope belongs to an earlier session of its thread, or was sent after the departure of its
// channel.
func (l *recordModel) isStale(c *ownership, key thread, a *journal.Accepted) bool {
	s, sent := c.session(key), a.GetSentAt()
	ends := a.GetKind() == string(envelope.KindDisconnected)
	if c.leaving == key.channel && (sent == 0 || sent > c.leftSent || ends) {
		return true
	}
	return sent != 0 && s.lag >= 0 && (sent+s.lag+int64(sessionTolerance) < s.requested || ends && sent < s.first)
}

// admitted checks that a customer's waiting envelopes are admitted in order of arrival.
func (l *recordModel) admitted(h *harness, e *journal.PendingEnded) {
	h.Helper()
	p := state.PositionOf(e.GetPosition())
	for key, waiting := range l.waiting {
		i := slices.Index(waiting, p)
		if i < 0 {
			continue
		}
		if i > 0 || e.GetStatus() != state.StatusAdmitted {
			h.Fatalf("a customer's envelope that waits for a departure ended as %s, %d were before it", e.GetStatus(), i)
		}
		l.waiting[key], l.admitting = waiting[1:], key
	}
}

// checkOrder checks that a customer's envelope has not overtaken a waiting envelope.
func (l *recordModel) checkOrder(h *harness, key thread) {
	h.Helper()
	if len(l.waiting[key]) > 0 && l.admitting != key {
		h.Fatalf("a customer's envelope has overtaken %d that wait for a departure", len(l.waiting[key]))
	}
	l.admitting = thread{}
}

func (l *recordModel) queued(h *harness, id string, c *ownership, q *journal.Queued) {
	h.Helper()
	d := q.GetDelivery()
	sh := &deliveryEntry{conv: id, d: d}
	l.deliveries[d.GetId()] = sh
	c.control.queue(q)
	if m := l.messages[positionsIn(d)[0]]; d.GetAnswer() && m != nil && len(m.deliveries) == 0 && m.channel == c.owner {
		c.control.spoke = true
	}
	for _, p := range positionsIn(d) {
		if m := l.messages[p]; m != nil && d.GetKind() == state.KindSend && !d.GetCopy() {
			l.messageQueued(h, id, c, m, sh)
		}
	}
}

// positionsIn returns the positions of the envelopes that a delivery contains.
func positionsIn(d *journal.Delivery) []state.Position {
	out := []state.Position{state.PositionOf(d.GetItem().GetPosition())}
	for _, it := range d.GetJoined() {
		out = append(out, state.PositionOf(it.GetPosition()))
	}
	return out
}

func (l *recordModel) messageQueued(h *harness, id string, c *ownership, m *messageEntry, sh *deliveryEntry) {
	h.Helper()
	d := sh.d
	if sh.holds == nil {
		sh.holds = map[*messageEntry]int{}
	}
	sh.holds[m] = m.holds
	m.deliveries = append(m.deliveries, sh)
	m.replayed = m.replayed || id != m.conv // after the messages of the conversation that it is continued in
	if d.GetChannel() != c.channel {
		if d.GetChannel() == m.channel {
			h.Fatalf("a message is sent back to its channel %s", m.channel)
		}
		if d.GetChannel() != c.owner {
			h.Fatalf("a message is sent to %s, but the owner is %s", d.GetChannel(), c.owner)
		}
		return
	}
	if m.fenced {
		h.Fatalf("a message of %s on thread %s reached the customer: the owner is %s in epoch %d; lanes:\n%s",
			m.channel, m.thread, c.owner, c.epoch, h.lanesOf(id))
	}
}

func (l *recordModel) ended(h *harness, c *ownership, e *journal.Ended) {
	sh := l.deliveries[e.GetDelivery()]
	if sh == nil || sh.status != "" {
		h.Fatalf("an unknown or ended delivery ended: %v", e)
	}
	sh.status = e.GetStatus()
	l.controlEnded(h, c, sh, e)
	for _, p := range positionsIn(sh.d) {
		if sh.status == state.StatusDelivered && sh.d.GetFollows() && !l.wasReplayed(p) {
			l.checkDelivered(h, c, sh, p)
		}
	}
}

// checkDelivered checks that a customer's message did not overtake another one.
func (l *recordModel) checkDelivered(h *harness, c *ownership, sh *deliveryEntry, p state.Position) {
	h.Helper()
	key := fmt.Sprint(sh.d.GetChannel(), " ", sh.d.GetEpoch())
	if p.Compare(c.lastDelivered[key]) < 0 {
		h.Fatalf(
			"%s got a customer's message out of order: %q after %q",
			sh.d.GetChannel(),
			h.text(p),
			h.text(c.lastDelivered[key]),
		)
	}
	c.lastDelivered[key] = p
}

// wasReplayed reports whether a message was replayed from a dead letter, so that it has no place in the order.
func (l *recordModel) wasReplayed(p state.Position) bool {
	return l.messages[p] == nil || l.messages[p].replayed
}

// check checks the invariants that hold between records.
func (l *recordModel) check(h *harness) {
	h.Helper()
	h.state.All(func(c *state.Conversation) bool {
		l.checkConversation(h, c)
		return true
	})
	for _, p := range l.order {
		l.status(h, p)
	}
}

func (l *recordModel) checkConversation(h *harness, c *state.Conversation) {
	h.Helper()
	if c.Owner != l.ownership[c.ID].owner || c.Epoch != l.ownership[c.ID].epoch {
		h.Fatalf(
			"state has owner %s in epoch %d, the records have %s in epoch %d",
			c.Owner,
			c.Epoch,
			l.ownership[c.ID].owner,
			l.ownership[c.ID].epoch,
		)
	}
	if h.unreconciled || !h.policy.consistent(c, h.now) && !h.hasDecision(c.ID) {
		return
	}
	l.checkClock(h, c)
	l.checkControl(h, c)
	if l.ownership[c.ID].closed != (c.Closing != "") {
		h.Fatalf("state has %s closed by %q, closed by the records: %v", c.ID, c.Closing, l.ownership[c.ID].closed)
	}
	if c.Closing == "" && h.policy.Channels[c.Owner] == nil {
		h.Fatalf("owner %q is not a channel", c.Owner)
	}
	if len(c.Held) > 0 && c.Offer == nil && c.Departure == nil {
		h.Fatalf("messages are held without an offer or departure: %v", c.Held)
	}
	for _, lane := range c.Lanes {
		if h.policy.Channels[lane.Channel] == nil && !h.policy.ReturnDeadline(c, &lane.Queue[0]).After(h.now) {
			h.Fatalf("a lane leads to channel %q, which is not configured", lane.Channel)
		}
		if len(lane.Queue) == 0 {
			h.Fatalf("empty lane: %s", lane.Channel)
		}
		var newest state.Position
		var epoch uint64
		noticed := false
		for i := range lane.Queue {
			d := &lane.Queue[i]
			if noticed && (d.Follows || d.Kind != state.KindSend || lane.Channel == c.Channel) {
				h.Fatalf("a delivery is queued behind the closing event:\n%s", h.lanesOf(c.ID))
			}
			noticed = noticed || isClosingEvent(d)
			if d.Follows && !l.wasReplayed(d.Item.Pos) {
				if d.Item.Pos.Compare(newest) < 0 {
					h.Fatalf("the lane of %s is out of order:\n%s", lane.Channel, h.lanesOf(c.ID))
				}
				newest = d.Items()[len(d.Joined)].Pos
			}
			if lane.Channel == c.Channel && d.Epoch < epoch {
				h.Fatalf("behind the closing event of epoch %d a delivery of epoch %d is queued:\n%s", epoch, d.Epoch, h.lanesOf(c.ID))
			}
			epoch = max(epoch, d.Epoch)
			if d.Follows && lane.Channel != c.Owner {
				h.Fatalf("a customer's message is queued to %s, but the owner is %s:\n%s", lane.Channel, c.Owner, h.lanesOf(c.ID))
			}
		}
	}
}

// status returns the status of a message. It must have exactly one.
func (l *recordModel) status(h *harness, p state.Position) string {
	h.Helper()
	m := l.messages[p]
	if m == nil {
		return "not accepted"
	}
	var places []string
	if m.disposed != "" {
		places = append(places, m.disposed)
	}
	h.state.All(func(c *state.Conversation) bool { // a message can be continued in another conversation
		if slices.ContainsFunc(c.Held, func(i state.Item) bool { return i.Pos == p }) {
			places = append(places, state.StatusHeld)
		}
		return true
	})
	if f := m.deliveryStatus(h); f != "" {
		places = append(places, f)
	}
	if len(places) != 1 {
		h.Fatalf(
			"message %q of %s is in %d places (%s); lanes:\n%s",
			h.text(p),
			m.channel,
			len(places),
			strings.Join(places, ", "),
			h.lanesOf(m.conv),
		)
	}
	return places[0]
}

// deliveryStatus returns the status of a message's deliveries. Each piece must have been queued once for the newest
// owner, and deliveries to earlier owners must have been moved.
func (m *messageEntry) deliveryStatus(h *harness) string {
	h.Helper()
	type attempt struct {
		conv, channel string
		epoch         uint64
		holds         int // a message that is held is sent as a whole later, whatever was delivered before
	}
	var keys []attempt
	groups := map[attempt][]*deliveryEntry{}
	broken := map[attempt]bool{}
	for _, sh := range m.deliveries {
		key := attempt{sh.conv, sh.d.GetChannel(), sh.d.GetEpoch(), sh.holds[m]}
		if groups[key] == nil && !broken[key] {
			keys = append(keys, key)
		}
		if sh.status == state.StatusMoved || sh.status == state.StatusMerged || sh.replayed || sh.resent {
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
	if len(live) == 0 || len(groups[keys[len(keys)-1]]) == 0 || live[len(live)-1].holds < m.holds { // it is held
		return ""
	}
	for _, k := range live[:len(live)-1] {
		if !broken[k] {
			h.Fatalf("a message was sent to %s in epoch %d and again to %s", k.channel, k.epoch, live[len(live)-1].channel)
		}
		for _, sh := range groups[k] {
			if sh.status == "" {
				h.Fatalf("a message is queued to %s and to %s", k.channel, live[len(live)-1].channel)
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
			h.Fatalf("piece %d of %d was sent %d times to %s", i+1, last[0].d.GetPieces(), got[i], last[0].d.GetChannel())
		}
	}
	return status
}

func (h *harness) lanesOf(id string) string {
	c := h.state.Conversation(id)
	if c == nil {
		return "(closed)"
	}
	var b strings.Builder
	for _, lane := range c.Lanes {
		fmt.Fprintf(&b, "  %s:", lane.Channel)
		for i := range lane.Queue {
			fmt.Fprintf(&b, " | %s (epoch %d)", h.line(&lane.Queue[i]), lane.Queue[i].Epoch)
		}
		b.WriteString("\n")
	}
	return b.String()
}

func sorted(ids []string) []string {
	slices.Sort(ids)
	return ids
}
