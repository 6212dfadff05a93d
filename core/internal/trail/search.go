package trail

import (
	"bytes"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"patchbay/core/internal/conversation"
	"patchbay/core/internal/journal"
	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol"
)

// search is one search: what it looks for, and what it has come across. It sees records in the order of the log and
// gathers the steps of a conversation from the first record on that connects it with one of the ids; what was before
// that is seen in a second, shorter run.
type search struct {
	query   Query
	live    map[string][]string // live conversations by id
	wanted  map[string]bool     // false until it was found
	needles [][]byte            // ids whose bytes a record must have to be worth decoding; nil if all are
	short   bool                // one id may be a conversation.CustomerID, which no record has as it is

	found   map[string]*gathered
	order   []string // of the found, by first mention
	dropped map[string]bool
	lost    map[conversation.Position]*stray
	waiting map[conversation.Position]bool // strays whose wait has not ended
	index   map[conversation.Position]string
	earlier bool // what is seen now was before
}

// gathered are the steps of one conversation.
type gathered struct {
	steps  []step
	since  uint64 // from here on, every record was looked at for its steps
	opened bool   // its beginning was seen
}

// maxNeedles is how many ids a record is searched for byte by byte; decoding is cheaper than more.
const maxNeedles = 16

func newSearch(q Query, live map[string][]string) *search {
	s := &search{
		query: q, live: live, wanted: map[string]bool{}, needles: [][]byte{}, found: map[string]*gathered{}, dropped: map[string]bool{},
		lost: map[conversation.Position]*stray{}, waiting: map[conversation.Position]bool{},
		index: map[conversation.Position]string{},
	}
	for _, id := range q.IDs {
		s.want(id)
		s.short = s.short || conversation.IsCustomerID(id)
		for _, conv := range live[id] {
			s.want(conv)
		}
	}
	return s
}

func (s *search) want(id string) {
	if _, ok := s.wanted[id]; !ok && id != "" {
		s.wanted[id] = false
		s.need(id)
	}
}

func (s *search) need(id string) {
	if s.needles == nil || id == "" {
		return
	}
	s.needles = append(s.needles, []byte(id))
	if len(s.needles) > maxNeedles {
		s.needles = nil
	}
}

// hit reports whether one of ids is wanted.
func (s *search) hit(ids ...string) bool {
	any := false
	for _, id := range ids {
		if _, ok := s.wanted[id]; ok {
			s.wanted[id], any = true, true
		}
	}
	return any
}

// complete reports whether each id has come up, or is that of something live.
func (s *search) complete() bool {
	return !slices.ContainsFunc(s.query.IDs, func(id string) bool { return !s.wanted[id] && len(s.live[id]) == 0 })
}

// see takes in a record.
func (s *search) see(seq uint64, data []byte) error {
	if !s.relevant(data) {
		return nil
	}
	r := &journal.Record{}
	if err := proto.Unmarshal(data, r); err != nil {
		return err
	}
	if !s.earlier {
		s.match(seq, r)
	}
	s.collect(seq, r)
	return nil
}

// relevant reports whether a record may mention what is looked for. The end of a stray's wait has no id in it.
func (s *search) relevant(data []byte) bool {
	if s.needles == nil || !s.earlier && (len(s.waiting) > 0 || s.short && opens(data)) {
		return true
	}
	return slices.ContainsFunc(s.needles, func(id []byte) bool { return bytes.Contains(data, id) })
}

// match finds the conversations that a record connects with one of the ids.
func (s *search) match(seq uint64, r *journal.Record) {
	for _, st := range r.GetEnvelopes() {
		if conv := st.GetConversation(); conv != "" && s.hit(st.GetId()) {
			s.find(conv, seq)
		}
	}
	for _, ch := range r.GetChanges() {
		conv := ch.GetConversation()
		if conv == "" {
			continue
		}
		hit := s.hit(append(ids(ch), conv)...)
		if o := ch.GetOpened(); o != nil && s.short {
			hit = s.hit(envelope.ShortID(o.GetChannel(), o.GetThread())) || hit
		}
		if hit {
			s.find(conv, seq)
		}
	}
	s.strays(seq, r)
}

// find begins to gather a conversation. Of too many, the newest stay.
func (s *search) find(conv string, seq uint64) {
	if s.found[conv] != nil || s.dropped[conv] {
		return
	}
	s.found[conv] = &gathered{since: seq}
	s.order = append(s.order, conv)
	s.need(conv)
	if len(s.order) > maxConversations*len(s.query.IDs) {
		delete(s.found, s.order[0])
		s.dropped[s.order[0]] = true
		s.order = s.order[1:]
	}
}

// collect adds a record's steps to the conversations that were found.
func (s *search) collect(seq uint64, r *journal.Record) {
	for i, st := range r.GetEnvelopes() {
		p := conversation.Position{Seq: seq, Index: uint32(i)}
		if s.found[st.GetConversation()] != nil && st.GetConversation() != "" || s.lost[p] != nil {
			s.index[p] = st.GetId()
		}
	}
	for _, ch := range r.GetChanges() {
		g := s.found[ch.GetConversation()]
		p, _ := about(ch)
		lost := s.lost[p]
		if g == nil || s.earlier != (seq < g.since) || ch.GetConversation() == "" && lost == nil {
			continue
		}
		s.wait(ch, p, r)
		g.opened = g.opened || ch.GetOpened() != nil
		st, ok := describeChange(ch)
		if !ok {
			continue
		}
		st.At, st.Seq = time.Unix(0, r.GetAt()).UTC(), seq
		if lost != nil {
			lost.complement(&st.Entry, s.query.Text)
		} else if s.query.Text {
			st.Text = said(ch, seq, r)
		}
		g.steps = append(g.steps, st)
	}
}

// wait notes that a stray waits, or that its wait has ended. If it has come to belong to a conversation, its steps do.
func (s *search) wait(ch *journal.Change, p conversation.Position, r *journal.Record) {
	switch ch.GetKind().(type) {
	case *journal.Change_ThreadPending:
		s.waiting[p] = true
	case *journal.Change_PendingEnded:
		delete(s.waiting, p)
		for _, st := range r.GetEnvelopes() {
			if g := s.found[st.GetConversation()]; g != nil && st.GetConversation() != "" && st.GetId() == s.index[p] {
				s.move(p, g)
			}
		}
	}
}

func (s *search) move(p conversation.Position, to *gathered) {
	from := s.found[""]
	if from == nil {
		return
	}
	for _, st := range from.steps {
		if st.envelope == p {
			to.steps = append(to.steps, st)
		}
	}
	from.steps = slices.DeleteFunc(from.steps, func(st step) bool { return st.envelope == p })
}

// said returns the words of the envelope that a change takes in, "" if it takes in none of its own record.
func said(ch *journal.Change, seq uint64, r *journal.Record) string {
	p := ch.GetAccepted().GetPosition()
	if d := ch.GetQueued().GetDelivery(); d.GetKind() == conversation.KindSend && !d.GetFollows() {
		p = d.GetItem().GetPosition()
	}
	if p.GetSeq() != seq || int(p.GetIndex()) >= len(r.GetEnvelopes()) {
		return ""
	}
	e, err := protocol.DecodeEnvelope(r.GetEnvelopes()[p.GetIndex()].GetEnvelope())
	if err != nil {
		return ""
	}
	return e.Text()
}
