package conversation

import (
	"time"

	"patchbay/core/internal/journal"
	"patchbay/core/internal/state"
)

// NextDeadline returns the next time at which ApplyDeadlines changes the conversation, or at which the head of a lane
// may be delivered. It returns the zero time if there is none.
func NextDeadline(c *state.Conversation, p *Policy) time.Time {
	var next time.Time
	add := func(at time.Time) {
		if !at.IsZero() && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	if c.Departure != nil {
		add(c.Departure.Deadline)
	}
	for i := range c.Lanes {
		head := &c.Lanes[i].Queue[0]
		if c.AwaitsAnswer(head) {
			add(AnswerDeadline(c))
			continue
		}
		switch at := p.ReleaseAt(head, head.QueuedAt); {
		case p.Channels[head.Channel] == nil:
			add(p.ReturnDeadline(c, head))
		case at.After(head.QueuedAt):
			add(at)
		}
	}
	if c.Closing != "" && len(c.Lanes) == 0 {
		add(c.ClosedAt.Add(closedRetention))
	}
	return next
}

// ApplyDeadlines acts on one deadline of a conversation that has passed: the departure of the owner takes effect, a
// closed conversation is removed, or a lane no longer waits for an answer. It also adapts the conversation to the
// configured channels. If another deadline has passed too, NextDeadline is not in the future.
func (tx *Transaction) ApplyDeadlines(id string) {
	defer tx.beginInput()()
	c := tx.layer.Conversation(id)
	if c == nil || !tx.adapt(id) {
		return
	}
	c = tx.layer.Conversation(id)
	passed := func(at time.Time) bool { return !at.After(tx.at) }
	switch {
	case c.Departure != nil && passed(c.Departure.Deadline):
		tx.depart(tx.layer.Mutable(id))
	case c.Closing != "":
		if len(c.Lanes) == 0 && passed(c.ClosedAt.Add(closedRetention)) {
			tx.add(c.ID, &journal.Change_Closed{Closed: &journal.Closed{Reason: state.ReasonArchived}})
		}
	default:
		tx.endAnswerWait(tx.layer.Mutable(id))
	}
}
