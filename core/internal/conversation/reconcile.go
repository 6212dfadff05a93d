package conversation

import (
	"patchbay/core/internal/journal"
)

// Reconcile brings a conversation in line with the configured channels: an offer to a channel that is gone
// fails, control falls back to home or to the default owner, and what waits for a channel that is gone follows control or
// becomes dead letters.
func (t *Turn) Reconcile(id string) {
	defer t.enter()()
	c, ok := t.convs.get(id)
	if !ok || t.consistent(c) {
		return
	}
	c = t.mutable(id)
	if c.Closing == "" {
		t.reconcileControl(c)
	}
	for _, l := range append([]Lane(nil), c.Lanes...) {
		if t.policy.Channels[l.Channel] != nil {
			continue
		}
		for _, d := range queued(c, l.Channel) {
			if c.find(d.ID) != nil {
				t.bury(c, &d, "unconfigured", "channel "+l.Channel+" is not in the configuration")
			}
		}
	}
}

// reconcileControl gives control to a channel that there is.
func (t *Turn) reconcileControl(c *Conversation) {
	if t.policy.Channels[c.Home] == nil {
		home := t.policy.owner(t.policy.Channels[c.Channel])
		if t.policy.Channels[home] != nil {
			t.add(c.ID, &journal.Change_HomeMoved{HomeMoved: &journal.HomeMoved{Home: home}})
		}
	}
	if c.Offer != nil && t.policy.Channels[c.Offer.Target] == nil {
		t.offerFailed(c, OfferUnreachable, "unconfigured")
	}
	if t.policy.Channels[c.Owner] == nil {
		t.pass(c, c.Home, "channel "+c.Owner+" is not in the configuration", moveFree)
	}
}

func (t *Turn) consistent(c *Conversation) bool {
	ok := c.Closing != "" || t.policy.Channels[c.Owner] != nil && t.policy.Channels[c.Home] != nil
	if c.Offer != nil {
		ok = ok && t.policy.Channels[c.Offer.Target] != nil
	}
	for i := range c.Lanes {
		ok = ok && t.policy.Channels[c.Lanes[i].Channel] != nil
	}
	return ok
}
