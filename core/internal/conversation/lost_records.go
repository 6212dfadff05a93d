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

// GiveUpLost repairs a conversation whose messages the log has lost. Deliveries of lost messages become dead letters,
// and lost held messages are dropped. Then GiveUpLost queues opens for the threads that the other deliveries need and
// that are neither live nor being opened. It returns false if the record has no room for all changes: call it again in
// the next transaction.
func (tx *Transaction) GiveUpLost(id string, isLost func(state.Position) bool) (done bool) {
	defer tx.beginInput()()
	c := tx.layer.Mutable(id)
	if c == nil {
		return true
	}
	for _, lane := range slices.Clone(c.Lanes) {
		for _, d := range queueOf(c, lane.Channel) {
			items := d.Items()
			lost := slices.IndexFunc(items, func(it state.Item) bool { return isLost(it.Pos) })
			if c.Delivery(d.ID) == nil || lost < 0 {
				continue
			}
			if !tx.hasRoom(2) {
				return false
			}
			tx.deadLetter(c, &d, "unreadable", fmt.Sprintf("the disk has lost record %d with the message", items[lost].Pos.Seq))
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
			if !tx.hasRoom(2 * len(queueOf(c, lane.Channel))) {
				return false
			}
			tx.reopen(c, ch, 0, "queued again, because its thread was not opened")
		}
	}
	return true
}

// hasRoom reports whether a repair may add n more changes to the record. The first step of a repair may add any
// number.
func (tx *Transaction) hasRoom(n int) bool {
	have := len(tx.record.GetChanges()) - tx.repairFrom
	return have == 0 || have+n <= maxRepairChanges
}

// lacksThread reports whether deliveries to a channel need a thread that is neither live nor being opened.
func lacksThread(c *state.Conversation, channel string) bool {
	if th := c.Threads[channel]; th != nil && th.Live {
		return false
	}
	return !isOpening(c, channel) &&
		slices.ContainsFunc(queueOf(c, channel), func(d state.Delivery) bool { return d.Thread == "" })
}
