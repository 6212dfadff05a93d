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
		sooner(c.ClosedAt.Add(closedFor))
	case p.CloseAfter > 0 && c.Offer == nil:
		sooner(c.Last.Add(p.CloseAfter))
	}
	return next
}

// Tick acts on deadlines that have passed. It does nothing if the state has moved on.
func (t *Turn) Tick(id string) {
	defer t.enter()()
	c, ok := t.convs.get(id)
	if !ok {
		return
	}
	if c.Closing != "" {
		if len(c.Lanes) == 0 && !c.ClosedAt.Add(closedFor).After(t.at) {
			t.mutable(id)
			t.add(id, &journal.Change_Closed{Closed: &journal.Closed{Reason: ReasonArchived}})
		}
		return
	}
	if c.Offer != nil && !c.Offer.Deadline.After(t.at) {
		t.offerFailed(t.mutable(id), OfferExpired, "")
		return
	}
	if t.policy.CloseAfter > 0 && c.Offer == nil && len(c.Lanes) == 0 && !c.Last.Add(t.policy.CloseAfter).After(t.at) {
		t.mutable(id)
		t.add(id, &journal.Change_Closed{Closed: &journal.Closed{Reason: "idle"}})
	}
}
