package conversation

import (
	"slices"
	"strconv"
	"time"

	"patchbay/core/internal/journal"
	"patchbay/core/internal/route"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
)

// handoverKind describes the consequences of a handover that depend on its cause.
type handoverKind struct {
	shown      string // reason that the customer's channel gets. It contains no names of rules and channels
	limited    bool   // the bounce limit counts the handover and may prevent it
	accepted   bool   // a channel accepted an offer, so its thread belongs to the new epoch
	unanswered bool   // if the new owner is a bot, it gets the messages that the former owner has not answered
	keepsOffer bool   // a pending offer to another channel stays, and holds the messages that follow control
}

var (
	handoverByRule     = handoverKind{shown: shownRule, limited: true}
	handoverUnlimited  = handoverKind{shown: shownRule} // by a rule about the departure of the owner
	handoverLeft       = handoverKind{shown: "left"}    // the owner has left, and no rule moves control
	handoverAccepted   = handoverKind{shown: "offer", accepted: true}
	handoverFallback   = handoverKind{shown: "offer"}                          // an offer failed
	handoverByOperator = handoverKind{shown: reasonOperator, unanswered: true} // by a command or another configuration
)

// shownRule is the reason that the customer's channel gets if a rule caused a handover or close.
const shownRule = "rule"

// pass moves control to the channel to, and reports whether control has moved. It does nothing if this channel has
// control or is not configured, or if the bounce limit is reached.
func (tx *Transaction) pass(c *state.Conversation, to, reason string, how handoverKind) bool {
	if to == route.Home {
		to = c.Home
	}
	ch := tx.policy.Channels[to]
	if to == c.Owner || ch == nil {
		return false
	}
	if how.limited && tx.overBounceLimit(c, reason) {
		return false
	}
	from := c.Owner
	blocked, again := tx.takeBlocked(c, from), tx.unanswered(c, ch, how)
	offered := how.keepsOffer && c.Offer != nil && c.Offer.Target != to && !slices.Contains(c.Offer.Rest, to)
	if c.Offer != nil && !offered {
		tx.endOffer(c, state.OfferWithdrawn, "control passed to "+to)
	}
	tx.add(c.ID, &journal.Change_Passed{Passed: &journal.Passed{
		Owner: to, From: from, Epoch: c.Epoch + 1, Reason: reason, Counted: how.limited,
	}})
	tx.wakeCustomer(c)
	if th := c.Threads[to]; th != nil && th.Live && (!ch.PerEpoch || how.accepted) {
		l := &journal.Linked{Channel: to, Thread: th.ID, Epoch: c.Epoch}
		if !how.accepted { // the session of an accepted offer began with the offer
			l.StartedAt = tx.at.UnixNano()
		}
		tx.add(c.ID, &journal.Change_Linked{Linked: l})
	}
	items := inOrder(slices.Concat(tx.reclaim(c, from), blocked, again))
	for _, it := range again {
		tx.mergeDeadLetters(c.ID, it.Pos, "")
	}
	tx.disconnectAgent(c, from)
	tx.notifyCustomer(c, ch, how)
	if ch.Role == envelope.RoleAgent {
		tx.ensureThread(c, ch, false)
		tx.sendTranscript(c, ch, items)
	}
	for _, it := range items {
		if offered && c.Offer.Hold {
			tx.hold(c, it, false)
		} else {
			tx.sendToOwner(c, it, items)
		}
	}
	tx.raise(c, route.EventPassed, &event{channel: to, role: ch.Role, reason: reason})
	return true
}

// unanswered returns the customer's messages that the owner has received and not answered, if the next owner gets them
// again. This is so if the next owner is a bot, and one of these conditions holds: how.unanswered is set, the owner's
// channel was removed, or the owner has left without a message to the customer in its epoch. In all other cases, the
// messages are only part of the history.
func (tx *Transaction) unanswered(c *state.Conversation, to *Channel, how handoverKind) []state.Item {
	removed := tx.policy.Channels[c.Owner] == nil
	if to.Role != envelope.RoleBot || !how.unanswered && !removed && (c.OwnerSpoke || !hasLeft(c, c.Owner)) {
		return nil
	}
	return slices.Clone(c.Received)
}

// notifyCustomer informs the customer's channel about the new owner.
func (tx *Transaction) notifyCustomer(c *state.Conversation, owner *Channel, how handoverKind) {
	attrs := map[string]string{"owner_role": string(owner.Role), "reason": how.shown}
	if owner.Title != "" {
		attrs["title"] = owner.Title
	}
	tx.notify(c, tx.policy.Channels[c.Channel], "", envelope.KindPassed, attrs)
}

// overBounceLimit reports whether the handovers of the last hour have reached the bounce limit. If they have, it
// records this with the name of the rule.
func (tx *Transaction) overBounceLimit(c *state.Conversation, rule string) bool {
	if tx.policy.Bounces <= 0 || handoversInLastHour(c, tx.at) < tx.policy.Bounces {
		return false
	}
	tx.add(c.ID, &journal.Change_Routed{Routed: &journal.Routed{
		Event:  "handover",
		Errors: []string{rule + ": bounce limit of " + strconv.Itoa(tx.policy.Bounces) + " handovers an hour; control stays"},
	}})
	return true
}

func handoversInLastHour(c *state.Conversation, now time.Time) int {
	n := 0
	for _, m := range c.HandoverTimes {
		if now.Sub(m) < time.Hour {
			n++
		}
	}
	return n
}

// reclaim ends the deliveries to the former owner that are not recorded as delivered, including the one in flight. It
// keeps copies, and deliveries that name their thread, such as the event that ends this thread. It returns the
// customer's messages among the ended deliveries and the held messages, in order: they follow control.
func (tx *Transaction) reclaim(c *state.Conversation, from string) []state.Item {
	items := slices.Clone(c.Held)
	for _, d := range queueOf(c, from) {
		switch {
		case d.Kind == state.KindSend && d.Follows:
			tx.endDelivery(c, &d, state.StatusMoved, "control moved")
			items = append(items, d.Items()...)
			if d.Pieces > 1 {
				tx.mergeDeadLetters(c.ID, d.Item.Pos, "")
			}
		case d.Kind == state.KindOpen || d.Kind == state.KindTranscript || d.Thread == "" && !d.Copy:
			tx.endDelivery(c, &d, state.StatusDropped, "control moved")
		}
	}
	return inOrder(items)
}

// inOrder sorts messages by arrival, each once.
func inOrder(items []state.Item) []state.Item {
	slices.SortFunc(items, func(a, b state.Item) int { return a.Pos.Compare(b.Pos) })
	return slices.CompactFunc(items, func(a, b state.Item) bool { return a.Pos == b.Pos })
}

// disconnectAgent notifies a desk that it no longer has control, and ends its thread.
func (tx *Transaction) disconnectAgent(c *state.Conversation, from string) {
	th, ch := c.Threads[from], tx.policy.Channels[from]
	if th == nil || !th.Live || ch == nil || ch.Role != envelope.RoleAgent {
		return
	}
	tx.notify(c, ch, th.ID, envelope.KindDisconnected, map[string]string{"reason": "control_moved"})
	tx.unlinkThread(c, from)
}

// ownerDisconnected handles the departure of the owner: a rule decides where control goes, otherwise it goes home.
func (tx *Transaction) ownerDisconnected(c *state.Conversation, ch *Channel, ev *event) {
	tx.unlinkThread(c, ch.Name)
	ev.ownerLeft = true
	matched := tx.runEvent(c, route.EventDisconnected, ev)
	switch {
	case c.Owner != ch.Name:
	case tx.closeRequested(c): // the conversation ends and needs no owner
	case c.Offer != nil && c.Offer.Hold: // control goes home if the offer fails
	case c.Home != ch.Name:
		tx.pass(c, c.Home, "disconnected", handoverLeft)
	case !matched:
		tx.add(c.ID, &journal.Change_Disposed{Disposed: &journal.Disposed{
			Position: ev.item.Pos.Proto(), Status: state.StatusUnrouted, Reason: "the owner left and is home",
			Channel: ch.Name, Id: ev.id,
		}})
	}
}

// hasLeft reports whether a channel's thread has ended and no new one is being opened.
func hasLeft(c *state.Conversation, channel string) bool {
	th := c.Threads[channel]
	return th != nil && !th.Live && !isOpening(c, channel)
}

// ownerHasLeft reports whether the owner has left and is neither home nor opening a new thread.
func ownerHasLeft(c *state.Conversation) bool { return c.Home != c.Owner && hasLeft(c, c.Owner) }

// notifyAgent alerts the owning desk about a handover request: it opens a thread and sends the transcript. It reports
// whether the owner is a desk that can be alerted.
func (tx *Transaction) notifyAgent(c *state.Conversation) bool {
	owner := tx.policy.Channels[c.Owner]
	if owner == nil || owner.Role != envelope.RoleAgent || c.Offer != nil && c.Offer.Hold {
		return false
	}
	tx.ensureThread(c, owner, false)
	tx.sendTranscript(c, owner, nil)
	return true
}
