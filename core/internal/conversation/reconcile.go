package conversation

import (
	"slices"
	"time"

	"patchbay/core/internal/journal"
	"patchbay/core/internal/state"
)

// ReturnsUntil returns the time until which a delivery to a removed channel waits, or the zero time if it does not.
func (p *Policy) ReturnsUntil(c *state.Conversation, d *state.Delivery) time.Time {
	since, vanished := p.Vanished[d.Channel]
	if !vanished || d.Channel != c.Channel && !d.Copy {
		return time.Time{}
	}
	return since.Add(state.VanishedWait)
}

// Accepts reports whether a channel is configured, so that its deliveries can be made.
func (p *Policy) Accepts(channel string) bool { return p.Channels[channel] != nil }

// Inconsistent returns the ids of the conversations that Reconcile would change at a time, sorted.
func Inconsistent(s *state.State, p *Policy, at time.Time) []string {
	var ids []string
	s.All(func(c *state.Conversation) bool {
		if !p.consistent(c, at) {
			ids = append(ids, c.ID)
		}
		return true
	})
	slices.Sort(ids)
	return ids
}

// Reconcile adapts a conversation to the configured channels. An offer to a removed channel fails, control goes home or
// to the first owner, and deliveries to a removed channel follow control or become dead letters. Deliveries to a removed
// customer or observer channel wait for its return first. Reconcile returns false if the record is full first: call it
// again in the next transaction.
func (tx *Transaction) Reconcile(id string) (done bool) {
	defer tx.beginInput()()
	c := tx.layer.Conversation(id)
	if c == nil || tx.policy.consistent(c, tx.at) {
		return true
	}
	c = tx.layer.Mutable(id)
	if c.Closing == "" {
		if !tx.hasRoom(2 * c.Undelivered()) {
			return false
		}
		tx.reconcileControl(c)
	}
	for _, l := range slices.Clone(c.Lanes) {
		if tx.policy.Channels[l.Channel] != nil {
			continue
		}
		for _, d := range queued(c, l.Channel) {
			if c.Delivery(d.ID) == nil || tx.policy.ReturnsUntil(c, &d).After(tx.at) {
				continue
			}
			if !tx.hasRoom(2) {
				return false
			}
			tx.deadLetter(c, &d, "unconfigured", "channel "+l.Channel+" is not in the configuration")
		}
	}
	return true
}

// adapt is Reconcile before the next input of a conversation. Changes of other inputs of the record do not bound it:
// the writer divides a batch that needs too large a record.
func (tx *Transaction) adapt(id string) (done bool) {
	tx.repairFrom = len(tx.record.GetChanges())
	defer func() { tx.repairFrom = 0 }()
	return tx.Reconcile(id)
}

func (tx *Transaction) reconcileControl(c *state.Conversation) {
	if tx.policy.Channels[c.Home] == nil {
		home := tx.policy.owner(tx.policy.Channels[c.Channel])
		if tx.policy.Channels[home] != nil {
			tx.add(c.ID, &journal.Change_HomeMoved{HomeMoved: &journal.HomeMoved{Home: home}})
		}
	}
	if c.Offer != nil && tx.policy.Channels[c.Offer.Target] == nil {
		tx.failOffer(c, state.OfferUnreachable, "unconfigured")
	}
	if tx.policy.Channels[c.Owner] == nil {
		how := handoverByOperator
		how.keepsOffer = true
		tx.pass(c, c.Home, "channel "+c.Owner+" is not in the configuration", how)
	}
}

// consistent reports whether the channels that a conversation needs are configured, or may return.
func (p *Policy) consistent(c *state.Conversation, at time.Time) bool {
	if c.Closing == "" && (p.Channels[c.Owner] == nil || p.Channels[c.Home] == nil) {
		return false
	}
	if c.Offer != nil && p.Channels[c.Offer.Target] == nil {
		return false
	}
	for i := range c.Lanes {
		l := &c.Lanes[i]
		if p.Channels[l.Channel] == nil && slices.ContainsFunc(l.Queue, func(d state.Delivery) bool {
			return !p.ReturnsUntil(c, &d).After(at)
		}) {
			return false
		}
	}
	return true
}
