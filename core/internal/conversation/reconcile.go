package conversation

import (
	"slices"
	"time"

	"patchbay/core/internal/journal"
	"patchbay/core/internal/state"
)

// ReturnDeadline returns the time until which a delivery waits for the return of its removed channel, or the zero time
// if it does not wait.
func (p *Policy) ReturnDeadline(c *state.Conversation, d *state.Delivery) time.Time {
	since, vanished := p.Vanished[d.Channel]
	if !vanished || d.Channel != c.Channel && !d.Copy {
		return time.Time{}
	}
	return since.Add(state.VanishedWait)
}

// IsConfigured reports whether the policy has a channel of this name.
func (p *Policy) IsConfigured(channel string) bool { return p.Channels[channel] != nil }

// Inconsistent returns the ids of the conversations that Reconcile would change at the given time, sorted.
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

// Reconcile adapts a conversation to the configured channels. A removed home is replaced by the customer channel's
// first owner. An offer to a removed channel fails. If the owner's channel is removed, control goes home, and the
// customer's messages follow. Other deliveries to a removed channel become dead letters. Deliveries to a removed
// customer or observer channel first wait for its return. Reconcile returns false if the record has no room for all
// changes: call it again in the next transaction.
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
		for _, d := range queueOf(c, l.Channel) {
			if c.Delivery(d.ID) == nil || tx.policy.ReturnDeadline(c, &d).After(tx.at) {
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

// adapt calls Reconcile before the transaction decides on an input of the conversation. It does not count the earlier
// changes of the record against the limit, because the writer divides a batch whose record is too large.
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

// consistent reports whether the channels that a conversation needs are configured. Deliveries that wait for the
// return of their channel do not need it.
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
			return !p.ReturnDeadline(c, &d).After(at)
		}) {
			return false
		}
	}
	return true
}
