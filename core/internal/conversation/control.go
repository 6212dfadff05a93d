package conversation

import (
	"slices"
	"strconv"

	"patchbay/core/internal/journal"
	"patchbay/core/internal/route"
	"patchbay/sdk/envelope"
)

// move says why control moves, which decides whether the bounce limit holds.
type move int

const (
	moveByRule   move = iota // counts and is limited
	moveFree                 // the owner is gone: never limited
	moveAccepted             // a channel took an offer: never limited, and the thread it was asked on is the term's
)

// pass moves control now. Passing to the owner changes nothing. It reports whether control moved.
func (tx *Transaction) pass(c *Conversation, to, reason string, how move) bool {
	if to == route.Home {
		to = c.Home
	}
	ch := tx.policy.Channels[to]
	if to == c.Owner || ch == nil {
		return false
	}
	if how == moveByRule && tx.bounced(c, reason) {
		return false
	}
	from := c.Owner
	if c.Offer != nil {
		tx.endOffer(c, OfferWithdrawn, "control passed to "+to)
	}
	tx.add(c.ID, &journal.Change_Passed{Passed: &journal.Passed{Owner: to, From: from, Epoch: c.Epoch + 1, Reason: reason}})
	if th := c.Threads[to]; th != nil && th.Live && (!ch.PerEpoch || how == moveAccepted) {
		tx.add(c.ID, &journal.Change_Linked{Linked: &journal.Linked{Channel: to, Thread: th.ID, Epoch: c.Epoch}})
	}
	items := tx.takeBack(c, from)
	tx.release(c, from)
	tx.mark(c, tx.policy.Channels[c.Channel], "", envelope.KindPassed, map[string]string{
		"owner": to, "owner_role": string(ch.Role), "reason": reason, "epoch": strconv.FormatUint(c.Epoch, 10),
	})
	if ch.Role == envelope.RoleAgent {
		tx.reach(c, ch, false)
		tx.transcript(c, ch, items)
	}
	for _, it := range items {
		tx.follow(c, it, items)
	}
	tx.event(c, route.EventPassed, &aboutEvent{channel: to, role: ch.Role, reason: reason})
	return true
}

// bounced reports whether the bounce limit keeps control where it is, and notes it.
func (tx *Transaction) bounced(c *Conversation, reason string) bool {
	if tx.policy.Bounces <= 0 || c.recent(tx.at) < tx.policy.Bounces {
		return false
	}
	tx.add(c.ID, &journal.Change_Routed{Routed: &journal.Routed{
		Event:  "move",
		Errors: []string{reason + ": bounce limit of " + strconv.Itoa(tx.policy.Bounces) + " moves an hour; control stays"},
	}})
	return true
}

// takeBack ends every delivery to the former owner that is not recorded delivered, the one in flight included,
// but for those that name a thread (notices that a thread has ended) and copies. It returns the customer's words
// among them with what was held, in order: they follow control.
func (tx *Transaction) takeBack(c *Conversation, from string) []Item {
	items := slices.Clone(c.Held)
	for _, d := range queued(c, from) {
		switch {
		case d.Kind == KindSend && d.Follows:
			tx.end(c, &d, StatusMoved, "control moved")
			items = append(items, d.Item)
			if d.Pieces > 1 {
				tx.mergeLetters(c.ID, d.Item.Pos, "")
			}
		case d.Kind == KindOpen || d.Kind == KindTranscript || d.Thread == "" && !d.Copy:
			tx.end(c, &d, StatusDropped, "control moved")
		}
	}
	slices.SortFunc(items, func(a, b Item) int { return a.Pos.compare(b.Pos) })
	return slices.CompactFunc(items, func(a, b Item) bool { return a.Pos == b.Pos })
}

// release tells an agent desk that it no longer has the conversation.
func (tx *Transaction) release(c *Conversation, from string) {
	th, ch := c.Threads[from], tx.policy.Channels[from]
	if th == nil || !th.Live || ch == nil || ch.Role != envelope.RoleAgent {
		return
	}
	tx.mark(c, ch, th.ID, envelope.KindDisconnected, map[string]string{"reason": "control_moved"})
	tx.unlink(c, from)
}

// departed reports whether the owner has left, has not been called back, and is not home itself.
func (c *Conversation) departed() bool {
	th := c.Threads[c.Owner]
	return th != nil && !th.Live && c.Home != c.Owner && !opening(c, c.Owner)
}

// opening reports whether a thread of this term is being opened for the channel.
func opening(c *Conversation, channel string) bool {
	return slices.ContainsFunc(queued(c, channel), func(d Delivery) bool { return d.Kind == KindOpen && d.Epoch == c.Epoch })
}

func (tx *Transaction) unlink(c *Conversation, channel string) {
	if th := c.Threads[channel]; th != nil && th.Live {
		tx.add(c.ID, &journal.Change_Unlinked{Unlinked: &journal.Unlinked{Channel: channel}})
	}
}

// queued copies the deliveries of a lane, so that the lane may change meanwhile.
func queued(c *Conversation, channel string) []Delivery {
	if l := c.lane(channel); l != nil {
		return slices.Clone(l.Queue)
	}
	return nil
}

func (tx *Transaction) end(c *Conversation, d *Delivery, status, text string) {
	tx.add(c.ID, &journal.Change_Ended{Ended: &journal.Ended{
		Delivery: d.ID, Status: status, Text: text, Channel: d.Channel, Attempts: d.Attempts,
	}})
	tx.notOpened(c, d)
}
