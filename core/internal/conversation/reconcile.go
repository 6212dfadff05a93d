package conversation

import (
	"slices"

	"patchbay/core/internal/journal"
	"patchbay/core/internal/state"
)

// Inconsistent returns the ids of the conversations that refer to channels missing from the policy, sorted.
func Inconsistent(s *state.State, p *Policy) []string {
	var ids []string
	s.All(func(c *state.Conversation) bool {
		if !p.consistent(c) {
			ids = append(ids, c.ID)
		}
		return true
	})
	slices.Sort(ids)
	return ids
}

// Reconcile adapts a conversation to the configured channels. An offer to a removed channel fails, control goes home or
// to the first owner, and deliveries to a removed channel follow control or become dead letters. It returns false if
// the record is full first: call it again in the next transaction.
func (tx *Transaction) Reconcile(id string) (done bool) {
	defer tx.beginInput()()
	c := tx.layer.Conversation(id)
	if c == nil || tx.policy.consistent(c) {
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
			if c.Delivery(d.ID) == nil {
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
		tx.pass(c, c.Home, "channel "+c.Owner+" is not in the configuration", handoverUnlimited)
	}
}

// consistent reports whether the channels that a conversation needs are configured.
func (p *Policy) consistent(c *state.Conversation) bool {
	if c.Closing == "" && (p.Channels[c.Owner] == nil || p.Channels[c.Home] == nil) {
		return false
	}
	if c.Offer != nil && p.Channels[c.Offer.Target] == nil {
		return false
	}
	for i := range c.Lanes {
		if p.Channels[c.Lanes[i].Channel] == nil {
			return false
		}
	}
	return true
}
