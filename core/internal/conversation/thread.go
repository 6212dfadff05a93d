package conversation

import (
	"slices"

	"patchbay/core/internal/journal"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
)

// ensureThread makes sure that the channel has a thread for this epoch or that a delivery that opens one is queued.
// Offer is set if this delivery is also an offer.
func (tx *Transaction) ensureThread(c *state.Conversation, ch *Channel, offer bool) {
	if !needsThread(c, ch) || isOpening(c, ch.Name) {
		return
	}
	if !ch.Opens {
		l := &journal.Linked{Channel: ch.Name, Thread: c.CustomerID(), Epoch: c.Epoch, StartedAt: tx.at.UnixNano()}
		tx.add(c.ID, &journal.Change_Linked{Linked: l})
		if tx.layer.PendingOnThread(l.GetChannel(), l.GetThread()) > 0 { // admitted after the effects of a rule
			tx.layer.SetPendingReady(true)
		}
		return
	}
	reason := ""
	if c.Offer != nil && offer {
		reason = c.Offer.Rule
	}
	tx.queue(c, &journal.Delivery{
		Channel: ch.Name, Kind: state.KindOpen, Epoch: c.Epoch, Offer: offer, Copy: ch.Role == envelope.RoleObserver,
		Reason: reason,
	})
}

// needsThread reports whether the channel has no thread for this epoch.
func needsThread(c *state.Conversation, ch *Channel) bool {
	th := c.Threads[ch.Name]
	return ch.Name != c.Channel && (th == nil || !th.Live || ch.PerEpoch && th.Epoch != c.Epoch)
}

// isOpening reports whether an open of this epoch is queued for the channel.
func isOpening(c *state.Conversation, channel string) bool {
	return slices.ContainsFunc(queueOf(c, channel), func(d state.Delivery) bool {
		return d.Kind == state.KindOpen && d.Epoch == c.Epoch
	})
}

// linkThread links a channel's thread and admits the thread's pending envelopes.
func (tx *Transaction) linkThread(c *state.Conversation, l *journal.Linked) {
	tx.add(c.ID, &journal.Change_Linked{Linked: l})
	tx.admitThread(l.GetChannel(), l.GetThread())
}

// unlinkThread ends a channel's live thread.
func (tx *Transaction) unlinkThread(c *state.Conversation, channel string) {
	if th := c.Threads[channel]; th != nil && th.Live {
		tx.add(c.ID, &journal.Change_Unlinked{Unlinked: &journal.Unlinked{Channel: channel}})
	}
}
