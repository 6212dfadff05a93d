package state

import (
	"slices"
	"time"

	"patchbay/core/internal/journal"
)

func (l *Layer) foldQueued(c *Conversation, q *journal.Queued) {
	d := toDelivery(q.GetDelivery(), l.at)
	lane := c.Lane(d.Channel)
	if lane == nil {
		c.Lanes = append(c.Lanes, Lane{Channel: d.Channel})
		lane = &c.Lanes[len(c.Lanes)-1]
	}
	at := len(lane.Queue)
	if before := slices.IndexFunc(lane.Queue, func(o Delivery) bool { return o.ID == q.GetBefore() }); before >= 0 {
		at = before
	}
	if rest := lane.Queue[at:]; len(rest) > 0 {
		lane.Queue = slices.Concat(lane.Queue[:at], []Delivery{d}, rest)
	} else {
		lane.Queue = append(lane.Queue, d)
	}
	c.Held = slices.DeleteFunc(c.Held, func(i Item) bool { return d.Follows && i.Pos == d.Item.Pos })
	if d.Channel == c.Owner && (d.Follows || d.Kind == KindTranscript) {
		c.HistoryEpoch = c.Epoch
	}
	c.OwnerSpoke = c.OwnerSpoke || l.carriesOwnerMessage(c, &d)
}

// carriesOwnerMessage reports whether a delivery carries a message that this record accepted from the owner. It
// returns false if the message has moved control, because its channel is not the owner any more.
func (l *Layer) carriesOwnerMessage(c *Conversation, d *Delivery) bool {
	if !d.Answer || d.Item.Pos.Seq != l.seq {
		return false
	}
	for _, ch := range slices.Backward(l.record.GetChanges()) {
		if a := ch.GetAccepted(); a != nil && PositionOf(a.GetPosition()) == d.Item.Pos {
			return a.GetChannel() == c.Owner
		}
	}
	return false
}

func foldAttempted(c *Conversation, a *journal.Attempted) {
	d := c.Delivery(a.GetDelivery())
	if d == nil {
		return
	}
	queue := c.Lane(d.Channel).own()
	d = &queue[slices.IndexFunc(queue, func(o Delivery) bool { return o.ID == d.ID })]
	d.Attempts, d.NextAt = a.GetAttempts(), time.Unix(0, a.GetNext())
	d.Error, d.Text, d.NotCalled = a.GetError(), a.GetText(), a.GetNotCalled()
}

func (l *Layer) foldEnded(c *Conversation, e *journal.Ended) {
	for i := range c.Lanes {
		lane := &c.Lanes[i]
		j := slices.IndexFunc(lane.Queue, func(d Delivery) bool { return d.ID == e.GetDelivery() })
		if j < 0 {
			continue
		}
		d := lane.Queue[j]
		if j == 0 {
			lane.Queue = lane.Queue[1:]
		} else {
			lane.Queue = slices.Concat(lane.Queue[:j], lane.Queue[j+1:])
		}
		switch {
		case e.GetStatus() == StatusDelivered:
			c.markSeen(&d)
			if d.Channel == c.Owner && (d.Follows || d.Kind != KindSend) { // a new thread and a transcript count too
				c.ReachedOwner = l.at
			}
			c.noteReceived(&d, e.GetAwaitsAnswer(), l.at)
		case e.GetStatus() == StatusDead && d.Kind == KindOpen && d.Channel == c.Owner:
			c.HistoryEpoch = 0 // the history waited for this thread and was not sent
		case (c.Offer != nil || c.Departure != nil) && d.Channel == c.Owner && len(d.History) > 0:
			c.HistoryEpoch = 0 // the message is held, and its history was not sent
		}
		if len(lane.Queue) == 0 {
			c.Lanes = slices.Delete(c.Lanes, i, i+1)
		}
		return
	}
}

// markSeen notes the history entries that the channel has received with a delivery.
func (c *Conversation) markSeen(d *Delivery) {
	th := c.Threads[d.Channel]
	if th == nil || d.Channel == c.Channel {
		return
	}
	seen := th.Seen
	for _, it := range d.History {
		seen = max(seen, c.historyNumber(it.Pos))
	}
	if d.Kind == KindSend {
		for _, it := range d.Items() {
			seen = max(seen, c.historyNumber(it.Pos))
		}
	}
	if seen != th.Seen {
		c.ownThread(d.Channel).Seen = seen
	}
}
