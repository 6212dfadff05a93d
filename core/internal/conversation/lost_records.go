package conversation

import (
	"fmt"
	"slices"

	"patchbay/core/internal/journal"
	"patchbay/core/internal/state"
)

// Opening returns the change that opens a customer's conversation.
func (p *Policy) Opening(customer *state.Customer) *journal.Opened {
	owner := p.owner(p.Channels[customer.Channel])
	return &journal.Opened{
		Channel: customer.Channel, Thread: customer.Thread, SenderId: customer.ID, SenderName: customer.Name,
		Owner: owner, Home: owner,
	}
}

// GiveUpLost makes the deliveries of a conversation dead letters whose messages the log has lost, and drops its held
// messages that are lost. Then it opens the threads that deliveries need and whose opening is lost. If the record is full
// before that is done, it returns false; call it again in the next transaction.
func (tx *Transaction) GiveUpLost(id string, isLost func(state.Position) bool) (done bool) {
	defer tx.beginInput()()
	c := tx.layer.Mutable(id)
	if c == nil {
		return true
	}
	for _, lane := range slices.Clone(c.Lanes) {
		for _, d := range queued(c, lane.Channel) {
			if c.Delivery(d.ID) == nil || !isLost(d.Item.Pos) {
				continue
			}
			if !tx.hasRoom(2) {
				return false
			}
			tx.deadLetter(c, &d, "unreadable", fmt.Sprintf("the disk has lost record %d with the message", d.Item.Pos.Seq))
		}
	}
	for _, held := range slices.Clone(c.Held) {
		if isLost(held.Pos) {
			if !tx.hasRoom(1) {
				return false
			}
			tx.dispose(c.ID, held.Pos, c.Channel, state.StatusDropped, "the disk has lost the message", "")
		}
	}
	for _, lane := range slices.Clone(c.Lanes) {
		if ch := tx.policy.Channels[lane.Channel]; ch != nil && lacksThread(c, lane.Channel) {
			if !tx.hasRoom(2 * len(queued(c, lane.Channel))) {
				return false
			}
			tx.reopen(c, ch, 0)
		}
	}
	return true
}

// hasRoom reports whether a repair may add n changes to the record. An empty record takes any number.
func (tx *Transaction) hasRoom(n int) bool {
	have := len(tx.record.GetChanges())
	return have == 0 || have+n <= maxRepairChanges
}

// lacksThread reports whether deliveries to a channel need a thread that is neither known nor about to be opened.
func lacksThread(c *state.Conversation, channel string) bool {
	if th := c.Threads[channel]; th != nil && th.Live {
		return false
	}
	return !isOpening(c, channel) &&
		slices.ContainsFunc(queued(c, channel), func(d state.Delivery) bool { return d.Thread == "" })
}
