package conversation

import (
	"slices"
	"time"

	"patchbay/core/internal/journal"
	"patchbay/core/internal/route"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
)

// One clock runs in each conversation. While a customer's message has no answer, it is the clock of the event
// unanswered, otherwise the clock of the event idle. A timer is a value of `after` in the rules for this event.
// Deadlines are computed from the state and the rules in force, so they survive restarts. The state keeps only the
// largest `after` whose rules were run.

// MaxOverdueWait limits the time that an overdue timer waits from Policy.TimersFrom on, and a pending offer from
// Policy.StartedAt on.
const MaxOverdueWait = time.Minute

// timerDeadline is the time at which the next timer of the running clock, close_after or the pending offer is due.
type timerDeadline struct {
	at      time.Time // zero if there is none
	after   time.Duration
	event   route.Event // "" for close_after, EventOfferFailed for the pending offer
	overdue bool        // it waits again, at most MaxOverdueWait
}

// NextTimer returns the time of the next ApplyTimer, or the zero time. If overdue is set, the timer waits again after a
// start or a change of the policy.
func NextTimer(c *state.Conversation, p *Policy) (at time.Time, overdue bool) {
	t := nextTimer(c, p)
	return t.at, t.overdue
}

// nextTimer returns the timer that is due first. A timer that was due at Policy.TimersFrom waits again, and so does an
// offer that was pending at Policy.StartedAt. Messages that vendors could not deliver until then arrive first.
func nextTimer(c *state.Conversation, p *Policy) (t timerDeadline) {
	add := func(at time.Time, after time.Duration, event route.Event) {
		overdue := !at.After(p.TimersFrom)
		if overdue {
			at = p.TimersFrom.Add(min(after, MaxOverdueWait))
		}
		if t.at.IsZero() || at.Before(t.at) {
			t = timerDeadline{at, after, event, overdue}
		}
	}
	if o := c.Offer; o != nil {
		at := latest(o.Deadline, p.StartedAt.Add(min(o.Within, MaxOverdueWait)))
		t = timerDeadline{at, o.Within, route.EventOfferFailed, at.After(o.Deadline)}
	}
	if c.Closing != "" || c.Departure != nil {
		return t
	}
	if c.Offer == nil || !c.Offer.Hold {
		event, channel, since := clock(c)
		if event == route.EventUnanswered {
			since = p.answerableFrom(c, since)
		}
		if after := p.Routes.NextAfter(event, channel, c.TimerDone); after > 0 {
			add(since.Add(after), after, event)
		}
	}
	if p.CloseAfter > 0 && c.Offer == nil && !hasDeliveries(c, p) {
		add(latest(c.LastActive, c.OwnerSince, c.ReachedOwner).Add(p.CloseAfter), p.CloseAfter, "")
	}
	return t
}

// clock returns the event of the running clock, the subject channel of this event, and the start of the clock.
func clock(c *state.Conversation) (event route.Event, channel string, since time.Time) {
	if c.UnansweredSince.IsZero() {
		return route.EventIdle, c.Channel, latest(c.LastActive, c.OwnerSince)
	}
	return route.EventUnanswered, c.Owner, latest(c.UnansweredSince, c.OwnerSince, c.OfferEnded)
}

func latest(times ...time.Time) time.Time {
	var out time.Time
	for _, t := range times {
		if t.After(out) {
			out = t
		}
	}
	return out
}

// hasDeliveries reports whether a delivery is queued. Deliveries to observers do not count.
func hasDeliveries(c *state.Conversation, p *Policy) bool {
	return slices.ContainsFunc(c.Lanes, func(l state.Lane) bool {
		if ch := p.Channels[l.Channel]; ch != nil {
			return ch.Role != envelope.RoleObserver
		}
		return slices.ContainsFunc(l.Queue, func(d state.Delivery) bool { return !d.Copy })
	})
}

// ApplyTimer acts on the next timer of a conversation, if it is due. The rules with this `after` are run, the
// conversation is closed, or the pending offer expires.
func (tx *Transaction) ApplyTimer(id string) {
	defer tx.beginInput()()
	c := tx.layer.Conversation(id)
	if c == nil || !tx.adapt(id) {
		return
	}
	c = tx.layer.Mutable(id)
	t := nextTimer(c, tx.policy)
	if t.at.IsZero() || t.at.After(tx.at) {
		return
	}
	switch t.event {
	case "":
		tx.requestClose(c, state.ReasonCloseAfter)
		return
	case route.EventOfferFailed:
		tx.failOffer(c, state.OfferExpired, "")
		return
	}
	_, channel, _ := clock(c)
	tx.add(c.ID, &journal.Change_TimerDone{TimerDone: &journal.TimerDone{Event: string(t.event), After: int64(t.after)}})
	ev := &event{channel: channel, after: t.after}
	if ch := tx.policy.Channels[channel]; ch != nil {
		ev.role = ch.Role
	}
	tx.runEvent(c, t.event, ev)
}
