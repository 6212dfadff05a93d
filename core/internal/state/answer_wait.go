package state

import (
	"slices"
	"time"
)

// A lane can wait for an answer of the owner before the customer's next message: the change Ended of the message says
// so. The wait ends with an answer, the change AnswerWaitEnded, a move of control, or the end of the conversation.

// AwaitsAnswer reports whether a delivery waits for an answer of the owner to an earlier message.
func (c *Conversation) AwaitsAnswer(d *Delivery) bool {
	return !c.AwaitedSince.IsZero() && d.Follows && d.Channel == c.Owner
}

// AnswerWaited returns how long a delivery has waited for answers of the owner.
func (c *Conversation) AnswerWaited(d *Delivery, now time.Time) time.Duration {
	if !c.AwaitsAnswer(d) {
		return d.AnswerWait
	}
	since := c.AwaitedSince
	if d.QueuedAt.After(since) {
		since = d.QueuedAt
	}
	return d.AnswerWait + max(0, now.Sub(since))
}

// received notes that the owner has received the customer's messages of a delivery, which has left its lane. The pieces
// of a message are one.
func (c *Conversation) received(d *Delivery, awaitsAnswer bool, at time.Time) {
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

// answered notes a message of the owner to the customer. If the lane does not wait for it, it may answer the message at
// the head, whose outcome is not known.
func (c *Conversation) answered(at time.Time) {
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
		queue[i].AnswerWait = c.AnswerWaited(&queue[i], at)
	}
	c.AwaitedSince = time.Time{}
}

// IsLastOf reports whether no other delivery to the owner carries a part of the message of a delivery.
func (c *Conversation) IsLastOf(d *Delivery) bool {
	lane := c.Lane(d.Channel)
	return lane == nil || !slices.ContainsFunc(lane.Queue, func(o Delivery) bool {
		return o.ID != d.ID && o.Follows && o.Item.Pos == d.Item.Pos
	})
}
