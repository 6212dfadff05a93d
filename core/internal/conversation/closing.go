package conversation

import (
	"maps"
	"slices"
	"time"

	"patchbay/core/internal/journal"
	"patchbay/core/internal/route"
	"patchbay/sdk/envelope"
)

// A rule closes a conversation in two steps. With the change Closing it ends for everybody who speaks in it: the
// customer's next message opens another one, and what still comes from the other channels is fenced. What waits in its
// lanes goes out all the same, and behind it the notices that it has ended. When the lanes are empty, and repeats of what was
// said have had their time to come, the change Closed removes it.

// reasonClosed marks the notices that a conversation has ended: it is the reason of their deliveries.
const reasonClosed = "closed"

// ReasonArchived is the reason of a Closed that follows a Closing.
const ReasonArchived = "archived"

// closeAsked is a conversation that a rule closes.
type closeAsked struct{ conv, rule string }

// enter begins to work on an input, and the function that it returns ends that. Conversations that rules close meanwhile
// are closed when the outermost input has ended, so that nothing which the input brings about comes behind the notices.
func (tx *Transaction) enter() (leave func()) {
	tx.nesting++
	return func() {
		if tx.nesting--; tx.nesting > 0 {
			return
		}
		for len(tx.asked) > 0 { // what is withdrawn with one may run rules that close it once more
			a := tx.asked[0]
			tx.asked = tx.asked[1:]
			if c := tx.mutable(a.conv); c != nil && c.Closing == "" {
				tx.close(c, a.rule)
			}
		}
	}
}

// closeAfter notes that a rule closes the conversation. An offer is withdrawn at once: the message that the rule
// matched is not to wait with it.
func (tx *Transaction) closeAfter(c *Conversation, rule string) {
	if c.Offer != nil {
		tx.withdrawOffer(c, rule)
	}
	tx.asked = append(tx.asked, closeAsked{c.ID, rule})
}

// ends reports whether a rule closes the conversation at the end of the input.
func (tx *Transaction) ends(c *Conversation) bool {
	return slices.ContainsFunc(tx.asked, func(a closeAsked) bool { return a.conv == c.ID })
}

// wordsWait reports whether words of the customer wait for a channel.
func wordsWait(c *Conversation, channel string) bool {
	return slices.ContainsFunc(queued(c, channel), func(d Delivery) bool { return d.Follows })
}

func (tx *Transaction) close(c *Conversation, rule string) {
	for c.Offer != nil {
		tx.withdrawOffer(c, rule)
	}
	tx.add(c.ID, &journal.Change_Closing{Closing: &journal.Closing{Rule: rule}})
	tx.notice(c, c.Channel, rule)
	for _, name := range slices.Sorted(maps.Keys(tx.policy.Channels)) {
		if name != c.Channel && tx.present(c, name) {
			tx.notice(c, name, rule)
		}
	}
}

// present reports whether a channel has a thread, or is about to get one.
func (tx *Transaction) present(c *Conversation, channel string) bool {
	th := c.Threads[channel]
	return th != nil && th.Live || slices.ContainsFunc(queued(c, channel), func(d Delivery) bool { return d.Kind == KindOpen })
}

// withdrawOffer ends the pending offer; what waited with it goes to the owner, or home if the owner has left.
func (tx *Transaction) withdrawOffer(c *Conversation, rule string) {
	tx.endOffer(c, OfferWithdrawn, "the conversation is closed by "+rule)
	if !c.departed() || !tx.pass(c, route.Home, rule, moveFree) {
		tx.releaseHeld(c)
	}
}

// notice tells a channel that the conversation has ended, in the form that it wants, if any. It goes on the channel's
// thread as that is when its turn comes.
func (tx *Transaction) notice(c *Conversation, channel, rule string) {
	ch := tx.policy.Channels[channel]
	e := &envelope.Envelope{Kind: envelope.KindClosed, Attributes: map[string]string{"reason": rule}}
	switch {
	case ch == nil:
		return
	case ch.Events[envelope.KindClosed]:
	case ch.Events[envelope.KindDisconnected] && channel != c.Channel:
		e = &envelope.Envelope{Kind: envelope.KindDisconnected, Attributes: map[string]string{"reason": reasonClosed}}
	default:
		return
	}
	tx.add(c.ID, &journal.Change_Queued{Queued: &journal.Queued{Delivery: &journal.Delivery{
		Id: tx.newID(), Channel: channel, Kind: KindSend, Item: tx.speak(c, e).proto(), Pieces: 1, Epoch: c.Epoch, Reason: reasonClosed,
	}}})
}

// isNotice reports whether a delivery tells that its conversation has ended.
func (d *Delivery) isNotice() bool { return d.Kind == KindSend && d.Reason == reasonClosed && !d.Copy }

// comeBack takes back what was not yet told about the end of a customer's last conversation: it could end the
// one that begins now, at a vendor that knows the customer by one name.
func (tx *Transaction) comeBack(c *Conversation) {
	for _, l := range slices.Clone(c.Lanes) {
		for _, d := range slices.Clone(l.Queue) {
			if d.isNotice() {
				tx.end(c, &d, StatusDropped, "the customer has come back")
			}
		}
	}
}

func (t *tables) foldClosing(c *Conversation, rule string) {
	c.Closing, c.ClosedAt, c.UnansweredSince = rule, t.at, time.Time{}
}
