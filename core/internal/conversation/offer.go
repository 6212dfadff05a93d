package conversation

import (
	"slices"

	"patchbay/core/internal/journal"
	"patchbay/core/internal/route"
	"patchbay/sdk/envelope"
)

// offer asks channels, one after the other, whether they take the conversation. The same offer again
// changes nothing; another one takes the place of the pending one.
func (tx *Transaction) offer(c *Conversation, o *route.Offer, rule string, how move) {
	targets := slices.DeleteFunc(slices.Clone(o.To), func(ch string) bool { return ch == c.Owner || tx.policy.Channels[ch] == nil })
	if len(targets) == 0 {
		return
	}
	if c.Offer != nil {
		if c.Offer.Rule == rule || slices.Contains(o.To, c.Offer.Target) {
			return
		}
	}
	if how == moveByRule && tx.bounced(c, rule) {
		return
	}
	if c.Offer != nil {
		tx.endOffer(c, OfferWithdrawn, "replaced by "+rule)
		if !o.Hold {
			tx.releaseHeld(c) // what waited must not be overtaken by what will not wait
		}
	}
	within := o.Within
	if within <= 0 {
		within = route.DefaultWithin
	}
	tx.ask(c, &Offer{Rest: targets, Within: within, Rule: rule, Else: o.Else, Hold: o.Hold})
}

// ask asks the first of o.Rest that can be reached. If there is none, the offer has failed.
func (tx *Transaction) ask(c *Conversation, o *Offer) {
	for len(o.Rest) > 0 {
		target, rest := o.Rest[0], o.Rest[1:]
		tx.add(c.ID, &journal.Change_Offered{Offered: &journal.Offered{
			Target: target, Rest: rest, Deadline: tx.at.Add(o.Within).UnixNano(), Within: int64(o.Within),
			Rule: o.Rule, Else: o.Else, Hold: o.Hold,
		}})
		ch := tx.policy.Channels[target]
		if ch == nil || !tx.policy.reachable(target) {
			if len(rest) == 0 {
				tx.offerFailed(c, OfferUnreachable, "")
				return
			}
			tx.add(c.ID, &journal.Change_OfferEnded{OfferEnded: &journal.OfferEnded{Target: target, Outcome: OfferUnreachable}})
			o.Rest = rest
			continue
		}
		tx.unlink(c, target) // what is left of an earlier term is not what is asked for now
		tx.reach(c, ch, true)
		if !ch.Opens {
			tx.accept(c) // it can't be asked, and so it can't refuse
		}
		return
	}
}

// accept moves control to the channel that was asked.
func (tx *Transaction) accept(c *Conversation) {
	o := c.Offer
	tx.add(c.ID, &journal.Change_OfferEnded{OfferEnded: &journal.OfferEnded{Target: o.Target, Outcome: OfferAccepted}})
	if !tx.pass(c, o.Target, o.Rule, moveAccepted) {
		tx.releaseHeld(c)
	}
}

// releaseHeld sends what waited with an offer to whoever has control, in order.
func (tx *Transaction) releaseHeld(c *Conversation) {
	held := slices.Clone(c.Held)
	for _, it := range held {
		tx.follow(c, it, held)
	}
}

// offerFailed goes on to the next channel, or ends the offer: control goes to `else` or stays, and what
// waited follows it.
func (tx *Transaction) offerFailed(c *Conversation, outcome, reason string) {
	o := *c.Offer
	tx.endOffer(c, outcome, reason)
	if len(o.Rest) > 0 {
		tx.ask(c, &o)
		return
	}
	to := o.Else
	if to == "" && c.departed() {
		to = route.Home
	}
	if to == "" || !tx.pass(c, to, o.Rule, moveFree) {
		tx.releaseHeld(c)
	}
	why := outcome
	if outcome == OfferDeclined && reason != "" {
		why = reason
	}
	ev := &aboutEvent{channel: o.Target, reason: why}
	if ch := tx.policy.Channels[o.Target]; ch != nil {
		ev.role = ch.Role
	}
	tx.event(c, route.EventOfferFailed, ev)
}

// endOffer notes the end and tells the channel that it is no longer asked: a question still in its lane is
// taken back, one that was put is withdrawn.
func (tx *Transaction) endOffer(c *Conversation, outcome, reason string) {
	o := c.Offer
	tx.add(c.ID, &journal.Change_OfferEnded{OfferEnded: &journal.OfferEnded{Target: o.Target, Outcome: outcome, Reason: reason}})
	for _, d := range queued(c, o.Target) {
		if d.Kind == KindOpen && d.Offer {
			tx.end(c, &d, StatusDropped, "offer "+outcome)
		}
	}
	if th := c.Threads[o.Target]; th != nil && th.Live {
		tx.mark(c, tx.policy.Channels[o.Target], th.ID, envelope.KindDisconnected, map[string]string{"reason": "offer_" + outcome})
		tx.unlink(c, o.Target)
	}
}
