package trail

import (
	"patchbay/core/internal/state"
)

// Describe returns a conversation of the state without entries, or nil. Its Wait is the longest wait for the channel.
// If channel is "", waits for all channels count.
func Describe(s *state.State, id, channel string) *Conversation {
	c := s.Conversation(id)
	if c == nil {
		return nil
	}
	out := &Conversation{ID: id}
	out.describe(s, c, channel)
	return out
}

// describe adds the current state and the pending deliveries.
func (c *Conversation) describe(s *state.State, from *state.Conversation, channel string) {
	c.Live, c.State, c.Pending = from.Closing == "", describeState(from), pendingDeliveries(from)
	c.Wait = describeWait(s, from, channel)
}

func describeState(c *state.Conversation) *State {
	s := &State{
		Channel: c.Channel, Customer: c.SenderID, CustomerID: c.CustomerID(), Owner: c.Owner, Home: c.Home,
		Epoch: c.Epoch, OwnerSince: c.OwnerSince.UTC(), Handovers: c.Handovers, Held: len(c.Held), ClosedBy: c.Closing,
		Threads: map[string]string{}, Attributes: c.Attributes, Created: c.Created.UTC(), LastActive: c.LastActive.UTC(),
	}
	if c.Offer != nil {
		s.Offer, s.OfferUntil = c.Offer.Target, c.Offer.Deadline.UTC()
	}
	for ch, th := range c.Threads {
		s.Threads[ch] = th.ID
	}
	return s
}

// pendingDeliveries returns the held messages and the pending deliveries. If the state does not contain the reason why
// the head of a lane is pending, its Reason is "".
func pendingDeliveries(c *state.Conversation) []PendingDelivery {
	var out []PendingDelivery
	for range c.Held {
		out = append(out, PendingDelivery{
			Kind: state.KindSend, Status: state.StatusHeld, Channel: offerTarget(c), Reason: heldReason(c),
		})
	}
	for i := range c.Lanes {
		head := c.Lanes[i].Queue[0].ID
		for j := range c.Lanes[i].Queue {
			d := &c.Lanes[i].Queue[j]
			p := PendingDelivery{
				Delivery: d.ID, Channel: d.Channel, Kind: d.Kind, Offer: d.Offer, Status: state.StatusQueued,
				Attempts: d.Attempts, QueuedAt: d.QueuedAt.UTC(),
			}
			if d.Attempts > 0 || d.NotCalled {
				p.Status, p.NextAttempt = state.StatusRetrying, d.NextAt.UTC()
			}
			switch {
			case j > 0:
				p.Reason = "queued behind " + head
			case c.Blocked[d.Channel] != "":
				p.Reason = "the lane stops at dead letter " + c.Blocked[d.Channel] + ", until it is replayed or dropped"
			case c.AwaitsAnswer(d):
				p.Reason = "waits until the bot answers the previous message, at most 30s"
			case d.NotCalled:
				p.Reason = notCalled + d.Text
			case d.Attempts > 0:
				p.Reason = "last attempt failed: " + d.Text
			}
			out = append(out, p)
		}
	}
	return out
}

func heldReason(c *state.Conversation) string {
	if c.Departure != nil {
		return heldDuringDeparture
	}
	return "held until the offer to " + offerTarget(c) + " ends"
}

func offerTarget(c *state.Conversation) string {
	if c.Offer == nil {
		return ""
	}
	return c.Offer.Target
}
