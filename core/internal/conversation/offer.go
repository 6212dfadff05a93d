package conversation

import (
	"slices"

	"patchbay/core/internal/journal"
	"patchbay/core/internal/route"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
)

// offer offers the conversation to channels, one after the other. Repeating the pending offer changes nothing; another
// offer replaces it.
func (tx *Transaction) offer(c *state.Conversation, o *route.Offer, rule string, how handoverKind) {
	targets := slices.DeleteFunc(slices.Clone(o.To), func(ch string) bool {
		return ch == c.Owner || tx.policy.Channels[ch] == nil
	})
	if len(targets) == 0 {
		return
	}
	if c.Offer != nil && (c.Offer.Rule == rule || slices.Contains(o.To, c.Offer.Target)) {
		return
	}
	if how == handoverByRule && tx.overBounceLimit(c, rule) {
		return
	}
	if c.Offer != nil {
		tx.endOffer(c, state.OfferWithdrawn, "replaced by "+rule)
		if !o.Hold {
			tx.releaseHeld(c) // later messages are not held, so they must not overtake these
		}
	}
	within := o.Within
	if within <= 0 {
		within = route.DefaultWithin
	}
	tx.offerNext(c, &state.Offer{Rest: targets, Within: within, Rule: rule, Else: o.Else, Hold: o.Hold})
}

// offerNext makes an offer to the first reachable channel of o.Rest. If there is none, the offer fails.
func (tx *Transaction) offerNext(c *state.Conversation, o *state.Offer) {
	for len(o.Rest) > 0 {
		target, rest := o.Rest[0], o.Rest[1:]
		tx.add(c.ID, &journal.Change_Offered{Offered: &journal.Offered{
			Target: target, Rest: rest, Deadline: tx.at.Add(o.Within).UnixNano(), Within: int64(o.Within),
			Rule: o.Rule, Else: o.Else, Hold: o.Hold,
		}})
		ch := tx.policy.Channels[target]
		if ch == nil || !tx.policy.reachable(target, o.Within) {
			if len(rest) == 0 {
				tx.failOffer(c, state.OfferUnreachable, "")
				return
			}
			tx.recordOfferEnded(c, target, state.OfferUnreachable, "")
			o.Rest = rest
			continue
		}
		tx.unlinkThread(c, target) // a live thread of an earlier epoch does not answer this offer
		tx.ensureThread(c, ch, true)
		if !ch.Opens {
			tx.acceptOffer(c) // without an open, the channel cannot decline
		}
		return
	}
}

// acceptOffer moves control to the target of the offer.
func (tx *Transaction) acceptOffer(c *state.Conversation) {
	o := c.Offer
	tx.recordOfferEnded(c, o.Target, state.OfferAccepted, "")
	if !tx.pass(c, o.Target, o.Rule, handoverAccepted) {
		tx.releaseHeld(c)
	}
}

// releaseHeld sends the held messages to the owner, in order.
func (tx *Transaction) releaseHeld(c *state.Conversation) {
	held := slices.Clone(c.Held)
	for _, it := range held {
		tx.sendToOwner(c, it, held)
	}
}

// failOffer makes the offer to the next channel. If there is none, control goes to the offer's `else` or stays, and the
// held messages follow it.
func (tx *Transaction) failOffer(c *state.Conversation, outcome, reason string) {
	o := *c.Offer
	tx.endOffer(c, outcome, reason)
	if len(o.Rest) > 0 {
		tx.offerNext(c, &o)
		return
	}
	to := o.Else
	if to == "" && ownerHasLeft(c) {
		to = route.Home
	}
	if to == "" || !tx.pass(c, to, o.Rule, handoverUnlimited) {
		tx.releaseHeld(c)
	}
	ev := &event{channel: o.Target, reason: outcome}
	if outcome == state.OfferDeclined && reason != "" {
		ev.reason = reason
	}
	if ch := tx.policy.Channels[o.Target]; ch != nil {
		ev.role = ch.Role
	}
	tx.runEvent(c, route.EventOfferFailed, ev)
}

// endOffer records the end of the offer. It drops the target's queued open, and notifies a target that has a live
// thread.
func (tx *Transaction) endOffer(c *state.Conversation, outcome, reason string) {
	o := c.Offer
	tx.recordOfferEnded(c, o.Target, outcome, reason)
	for _, d := range queued(c, o.Target) {
		if d.Kind == state.KindOpen && d.Offer {
			tx.endDelivery(c, &d, state.StatusDropped, "offer "+outcome)
		}
	}
	if th := c.Threads[o.Target]; th != nil && th.Live {
		ch, attrs := tx.policy.Channels[o.Target], map[string]string{"reason": "offer_" + outcome}
		tx.notify(c, ch, th.ID, envelope.KindDisconnected, attrs)
		tx.unlinkThread(c, o.Target)
	}
}

func (tx *Transaction) recordOfferEnded(c *state.Conversation, target, outcome, reason string) {
	tx.add(c.ID, &journal.Change_OfferEnded{OfferEnded: &journal.OfferEnded{
		Target: target, Outcome: outcome, Reason: reason,
	}})
}

// withdrawOffer ends the pending offer because a rule closes the conversation. Held messages go to the owner, or home
// if the owner has left.
func (tx *Transaction) withdrawOffer(c *state.Conversation, rule string) {
	tx.endOffer(c, state.OfferWithdrawn, "the conversation is closed by "+rule)
	if !ownerHasLeft(c) || !tx.pass(c, route.Home, rule, handoverUnlimited) {
		tx.releaseHeld(c)
	}
}
