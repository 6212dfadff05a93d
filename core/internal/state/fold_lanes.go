package state

import (
	"slices"
	"time"

	"patchbay/core/internal/journal"
)

func (l *Layer) foldQueued(c *Conversation, queued *journal.Delivery) {
	d := toDelivery(queued, l.at)
	lane := c.Lane(d.Channel)
	if lane == nil {
		c.Lanes = append(c.Lanes, Lane{Channel: d.Channel})
		lane = &c.Lanes[len(c.Lanes)-1]
	}
	lane.Queue = append(lane.Queue, d)
	c.Held = slices.DeleteFunc(c.Held, func(i Item) bool { return d.Follows && i.Pos == d.Item.Pos })
	if d.Channel == c.Owner && (d.Follows || d.Kind == KindTranscript) {
		c.HistoryEpoch = c.Epoch
	}
}

func foldAttempted(c *Conversation, a *journal.Attempted) {
	if d := c.Delivery(a.GetDelivery()); d != nil {
		d.Attempts, d.NextAt = a.GetAttempts(), time.Unix(0, a.GetNext())
		d.Error, d.Text, d.NotCalled = a.GetError(), a.GetText(), a.GetNotCalled()
	}
}

func foldEnded(c *Conversation, e *journal.Ended) {
	for i := range c.Lanes {
		lane := &c.Lanes[i]
		j := slices.IndexFunc(lane.Queue, func(d Delivery) bool { return d.ID == e.GetDelivery() })
		if j < 0 {
			continue
		}
		d := lane.Queue[j]
		lane.Queue = slices.Delete(lane.Queue, j, j+1)
		switch {
		case e.GetStatus() == StatusDelivered:
			c.markSeen(&d)
		case e.GetStatus() == StatusDead && d.Kind == KindOpen && d.Channel == c.Owner:
			c.HistoryEpoch = 0 // the history waited for this thread and was not sent
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
	for _, it := range d.History {
		th.Seen = max(th.Seen, c.historyNumber(it.Pos))
	}
	if d.Kind == KindSend {
		th.Seen = max(th.Seen, c.historyNumber(d.Item.Pos))
	}
}
