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
func (t *Turn) enter() (leave func()) {
	t.nesting++
	return func() {
		if t.nesting--; t.nesting > 0 {
			return
		}
		for len(t.asked) > 0 { // what is withdrawn with one may run rules that close it once more
			a := t.asked[0]
			t.asked = t.asked[1:]
			if c := t.mutable(a.conv); c != nil && c.Closing == "" {
				t.close(c, a.rule)
			}
		}
	}
}

// closeAfter notes that a rule closes the conversation. An offer is withdrawn at once: the message that the rule
// matched is not to wait with it.
func (t *Turn) closeAfter(c *Conversation, rule string) {
	if c.Offer != nil {
		t.withdrawOffer(c, rule)
	}
	t.asked = append(t.asked, closeAsked{c.ID, rule})
}

// ends reports whether a rule closes the conversation at the end of the input.
func (t *Turn) ends(c *Conversation) bool {
	return slices.ContainsFunc(t.asked, func(a closeAsked) bool { return a.conv == c.ID })
}

// wordsWait reports whether words of the customer wait for a channel.
func wordsWait(c *Conversation, channel string) bool {
	return slices.ContainsFunc(queued(c, channel), func(d Delivery) bool { return d.Follows })
}

func (t *Turn) close(c *Conversation, rule string) {
	for c.Offer != nil {
		t.withdrawOffer(c, rule)
	}
	t.add(c.ID, &journal.Change_Closing{Closing: &journal.Closing{Rule: rule}})
	t.notice(c, c.Channel, rule)
	for _, name := range slices.Sorted(maps.Keys(t.policy.Channels)) {
		if name != c.Channel && t.present(c, name) {
			t.notice(c, name, rule)
		}
	}
}

// present reports whether a channel has a thread, or is about to get one.
func (t *Turn) present(c *Conversation, channel string) bool {
	th := c.Threads[channel]
	return th != nil && th.Live || slices.ContainsFunc(queued(c, channel), func(d Delivery) bool { return d.Kind == KindOpen })
}

// withdrawOffer ends the pending offer; what waited with it goes to the owner, or home if the owner has left.
func (t *Turn) withdrawOffer(c *Conversation, rule string) {
	t.endOffer(c, OfferWithdrawn, "the conversation is closed by "+rule)
	if !c.departed() || !t.pass(c, route.Home, rule, moveFree) {
		t.releaseHeld(c)
	}
}

// notice tells a channel that the conversation has ended, in the form that it wants, if any. It goes on the channel's
// thread as that is when its turn comes.
func (t *Turn) notice(c *Conversation, channel, rule string) {
	ch := t.policy.Channels[channel]
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
	t.add(c.ID, &journal.Change_Queued{Queued: &journal.Queued{Delivery: &journal.Delivery{
		Id: t.newID(), Channel: channel, Kind: KindSend, Item: t.speak(c, e).proto(), Pieces: 1, Epoch: c.Epoch, Reason: reasonClosed,
	}}})
}

// isNotice reports whether a delivery tells that its conversation has ended.
func (d *Delivery) isNotice() bool { return d.Kind == KindSend && d.Reason == reasonClosed && !d.Copy }

// comeBack takes back what was not yet told about the end of a customer's last conversation: it could end the
// one that begins now, at a vendor that knows the customer by one name.
func (t *Turn) comeBack(c *Conversation) {
	for _, l := range slices.Clone(c.Lanes) {
		for _, d := range slices.Clone(l.Queue) {
			if d.isNotice() {
				t.end(c, &d, StatusDropped, "the customer has come back")
			}
		}
	}
}

func (t *tables) foldClosing(c *Conversation, rule string) {
	c.Closing, c.ClosedAt, c.Unanswered = rule, t.at, time.Time{}
}
