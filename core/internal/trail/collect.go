package trail

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"patchbay/core/internal/journal"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol"
)

// collectedEntries are the entries of one conversation.
type collectedEntries struct {
	drafts []draft
	since  uint64 // all records from this sequence on are collected
	opened bool   // the record that opened the conversation is collected
}

// queuedDelivery has what later changes of a delivery do not repeat.
type queuedDelivery struct {
	channel  string
	position state.Position // of the envelope
}

// collect adds a record's entries to the found conversations.
func (s *search) collect(seq uint64, r *journal.Record) {
	for i, st := range r.GetEnvelopes() {
		p := state.Position{Seq: seq, Index: uint32(i)}
		if s.found[st.GetConversation()] != nil && st.GetConversation() != "" || s.unassigned[p] != nil {
			s.envelopes[p] = st.GetId()
		}
	}
	for _, ch := range r.GetChanges() {
		c := s.found[ch.GetConversation()]
		p, _ := unassignedPosition(ch)
		u := s.unassigned[p]
		if c == nil || ch.GetConversation() == "" && u == nil {
			continue
		}
		if isEarlier := seq < c.since; isEarlier != s.secondPass {
			continue // the other pass collects it
		}
		s.trackPending(ch, p, r)
		if d := cmp.Or(ch.GetQueued().GetDelivery(), ch.GetDeadLettered().GetDelivery()); d != nil {
			s.deliveries[d.GetId()] = queuedDelivery{d.GetChannel(), positionOf(d.GetItem().GetPosition())}
		}
		c.opened = c.opened || ch.GetOpened() != nil
		d, ok := describeChange(ch)
		if !ok {
			continue
		}
		d.At, d.Seq = time.Unix(0, r.GetAt()).UTC(), seq
		if u != nil {
			u.addTo(&d.Entry, s.query.Text)
		} else if s.query.Text {
			d.Text = textOf(ch, seq, r)
		}
		c.drafts = append(c.drafts, d)
	}
}

// textOf returns the text of the envelope that a change accepts or delivers, if the envelope is in the same record.
func textOf(ch *journal.Change, seq uint64, r *journal.Record) string {
	p := ch.GetAccepted().GetPosition()
	if d := ch.GetQueued().GetDelivery(); d.GetKind() == state.KindSend && !d.GetFollows() {
		p = d.GetItem().GetPosition()
	}
	if p.GetSeq() != seq || int(p.GetIndex()) >= len(r.GetEnvelopes()) {
		return ""
	}
	e, err := protocol.DecodeEnvelope(r.GetEnvelopes()[p.GetIndex()].GetEnvelope())
	if err != nil {
		return ""
	}
	return shownText(e)
}

// shownText returns the text of an envelope, or the original bytes if its kind is unparsed.
func shownText(e *envelope.Envelope) string {
	if e.Kind == envelope.KindUnparsed {
		return strings.ToValidUTF8(string(e.Raw), "\uFFFD")
	}
	return e.Text()
}

// endMatching ends the first pass, which started at seq. If a conversation's own id was searched, the first pass has
// collected all its records from seq on. Live conversations are found even if the log has none of their records left.
func (s *search) endMatching(seq uint64) {
	s.secondPass = true
	for _, id := range s.query.IDs {
		for _, conv := range s.live[id] {
			s.addConversation(conv, seq)
		}
	}
	for conv, c := range s.found {
		if _, searched := s.ids[conv]; searched {
			c.since = min(c.since, seq)
		}
	}
}

// incomplete returns the conversations whose first record is not collected. All their missing records are before the
// sequence end.
func (s *search) incomplete() (ids []string, end uint64) {
	for conv, c := range s.found {
		if conv != "" && !c.opened {
			ids, end = append(ids, conv), max(end, c.since)
		}
	}
	return ids, end
}

// markCollected notes that the second pass has collected all incomplete conversations from seq on.
func (s *search) markCollected(seq uint64) {
	for _, c := range s.found {
		if !c.opened {
			c.since = min(c.since, seq)
		}
	}
}

// conversations returns the found conversations in the order of the log.
func (s *search) conversations() []*Conversation {
	var out []*Conversation
	for _, conv := range s.order {
		c := s.found[conv]
		if conv == "" && len(c.drafts) == 0 {
			continue
		}
		slices.SortStableFunc(c.drafts, func(a, b draft) int { return cmp.Compare(a.Seq, b.Seq) })
		found := &Conversation{ID: conv, Entries: make([]Entry, 0, len(c.drafts))}
		for _, d := range c.drafts {
			if d.position == (state.Position{}) {
				d.position = s.deliveries[d.Delivery].position
			}
			d.Channel = cmp.Or(d.Channel, s.deliveries[d.Delivery].channel)
			d.Envelope = s.envelopes[d.position]
			found.Entries = append(found.Entries, d.Entry)
		}
		markSearched(found.Entries, s.query.IDs)
		out = append(out, found)
	}
	return out
}

// markSearched marks the steps of the messages and deliveries with the given ids.
func markSearched(entries []Entry, ids []string) {
	searched := map[string]bool{} // ids of envelopes
	for i := range entries {
		e := &entries[i]
		ofMessage := e.Step != stepThread // for stepThread, VendorID is the thread
		if e.Envelope != "" && (slices.Contains(ids, e.Envelope) || ofMessage && slices.Contains(ids, e.VendorID)) {
			searched[e.Envelope] = true
		}
	}
	for i := range entries {
		e := &entries[i]
		e.Searched = e.Envelope != "" && searched[e.Envelope] || e.Delivery != "" && slices.Contains(ids, e.Delivery)
	}
}
