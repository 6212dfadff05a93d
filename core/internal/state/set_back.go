package state

import (
	"maps"
	"slices"
	"time"
)

// setBack adapts all times to a clock that was set back while the gateway was stopped. Behind is the time between the
// clock and the time of the newest record. Times of past events are limited to the time of the layer. Deadlines are
// moved back, so that the time until each deadline is the same as at the newest record.
func (l *Layer) setBack(behind time.Duration) {
	l.idsSetBack = true
	l.setBackVanished()
	ids := slices.Collect(maps.Keys(l.convs.set))
	l.state.All(func(c *Conversation) bool {
		if l.Changed(c.ID) == nil && !l.convs.deleted[c.ID] {
			ids = append(ids, c.ID)
		}
		return true
	})
	for _, id := range ids {
		l.Mutable(id).setBack(l.at, behind)
	}
	var pauses []Pause
	l.pauses.each(func(_ string, p *Pause) { pauses = append(pauses, *p) })
	for i := range pauses {
		p := &pauses[i]
		p.Since, p.Ended = earlier(p.Since, l.at), earlier(p.Ended, l.at)
		l.pauses.put(p.Channel, p)
	}
	var pending []PendingEnvelope
	l.EachPending(func(p *PendingEnvelope) { pending = append(pending, *p) })
	for i := range pending {
		p := &pending[i]
		p.Deadline = p.Deadline.Add(-behind)
		l.pending.put(p.Pos, p)
	}
	var dead []DeadLetter
	l.EachDeadLetter(func(d *DeadLetter) { dead = append(dead, *d) })
	for i := range dead {
		d := &dead[i]
		d.At, d.Delivery.QueuedAt = earlier(d.At, l.at), earlier(d.Delivery.QueuedAt, l.at)
		l.deadLetters.put(d.Delivery.ID, d)
	}
}

func (c *Conversation) setBack(now time.Time, behind time.Duration) {
	for _, t := range []*time.Time{
		&c.Created, &c.LastActive, &c.OwnerSince, &c.OfferEnded, &c.ClosedAt, &c.UnansweredSince,
		&c.AwaitedSince, &c.ReachedOwner,
	} {
		*t = earlier(*t, now)
	}
	for i, t := range c.HandoverTimes {
		c.HandoverTimes[i] = earlier(t, now)
	}
	for channel := range c.Threads { // so that later envelopes are newer than these times
		th := c.ownThread(channel)
		for _, at := range []*int64{&th.LastSent, &th.EndedSent, &th.StartedAt, &th.TriedAt, &th.FirstSent} {
			*at = min(*at, now.UnixNano())
		}
	}
	if c.Offer != nil {
		c.Offer.Deadline = c.Offer.Deadline.Add(-behind)
	}
	if c.Departure != nil {
		d := *c.Departure
		d.Deadline, d.SentAt = d.Deadline.Add(-behind), min(d.SentAt, now.UnixNano())
		c.Departure = &d
	}
	for i := range c.Lanes {
		queue := c.Lanes[i].own()
		for j := range queue {
			d := &queue[j]
			d.QueuedAt = earlier(d.QueuedAt, now)
			if !d.NextAt.IsZero() {
				d.NextAt = d.NextAt.Add(-behind)
			}
		}
	}
}

func earlier(t, u time.Time) time.Time {
	if u.Before(t) {
		return u
	}
	return t
}
