package conversation

import (
	"cmp"
	"slices"
	"time"

	"patchbay/core/internal/journal"
	"patchbay/core/internal/route"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
)

// offer offers the conversation to channels, one after the other. Repeating the pending offer changes nothing; another
// offer replaces it. It reports whether a channel was asked.
func (tx *Transaction) offer(c *state.Conversation, o *route.Offer, rule string, how handoverKind) bool {
	targets := slices.DeleteFunc(slices.Clone(o.To), func(ch string) bool {
		return ch == c.Owner || tx.policy.Channels[ch] == nil
	})
	if len(targets) == 0 || c.Offer != nil && slices.Contains(o.To, c.Offer.Target) {
		return false
	}
	if how.limited && tx.overBounceLimit(c, rule) {
		tx.raiseOfferFailed(c, targets[0], reasonBounces)
		return false
	}
	next := &state.Offer{Within: o.Within, Rule: rule, Else: o.Else, Hold: o.Hold, Unanswered: how.unanswered}
	var refusal string
	next.Rest, refusal = tx.skipRefusing(c, targets, o.Within, how.limited)
	switch {
	case len(next.Rest) > 0 && c.Offer != nil:
		tx.endOffer(c, state.OfferWithdrawn, "replaced by "+rule)
		if !o.Hold {
			tx.releaseHeld(c) // later messages are not held and must not overtake the held ones
		}
	case len(next.Rest) > 0:
	case c.Offer == nil:
		next.Failed, next.FailedReason = targets[0], refusal
		tx.fallBack(c, next)
		return false
	default: // the pending offer stays
		tx.raiseOfferFailed(c, targets[0], refusal)
		return false
	}
	tx.offerNext(c, next)
	return true
}

// skipRefusing removes channels from the front of targets until one can take the offer. It records the removed
// channels, and returns the reason of the first one. If no channel remains and counted is set, the bounce limit counts
// the offer.
func (tx *Transaction) skipRefusing(
	c *state.Conversation, targets []string, within time.Duration, counted bool,
) (rest []string, refusal string) {
	for len(targets) > 0 {
		reason := tx.refusal(targets[0], within)
		if reason == "" {
			break
		}
		refusal = cmp.Or(refusal, reason)
		tx.add(c.ID, &journal.Change_OfferEnded{OfferEnded: &journal.OfferEnded{
			Target: targets[0], Outcome: reason, Counted: counted && len(targets) == 1,
		}})
		targets = targets[1:]
	}
	return targets, refusal
}

// offerNext makes the offer to the first channel of o.Rest. skipRefusing must have checked this channel.
func (tx *Transaction) offerNext(c *state.Conversation, o *state.Offer) {
	target := o.Rest[0]
	tx.add(c.ID, &journal.Change_Offered{Offered: &journal.Offered{
		Target: target, Rest: o.Rest[1:], Deadline: tx.at.Add(o.Within).UnixNano(), Within: int64(o.Within),
		Rule: o.Rule, Else: o.Else, Hold: o.Hold, Failed: o.Failed, FailedReason: o.FailedReason,
		Unanswered: o.Unanswered,
	}})
	ch := tx.policy.Channels[target]
	tx.unlinkThread(c, target) // an envelope on a live thread of an earlier epoch must not accept this offer
	tx.ensureThread(c, ch, true)
	if !ch.Opens {
		tx.acceptOffer(c) // without an open, the channel cannot decline
	}
}

// acceptOffer moves control to the target of the offer.
func (tx *Transaction) acceptOffer(c *state.Conversation) {
	o := c.Offer
	tx.recordOfferEnded(c, o.Target, state.OfferAccepted, "")
	how := handoverAccepted
	how.unanswered = o.Unanswered
	if !tx.pass(c, o.Target, o.Rule, how) {
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

// failOffer makes the offer to the next channel that can be asked. If there is none, the offer has failed.
func (tx *Transaction) failOffer(c *state.Conversation, outcome, reason string) {
	o := *c.Offer
	tx.endOffer(c, outcome, reason)
	o.Failed, o.FailedReason = o.Target, outcome
	if outcome == state.OfferDeclined && reason != "" {
		o.FailedReason = reason
	}
	o.Rest, _ = tx.skipRefusing(c, o.Rest, o.Within, false)
	if len(o.Rest) > 0 {
		tx.offerNext(c, &o)
		return
	}
	tx.fallBack(c, &o)
}

// fallBack acts on an offer that no channel accepted. Control goes to the channel in the offer's `else`. Without
// `else`, it stays, or goes home if the owner has left. The held messages go to the owner, except during a departure:
// then they wait until it takes effect.
func (tx *Transaction) fallBack(c *state.Conversation, o *state.Offer) {
	to := o.Else
	if to == "" && c.Departure == nil && ownerHasLeft(c) {
		to = route.Home
	}
	how := handoverFallback
	how.unanswered = o.Unanswered
	if moved := to != "" && tx.pass(c, to, o.Rule, how); !moved && c.Departure == nil {
		tx.releaseHeld(c)
	}
	tx.raiseOfferFailed(c, o.Failed, o.FailedReason)
}

// reasonBounces is the reason of an offer that the bounce limit refused.
const reasonBounces = "bounces"

func (tx *Transaction) raiseOfferFailed(c *state.Conversation, target, reason string) {
	ev := &event{channel: target, reason: reason}
	if ch := tx.policy.Channels[target]; ch != nil {
		ev.role = ch.Role
	}
	tx.raise(c, route.EventOfferFailed, ev)
}

// endOffer records the end of the offer. It drops the target's queued open, and notifies a target that has a live
// thread.
func (tx *Transaction) endOffer(c *state.Conversation, outcome, reason string) {
	o := c.Offer
	tx.recordOfferEnded(c, o.Target, outcome, reason)
	for _, d := range queueOf(c, o.Target) {
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

// withdrawOffer ends the pending offer because the conversation is closed for the given reason. If the owner has left,
// control goes home. The held messages go to the owner.
func (tx *Transaction) withdrawOffer(c *state.Conversation, reason string) {
	tx.endOffer(c, state.OfferWithdrawn, "the conversation is closed by "+reason)
	if !ownerHasLeft(c) || !tx.pass(c, route.Home, reason, handoverLeft) {
		tx.releaseHeld(c)
	}
}
