package trail

import (
	"cmp"
	"slices"
)

// ranFrom ends the run that finds conversations; what is seen from now on was earlier. Conversations whose own ids were
// looked for have been seen since the run's start.
func (s *search) ranFrom(seq uint64) {
	s.earlier = true
	for _, id := range s.query.IDs {
		for _, conv := range s.live[id] { // the log may have nothing left of it
			s.find(conv, seq)
		}
	}
	for conv, g := range s.found {
		if _, wanted := s.wanted[conv]; wanted {
			g.since = min(g.since, seq)
		}
	}
}

// unopened returns the conversations whose beginnings have not been seen, and the sequence before which to look for them.
func (s *search) unopened() (ids []string, upto uint64) {
	for conv, g := range s.found {
		if conv != "" && !g.opened {
			ids, upto = append(ids, conv), max(upto, g.since)
		}
	}
	return ids, upto
}

// sawFrom notes that records from seq on have been seen for all that is unopened.
func (s *search) sawFrom(seq uint64) {
	for _, g := range s.found {
		if !g.opened {
			g.since = min(g.since, seq)
		}
	}
}

// conversations returns what was gathered, in the order of the log.
func (s *search) conversations() []*Conversation {
	var out []*Conversation
	for _, conv := range s.order {
		g := s.found[conv]
		if conv == "" && len(g.steps) == 0 {
			continue
		}
		slices.SortStableFunc(g.steps, func(a, b step) int { return cmp.Compare(a.Seq, b.Seq) })
		c := &Conversation{ID: conv, Entries: make([]Entry, 0, len(g.steps))}
		for _, st := range g.steps {
			st.Envelope = s.index[st.envelope]
			c.Entries = append(c.Entries, st.Entry)
		}
		out = append(out, c)
	}
	return out
}
