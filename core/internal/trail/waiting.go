package trail

import "patchbay/core/internal/conversation"

// describe tells where a live conversation stands.
func describe(c *conversation.Conversation) *State {
	s := &State{
		Channel: c.Channel, Customer: c.SenderID, CustomerID: conversation.CustomerID(c), Owner: c.Owner, Home: c.Home,
		Epoch: c.Epoch, OwnerSince: c.OwnerSince.UTC(), Handovers: c.Handovers, Held: len(c.Held), ClosedBy: c.Closing,
		Threads: map[string]string{}, Attributes: c.Attributes, Created: c.Created.UTC(), Last: c.LastActive.UTC(),
	}
	if c.Offer != nil {
		s.Offer, s.OfferUntil = c.Offer.Target, c.Offer.Deadline.UTC()
	}
	for ch, th := range c.Threads {
		s.Threads[ch] = th.ID
	}
	return s
}

// waiting lists what has not come to an end. Why a lane's head waits is known to the lanes; whoever shows the
// list adds it where Why is empty.
func waiting(c *conversation.Conversation) []Waiting {
	var out []Waiting
	for range c.Held {
		out = append(out, Waiting{
			Kind: conversation.KindSend, Status: conversation.StatusHeld, Channel: offerTarget(c),
			Why: "waits until the offer to " + offerTarget(c) + " ends",
		})
	}
	for i := range c.Lanes {
		for j := range c.Lanes[i].Queue {
			d := &c.Lanes[i].Queue[j]
			w := Waiting{
				Delivery: d.ID, Channel: d.Channel, Kind: d.Kind, Status: conversation.StatusQueued,
				Attempts: d.Attempts, Since: d.QueuedAt.UTC(),
			}
			if d.Attempts > 0 || d.NotCalled {
				w.Status, w.Next = conversation.StatusRetrying, d.NextAt.UTC()
			}
			if j > 0 {
				w.Why = "waits behind " + c.Lanes[i].Queue[0].ID + " in its lane"
			} else if d.NotCalled {
				w.Why = notAttempted + d.Text
			} else if d.Attempts > 0 {
				w.Why = "last attempt failed: " + d.Text
			}
			out = append(out, w)
		}
	}
	return out
}

func offerTarget(c *conversation.Conversation) string {
	if c.Offer == nil {
		return ""
	}
	return c.Offer.Target
}

// Describe returns a live conversation without its log, or nil.
func Describe(b *conversation.State, id string) *Conversation {
	c := b.Conversation(id)
	if c == nil {
		return nil
	}
	return &Conversation{ID: id, Live: c.Closing == "", State: describe(c), Waiting: waiting(c)}
}
