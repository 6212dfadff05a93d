package conversation

import (
	"time"

	"patchbay/core/internal/hours"
	"patchbay/core/internal/state"
)

// Hours refuse offers. An open that is no offer waits for the hours of its channel instead, and so do the customer's
// messages behind it: they are an offline message. While they wait, neither give_up nor the clock of unanswered runs.

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
	return c.Blocked[d.Channel] == "" && !c.AwaitsAnswer(d) && !p.ReleaseAt(d, now).After(now) && p.Accepts(d.Channel)
}

// hoursOf returns the hours that a delivery waits for, nil if it waits for none.
func (p *Policy) hoursOf(d *state.Delivery) *hours.Hours {
	if ch := p.Channels[d.Channel]; ch != nil && d.Kind == state.KindOpen && !d.Offer {
		return ch.Hours
	}
	return nil
}

// Waited returns how long a delivery that is released now has waited for the hours of its channel and for answers of the
// bot.
func (p *Policy) Waited(c *state.Conversation, d *state.Delivery, now time.Time) time.Duration {
	if h := p.hoursOf(d); h != nil {
		return h.Closed(d.QueuedAt, now)
	}
	return max(0, p.opened(c, d.Channel).Sub(d.QueuedAt)) + c.AnswerWaited(d, now)
}

// answerableFrom returns the time from which the owner can answer a message that is waiting since the given time: not
// before the hours for which the open of its thread waits or has waited.
func (p *Policy) answerableFrom(c *state.Conversation, since time.Time) time.Time {
	if at := p.opened(c, c.Owner); at.After(since) {
		return at
	}
	return since
}

// opened returns the end of the wait for a channel's hours, of the open that is queued or else has linked the thread. The
// open can wait before each attempt. opened returns the zero time if the open does not wait.
func (p *Policy) opened(c *state.Conversation, channel string) time.Time {
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
