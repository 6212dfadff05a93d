package conversation

import (
	"time"

	"patchbay/core/internal/hours"
	"patchbay/core/internal/state"
)

// Outside the hours of a channel, an offer to it fails. An open without an offer waits for the hours instead. The
// customer's messages behind this open wait too, as offline messages. While they wait, neither give_up nor the clock
// of unanswered runs.

// ReleaseAt returns the first time, not before at, at which the head of a lane may be delivered.
func (p *Policy) ReleaseAt(d *state.Delivery, at time.Time) time.Time {
	if d.NextAt.After(at) {
		at = d.NextAt
	}
	if h := p.hoursOf(d); h != nil {
		return h.Next(at)
	}
	return at
}

// MayRelease reports whether the head of a lane may be delivered now.
func (p *Policy) MayRelease(c *state.Conversation, d *state.Delivery, now time.Time) bool {
	return c.Blocked[d.Channel] == "" && !c.AwaitsAnswer(d) && !p.ReleaseAt(d, now).After(now) && p.IsConfigured(d.Channel)
}

// hoursOf returns the hours that a delivery waits for, nil if it waits for none.
func (p *Policy) hoursOf(d *state.Delivery) *hours.Hours {
	if ch := p.Channels[d.Channel]; ch != nil && d.Kind == state.KindOpen && !d.Offer {
		return ch.Hours
	}
	return nil
}

// WaitTime returns how long a delivery that is released now has waited for the hours of its channel and for answers of
// the owner.
func (p *Policy) WaitTime(c *state.Conversation, d *state.Delivery, now time.Time) time.Duration {
	if h := p.hoursOf(d); h != nil {
		return h.Closed(d.QueuedAt, now)
	}
	return max(0, p.hoursWaitEnd(c, d.Channel).Sub(d.QueuedAt)) + c.AnswerWaitTime(d, now)
}

// answerableFrom returns the time from which the owner can answer a message that arrived at the given time. If the
// open of the owner's thread waits or has waited for hours, this is not before the end of that wait.
func (p *Policy) answerableFrom(c *state.Conversation, since time.Time) time.Time {
	if at := p.hoursWaitEnd(c, c.Owner); at.After(since) {
		return at
	}
	return since
}

// hoursWaitEnd returns the end of the latest wait for a channel's hours, or the zero time without a wait. It considers
// the open at the head of the lane or, if there is none, the open of the present session. An open can wait before each
// attempt.
func (p *Policy) hoursWaitEnd(c *state.Conversation, channel string) time.Time {
	ch := p.Channels[channel]
	if ch == nil || ch.Hours == nil || !ch.Opens {
		return time.Time{}
	}
	var requested, tried time.Time
	if th := c.Threads[channel]; th != nil && th.StartedAt != 0 {
		requested, tried = time.Unix(0, th.StartedAt), time.Unix(0, th.TriedAt)
	}
	if l := c.Lane(channel); l != nil && p.hoursOf(&l.Queue[0]) != nil {
		requested, tried = l.Queue[0].QueuedAt, l.Queue[0].NextAt
	}
	if requested.IsZero() {
		return time.Time{}
	}
	end := ch.Hours.Next(latest(requested, tried))
	if ch.Hours.Closed(requested, end) == 0 {
		return time.Time{}
	}
	return end
}
