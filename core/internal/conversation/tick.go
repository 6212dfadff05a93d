package conversation

import (
	"time"

	"patchbay/core/internal/journal"
)

// Next returns when the conversation next needs a Tick, or the zero time.
func (c *Conversation) Next(p *Policy) time.Time {
	var next time.Time
	sooner := func(at time.Time) {
		if !at.IsZero() && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	if c.Offer != nil {
		sooner(c.Offer.Deadline)
	}
	for i := range c.Lanes {
		if q := c.Lanes[i].Queue; len(q) > 0 {
			sooner(q[0].NextAt)
		}
	}
	switch {
	case len(c.Lanes) > 0:
	case c.Closing != "":
		sooner(c.ClosedAt.Add(closedRetention))
	case p.CloseAfter > 0 && c.Offer == nil:
		sooner(c.LastActive.Add(p.CloseAfter))
	}
	return next
}

// Tick acts on deadlines that have passed. It does nothing if the state has moved on.
func (tx *Transaction) ApplyDeadlines(id string) {
	defer tx.enter()()
	c, ok := tx.convs.get(id)
	if !ok {
		return
	}
	if c.Closing != "" {
		if len(c.Lanes) == 0 && !c.ClosedAt.Add(closedRetention).After(tx.at) {
			tx.mutable(id)
			tx.add(id, &journal.Change_Closed{Closed: &journal.Closed{Reason: ReasonArchived}})
		}
		return
	}
	if c.Offer != nil && !c.Offer.Deadline.After(tx.at) {
		tx.offerFailed(tx.mutable(id), OfferExpired, "")
		return
	}
	if tx.policy.CloseAfter > 0 && c.Offer == nil && len(c.Lanes) == 0 && !c.LastActive.Add(tx.policy.CloseAfter).After(tx.at) {
		tx.mutable(id)
		tx.add(id, &journal.Change_Closed{Closed: &journal.Closed{Reason: "idle"}})
	}
}
