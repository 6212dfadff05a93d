package trail

import (
	"cmp"
	"fmt"
	"time"

	"patchbay/core/internal/state"
)

// Wait is the longest wait of a conversation: for a delivery, for an agent, or for an answer.
type Wait struct {
	Since   time.Time `json:"since"`
	Channel string    `json:"channel"` // that the conversation waits for
	Reason  string    `json:"reason"`

	delivery string // pending delivery that has the reason of this wait; "" for other waits
}

// LongestWait returns the longest wait of a conversation, without its reason. If channel is not "", only waits for that
// channel count. Since is zero if nothing waits.
func LongestWait(c *state.Conversation, channel string) Wait {
	var w Wait
	consider := func(since time.Time, awaited, delivery string) {
		if (channel == "" || channel == awaited) && !since.IsZero() && (w.Since.IsZero() || since.Before(w.Since)) {
			w = Wait{Since: since.UTC(), Channel: awaited, delivery: delivery}
		}
	}
	consider(c.UnansweredSince, cmp.Or(offerTarget(c), c.Owner), "")
	for i := range c.Lanes {
		head := &c.Lanes[i].Queue[0]
		consider(head.QueuedAt, head.Channel, head.ID)
	}
	return w
}

// Causes of waits.
const (
	CauseDelivery   = "delivery"    // a delivery is pending
	CauseHeld       = "held"        // the message is held until a departure takes effect
	CauseOffer      = "offer"       // the channel has not accepted the offer; messages can be held until it ends
	CauseDeadLetter = "dead_letter" // the message is a dead letter
	CauseAnswer     = "answer"      // the owner has not answered
)

// CauseOf returns the cause of the longest wait of a conversation. DeadLetters reports whether the conversation has
// dead letters.
func (w *Wait) CauseOf(s *state.State, c *state.Conversation, deadLetters bool) string {
	switch {
	case w.delivery != "" || c.Lane(w.Channel) != nil:
		return CauseDelivery
	case c.Offer != nil && (c.Departure == nil || len(c.Held) == 0):
		return CauseOffer
	case len(c.Held) > 0:
		return CauseHeld
	case deadLetters && deadReason(s, c) != "":
		return CauseDeadLetter
	}
	return CauseAnswer
}

// describeWait returns the longest wait with its reason, or nil. If the conversation waits for a delivery, the reason
// is "", and Complete adds it.
func describeWait(s *state.State, c *state.Conversation, channel string) *Wait {
	w := LongestWait(c, channel)
	switch l := c.Lane(w.Channel); {
	case w.Since.IsZero():
		return nil
	case w.delivery != "":
	case l != nil: // the customer has waited longer than the delivery, for the same channel
		w.delivery = l.Queue[0].ID
	case len(c.Held) > 0:
		w.Reason = heldReason(c)
	case c.Offer != nil:
		w.Reason = fmt.Sprintf("offered to %s, which has not accepted yet", w.Channel)
	default:
		w.Reason = cmp.Or(deadReason(s, c), w.Channel+" has not answered the customer")
	}
	return &w
}

// deadReason returns a reason that names the dead letters of the waiting customer's messages, or "" if there are none.
func deadReason(s *state.State, c *state.Conversation) string {
	messages := map[state.Position]bool{}
	var newest *state.DeadLetter
	for _, d := range s.DeadLettersOf(c.ID) {
		since := d.Delivery.QueuedAt
		if len(d.Messages) > 0 { // the messages were queued after the open
			since = d.At
		}
		for _, m := range d.Deliveries() {
			if m.Follows && !since.Before(c.UnansweredSince) {
				messages[m.Item.Pos], newest = true, d
			}
		}
	}
	switch len(messages) {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf("the message to %s is a dead letter (%s)", newest.Delivery.Channel, newest.Error)
	}
	return fmt.Sprintf("%d messages to %s are dead letters (%s)", len(messages), newest.Delivery.Channel, newest.Error)
}

// Complete copies the reason of a pending delivery to the wait for that delivery. Call it when the reasons of the
// pending deliveries are complete.
func (c *Conversation) Complete() {
	for _, p := range c.Pending {
		if c.Wait != nil && c.Wait.delivery != "" && p.Delivery == c.Wait.delivery {
			c.Wait.Reason = p.Reason
		}
	}
}
