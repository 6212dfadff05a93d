package state

import (
	"slices"
	"time"

	"patchbay/core/internal/journal"
)

// FailedMessage is a message that could not be delivered to a channel. The rules for delivery_failed run once for each
// such pair.
type FailedMessage struct {
	Pos     Position `json:"p"`
	Channel string   `json:"ch"`
}

// HasFailed reports whether the rules for delivery_failed were run for a message and a channel.
func (c *Conversation) HasFailed(p Position, channel string) bool {
	return slices.Contains(c.Failed, FailedMessage{p, channel})
}

func foldDeliveryFailed(c *Conversation, f *journal.DeliveryFailed) {
	failed := slices.DeleteFunc(slices.Clone(c.Failed), func(m FailedMessage) bool { return !c.isPending(m.Pos) })
	for _, p := range f.GetMessages() {
		failed = append(failed, FailedMessage{PositionOf(p), f.GetChannel()})
	}
	c.Failed = failed
}

// isPending reports whether a message is held or queued to any channel.
func (c *Conversation) isPending(p Position) bool {
	return slices.ContainsFunc(c.Held, func(it Item) bool { return it.Pos == p }) ||
		slices.ContainsFunc(c.Lanes, func(l Lane) bool {
			return slices.ContainsFunc(l.Queue, func(d Delivery) bool { return d.has(p) })
		})
}

func (l *Layer) foldDeadLettered(conv string, d *journal.DeadLettered) {
	delivery := toDelivery(d.GetDelivery(), time.Unix(0, d.GetQueuedAt()))
	delivery.Attempts = d.GetAttempts()
	dead := &DeadLetter{
		Conversation: conv, Delivery: delivery, Error: d.GetError(), Text: d.GetText(), Attempts: d.GetAttempts(), At: l.at,
	}
	for _, m := range d.GetMessages() {
		dead.Messages = append(dead.Messages, toDelivery(m, delivery.QueuedAt))
	}
	if d.GetCustomerChannel() != "" {
		dead.Customer = &Customer{
			Channel: d.GetCustomerChannel(), Thread: d.GetCustomerThread(), ID: d.GetSenderId(), Name: d.GetSenderName(),
		}
	}
	l.deadLetters.put(delivery.ID, dead)
	if delivery.Copy {
		l.deadCopies++
	}
	if d.GetBlocks() {
		l.Mutable(conv).block(delivery.Channel, delivery.ID)
	}
}

// block stops a lane at a dead letter.
func (c *Conversation) block(channel, dead string) {
	if c.Blocked == nil {
		c.Blocked = map[string]string{}
	}
	c.Blocked[channel] = dead
}

func (l *Layer) foldDeadLetterEnded(conv, id string) {
	d, found := l.deadLetters.get(id)
	if !found {
		return
	}
	l.deadLetters.remove(id)
	if d.Delivery.Copy {
		l.deadCopies--
	}
	if c := l.Conversation(conv); c != nil && c.Blocked[d.Delivery.Channel] == id {
		l.Mutable(conv).unblock(d.Delivery.Channel, l.at)
	}
}

// unblock lets a lane continue after a dead letter. The age of its deliveries begins again, so that they have the
// whole time of give_up.
func (c *Conversation) unblock(channel string, at time.Time) {
	delete(c.Blocked, channel)
	queue := c.Lane(channel).own()
	for i := range queue {
		queue[i].QueuedAt = at
	}
}

func (c *Conversation) unblockAll(at time.Time) {
	for channel := range c.Blocked {
		c.unblock(channel, at)
	}
}
