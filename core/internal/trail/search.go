package trail

import (
	"context"

	"patchbay/core/internal/state"
)

// MaxIDs is the maximum number of ids in one search.
const MaxIDs = 500

// Query describes a search.
type Query struct {
	// IDs are ids of the gateway (of an envelope, a delivery or a conversation) or of a vendor (of a message, a thread
	// or a customer), or customer ids of 32 characters.
	IDs []string
	// Text includes the message texts.
	Text bool
	// All includes the earlier conversations of a thread or customer with a live conversation. It needs a scan of the
	// whole log, and has no effect on ids that the gateway made.
	All bool
}

// Find returns the conversations that the ids belong to, newest last.
func (t *Trail) Find(ctx context.Context, q Query) ([]*Conversation, error) {
	from, live, err := t.searchStart(ctx, q)
	if err != nil {
		return nil, err
	}
	s := newSearch(q, live)
	if err := t.scan(ctx, from, 0, s.visit); err != nil {
		return nil, err
	}
	if from > t.log.Bounds().First && !s.foundAll() { // a vendor's id can have the form of the gateway's ids
		from, s = 0, newSearch(q, live)
		if err := t.scan(ctx, from, 0, s.visit); err != nil {
			return nil, err
		}
	}
	s.endMatching(from)
	if err := t.collectBeginnings(ctx, s); err != nil {
		return nil, err
	}
	out := s.conversations()
	return out, t.addState(ctx, out)
}

// searchStart returns the sequence from which to search, and the ids of the conversations in the state, by searched
// id.
func (t *Trail) searchStart(ctx context.Context, q Query) (from uint64, live map[string][]string, err error) {
	if err := t.state.View(ctx, func(s *state.State) { live = s.Lookup(q.IDs) }); err != nil {
		return 0, nil, err
	}
	var dated []string
	for _, id := range q.IDs {
		switch _, ok := timeOf(id); {
		case ok:
			dated = append(append(dated, id), live[id]...)
		case q.All || len(live[id]) == 0:
			return 0, live, nil
		default:
			dated = append(dated, live[id]...)
		}
	}
	oldest, ok := earliest(dated)
	if !ok {
		return 0, live, nil
	}
	from, err = t.sequenceAt(ctx, oldest)
	return from, live, err
}

// collectBeginnings collects the records of the found conversations that precede the first match. It starts at the time
// in the conversations' ids. If it does not find a beginning there, for example because the clock was set back, it
// scans from the start of the log.
func (t *Trail) collectBeginnings(ctx context.Context, s *search) error {
	ids, _ := s.incomplete()
	if len(ids) == 0 {
		return nil
	}
	first := t.log.Bounds().First
	from := first
	if oldest, ok := earliest(ids); ok {
		var err error
		if from, err = t.sequenceAt(ctx, oldest); err != nil {
			return err
		}
	}
	for _, from := range []uint64{from, first} {
		ids, end := s.incomplete()
		if len(ids) == 0 || end <= from {
			continue
		}
		if err := t.scan(ctx, from, end, s.visit); err != nil {
			return err
		}
		s.markCollected(from)
	}
	return nil
}

// addState adds the current state and the pending deliveries.
func (t *Trail) addState(ctx context.Context, found []*Conversation) error {
	if len(found) == 0 {
		return nil
	}
	return t.state.View(ctx, func(s *state.State) {
		for _, out := range found {
			if c := s.Conversation(out.ID); c != nil {
				out.describe(s, c, "")
			}
		}
	})
}
