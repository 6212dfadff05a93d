package conversation

import (
	"patchbay/core/internal/journal"
)

// Reconcile brings a conversation in line with the configured channels: an offer to a channel that is gone
// fails, control falls back to home or to the default owner, and what waits for a channel that is gone follows control or
// becomes dead letters.
func (tx *Transaction) Reconcile(id string) {
	defer tx.enter()()
	c, ok := tx.convs.get(id)
	if !ok || tx.consistent(c) {
		return
	}
	c = tx.mutable(id)
	if c.Closing == "" {
		tx.reconcileControl(c)
	}
	for _, l := range append([]Lane(nil), c.Lanes...) {
		if tx.policy.Channels[l.Channel] != nil {
			continue
		}
		for _, d := range queued(c, l.Channel) {
			if c.find(d.ID) != nil {
				tx.bury(c, &d, "unconfigured", "channel "+l.Channel+" is not in the configuration")
			}
		}
	}
}

// reconcileControl gives control to a channel that there is.
func (tx *Transaction) reconcileControl(c *Conversation) {
	if tx.policy.Channels[c.Home] == nil {
		home := tx.policy.owner(tx.policy.Channels[c.Channel])
		if tx.policy.Channels[home] != nil {
			tx.add(c.ID, &journal.Change_HomeMoved{HomeMoved: &journal.HomeMoved{Home: home}})
		}
	}
	if c.Offer != nil && tx.policy.Channels[c.Offer.Target] == nil {
		tx.offerFailed(c, OfferUnreachable, "unconfigured")
	}
	if tx.policy.Channels[c.Owner] == nil {
		tx.pass(c, c.Home, "channel "+c.Owner+" is not in the configuration", moveFree)
	}
}

func (tx *Transaction) consistent(c *Conversation) bool {
	ok := c.Closing != "" || tx.policy.Channels[c.Owner] != nil && tx.policy.Channels[c.Home] != nil
	if c.Offer != nil {
		ok = ok && tx.policy.Channels[c.Offer.Target] != nil
	}
	for i := range c.Lanes {
		ok = ok && tx.policy.Channels[c.Lanes[i].Channel] != nil
	}
	return ok
}
