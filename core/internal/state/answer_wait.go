package state

import (
	"slices"
	"time"
)

// After a customer's message, the owner's lane can wait for an answer before it continues. The change Ended of the
// message starts this wait. The wait ends with an answer, the change AnswerWaitEnded, a move of control, or the close
// of the conversation.

// AwaitsAnswer reports whether a delivery waits for an answer of the owner to an earlier message.
func (c *Conversation) AwaitsAnswer(d *Delivery) bool {
	return !c.AwaitedSince.IsZero() && d.Follows && d.Channel == c.Owner
}

// AnswerWaitTime returns how long a delivery has waited for answers of the owner.
func (c *Conversation) AnswerWaitTime(d *Delivery, now time.Time) time.Duration {
	if !c.AwaitsAnswer(d) {
		return d.AnswerWait
	}
	since := c.AwaitedSince
	if d.QueuedAt.After(since) {
		since = d.QueuedAt
	}
	return d.AnswerWait + max(0, now.Sub(since))
}

// noteReceived notes that the owner has received the customer's messages of a delivery, which has left its lane. A
// message in several pieces counts when its last piece has left the lane.
func (c *Conversation) noteReceived(d *Delivery, awaitsAnswer bool, at time.Time) {
	if !d.Follows || d.Channel != c.Owner || d.Answered || c.Closing != "" || c.isQueued(d.Item.Pos) {
		return
	}
	for _, it := range d.Items() {
		c.Received = appendBounded(c.Received, it, MaxHistory)
	}
	if awaitsAnswer {
		c.endAnswerWait(at)
		c.AwaitedSince = at
	}
}

// noteAnswer notes a message of the owner to the customer. If the lane does not wait for an answer, this message may
// answer the one at the head of the lane, whose call can be in flight.
func (c *Conversation) noteAnswer(at time.Time) {
	c.Received = nil
	if lane := c.Lane(c.Owner); c.AwaitedSince.IsZero() && lane != nil && lane.Queue[0].Follows {
		lane.own()[0].Answered = true
	}
	c.endAnswerWait(at)
}

func (c *Conversation) endAnswerWait(at time.Time) {
	if c.AwaitedSince.IsZero() {
		return
	}
	queue := c.Lane(c.Owner).own()
	for i := range queue {
		queue[i].AnswerWait = c.AnswerWaitTime(&queue[i], at)
	}
	c.AwaitedSince = time.Time{}
}

// IsLastPiece reports whether no other queued delivery to the same channel carries a piece of the delivery's message.
func (c *Conversation) IsLastPiece(d *Delivery) bool {
	lane := c.Lane(d.Channel)
	return lane == nil || !slices.ContainsFunc(lane.Queue, func(o Delivery) bool {
		return o.ID != d.ID && o.Follows && o.Item.Pos == d.Item.Pos
	})
}
