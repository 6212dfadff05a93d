package trail

import (
	"bytes"
	"slices"

	"patchbay/core/internal/journal"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
)

const (
	// maxConversations is the maximum number of conversations per id. The newest are kept.
	maxConversations = 20
	// maxPatterns is the maximum number of ids for which records are searched before they are decoded. With more ids,
	// decoding each record is faster.
	maxPatterns = 16
)

// search reads the records of a log in order and collects the entries of matching conversations.
//
// The first pass matches conversations, and collects the entries of each from its first match on. The second pass
// collects the entries before the first match.
type search struct {
	query      Query
	live       map[string][]string // conversations in the state, by searched id
	ids        map[string]bool     // searched ids; true if found
	patterns   [][]byte            // the ids as bytes; a record without any is not decoded; nil decodes each record
	customerID bool                // an id can be a short customer id, which records do not contain

	found      map[string]*collectedEntries // by conversation
	order      []string                     // keys of found, by first match
	dropped    map[string]bool              // conversations over maxConversations
	unassigned map[state.Position]*unassignedEnvelope
	pending    map[state.Position]bool // envelopes on pending threads
	envelopes  map[state.Position]string
	deliveries map[string]queuedDelivery // by id
	secondPass bool
}

func newSearch(q Query, live map[string][]string) *search {
	s := &search{
		query: q, live: live, ids: map[string]bool{}, patterns: [][]byte{}, found: map[string]*collectedEntries{},
		dropped: map[string]bool{}, unassigned: map[state.Position]*unassignedEnvelope{},
		pending: map[state.Position]bool{}, envelopes: map[state.Position]string{},
		deliveries: map[string]queuedDelivery{},
	}
	for _, id := range q.IDs {
		s.addID(id)
		s.customerID = s.customerID || state.IsCustomerID(id)
		for _, conv := range live[id] {
			s.addID(conv)
		}
	}
	return s
}

func (s *search) addID(id string) {
	if _, ok := s.ids[id]; !ok && id != "" {
		s.ids[id] = false
		s.addPattern(id)
	}
}

func (s *search) addPattern(id string) {
	if s.patterns == nil || id == "" {
		return
	}
	s.patterns = append(s.patterns, []byte(id))
	if len(s.patterns) > maxPatterns {
		s.patterns = nil
	}
}

// matches reports whether one of ids is searched, and marks it as found.
func (s *search) matches(ids ...string) bool {
	found := false
	for _, id := range ids {
		if _, ok := s.ids[id]; ok {
			s.ids[id], found = true, true
		}
	}
	return found
}

// foundAll reports whether each id was found or belongs to a conversation in the state.
func (s *search) foundAll() bool {
	return !slices.ContainsFunc(s.query.IDs, func(id string) bool { return !s.ids[id] && len(s.live[id]) == 0 })
}

// visit matches and collects a record.
func (s *search) visit(seq uint64, data []byte) error {
	if !s.mayMatch(data) {
		return nil
	}
	r := &journal.Record{}
	if err := r.UnmarshalVT(data); err != nil {
		return err
	}
	if !s.secondPass {
		s.match(seq, r)
	}
	s.collect(seq, r)
	return nil
}

// mayMatch reports whether an encoded record must be decoded. Usually this is a record that contains a searched id.
// The change that ends a pending envelope contains no id, and the change that opens a conversation contains no
// customer id. So the first pass also decodes records that can contain such a change.
func (s *search) mayMatch(data []byte) bool {
	if s.patterns == nil || !s.secondPass && (len(s.pending) > 0 || s.customerID && opensConversation(data)) {
		return true
	}
	return slices.ContainsFunc(s.patterns, func(id []byte) bool { return bytes.Contains(data, id) })
}

// match finds the conversations that a record connects with a searched id.
func (s *search) match(seq uint64, r *journal.Record) {
	for _, st := range r.GetEnvelopes() {
		if conv := st.GetConversation(); conv != "" && s.matches(st.GetId()) {
			s.addConversation(conv, seq)
		}
	}
	for _, ch := range r.GetChanges() {
		conv := ch.GetConversation()
		if conv == "" {
			continue
		}
		matched := s.matches(append(idsOf(ch), conv)...)
		if o := ch.GetOpened(); o != nil && s.customerID {
			matched = s.matches(envelope.ShortID(o.GetChannel(), o.GetThread())) || matched
		}
		if matched {
			s.addConversation(conv, seq)
		}
	}
	s.matchUnassigned(seq, r)
}

// addConversation starts to collect a conversation. If there are too many, it drops the oldest.
func (s *search) addConversation(conv string, seq uint64) {
	if s.found[conv] != nil || s.dropped[conv] {
		return
	}
	s.found[conv] = &collectedEntries{since: seq}
	s.order = append(s.order, conv)
	s.addPattern(conv)
	if len(s.order) > maxConversations*len(s.query.IDs) {
		delete(s.found, s.order[0])
		s.dropped[s.order[0]] = true
		s.order = s.order[1:]
	}
}
