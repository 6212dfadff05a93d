package trail

import (
	"bytes"
	"context"

	"patchbay/core/internal/conversation"
	"patchbay/core/internal/journal"
	"patchbay/core/internal/recorded"
	"patchbay/core/internal/state"
)

// DecisionQuery selects recorded runs of the rules.
type DecisionQuery struct {
	ID   string // of a message or a conversation; "" selects the last ones
	Last int
}

// Decisions calls yield with the selected runs of the rules, oldest first. It reads the whole log twice: first to
// select the conversations, then to fold their records. It skips the runs in conversations that were opened before the
// oldest record. Omitted is their number, or 0 for a query with an ID. Policy is the policy of the running
// configuration.
func (t *Trail) Decisions(
	ctx context.Context, policy *conversation.Policy, q DecisionQuery, yield func(*recorded.Decision) error,
) (omitted int, err error) {
	s := &decisionSelector{query: q, conversations: map[string]bool{}}
	if err := t.scan(ctx, 0, 0, s.visit); err != nil {
		return 0, err
	}
	s.finish()
	if len(s.conversations) == 0 {
		return 0, nil
	}
	selected := 0
	replay := recorded.DecisionReader{
		Policy: policy, Wanted: func(id string) bool { return s.conversations[id] },
		Stored: func(p state.Position) *journal.StoredEnvelope { return t.storedEnvelope(ctx, p) },
	}
	err = t.scan(ctx, 0, 0, func(seq uint64, data []byte) error {
		r, err := decodeRecord(data)
		if err != nil {
			return err
		}
		var failed error
		messages := map[string]string{}
		replay.Record(seq, r, func(d *recorded.Decision) {
			if d.Message != "" {
				messages[d.Conversation] = d.Message
			}
			if failed == nil && s.selects(d, messages[d.Conversation]) {
				selected++
				failed = yield(d)
			}
		})
		return failed
	})
	return max(s.total-selected, 0), err
}

// decisionSelector selects conversations in the first pass and runs of the rules in the second one.
type decisionSelector struct {
	query         DecisionQuery
	conversations map[string]bool
	last          []decisionPlace // a ring of the last runs
	next          int             // of the ring
	from          uint64          // sequence of the first of the last runs
	position      state.Position  // of the searched message
	total         int             // number of selected runs, if known
}

type decisionPlace struct {
	seq          uint64
	conversation string
}

func (s *decisionSelector) visit(seq uint64, data []byte) error {
	if s.query.ID != "" && s.position == (state.Position{}) && !bytes.Contains(data, []byte(s.query.ID)) {
		return nil
	}
	r, err := decodeRecord(data)
	if err != nil {
		return err
	}
	for i, e := range r.GetEnvelopes() {
		if s.query.ID != "" && e.GetId() == s.query.ID {
			s.position = state.Position{Seq: seq, Index: uint32(i)}
		}
	}
	for _, ch := range r.GetChanges() {
		id := ch.GetConversation()
		switch {
		case id == "":
		case s.query.ID == "":
			if ch.GetRouted().GetChannel() != "" {
				s.push(decisionPlace{seq, id})
			}
		case id == s.query.ID,
			s.position.Seq != 0 && ch.GetAccepted() != nil && positionOf(ch.GetAccepted().GetPosition()) == s.position:
			s.conversations[id] = true
		}
	}
	return nil
}

func (s *decisionSelector) push(p decisionPlace) {
	if len(s.last) < s.query.Last {
		s.last = append(s.last, p)
		return
	}
	if len(s.last) > 0 {
		s.last[s.next] = p
		s.next = (s.next + 1) % len(s.last)
	}
}

// finish ends the first pass.
func (s *decisionSelector) finish() {
	s.total = len(s.last)
	for _, p := range s.last {
		s.conversations[p.conversation] = true
		if s.from == 0 || p.seq < s.from {
			s.from = p.seq
		}
	}
}

// selects reports whether a run is selected. Message is the last message of the conversation in the same record, which
// may have caused the run.
func (s *decisionSelector) selects(d *recorded.Decision, message string) bool {
	if s.query.ID == "" {
		return d.Seq >= s.from
	}
	return d.Conversation == s.query.ID || message == s.query.ID
}

func decodeRecord(data []byte) (*journal.Record, error) {
	r := &journal.Record{}
	return r, r.UnmarshalVT(data)
}

// storedEnvelope returns an envelope of the log, or nil if it cannot be read.
func (t *Trail) storedEnvelope(ctx context.Context, p state.Position) *journal.StoredEnvelope {
	data, err := t.log.Get(ctx, p.Seq)
	if err != nil {
		return nil
	}
	r, err := decodeRecord(data)
	if err != nil || int(p.Index) >= len(r.GetEnvelopes()) {
		return nil
	}
	return r.GetEnvelopes()[p.Index]
}
