package conversation

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"patchbay/core/internal/journal"
	"patchbay/core/internal/state"
)

// ErrNoDeadLetter means that no dead letter has the id.
var ErrNoDeadLetter = errors.New("no such dead letter")

// DeadLetterError is the reason why a dead letter could not be replayed or dropped.
type DeadLetterError struct {
	ID  string
	Err error
}

// Error returns the id and the reason.
func (e *DeadLetterError) Error() string { return "dead letter " + e.ID + ": " + e.Err.Error() }

// Unwrap returns the reason.
func (e *DeadLetterError) Unwrap() error { return e.Err }

func deadLetterError(id, format string, args ...any) error {
	return &DeadLetterError{id, fmt.Errorf(format, args...)}
}

// giveUp gives up a delivery. If it is the open of an offer, the offer to this channel fails. Otherwise the rules for
// delivery_failed run, and the delivery becomes a dead letter if they do not move its messages. With an open, the
// deliveries that need its thread are given up too.
func (tx *Transaction) giveUp(c *state.Conversation, d *state.Delivery, f failure) {
	if d.Kind == state.KindOpen && d.Offer {
		tx.endDelivery(c, d, state.StatusDropped, "offer failed: "+f.text)
		if c.Offer != nil && c.Offer.Target == d.Channel {
			tx.failOffer(c, state.OfferUnreachable, f.kind)
		}
		return
	}
	if tx.runDeliveryFailed(c, d, f) {
		return
	}
	var messages []state.Delivery
	if d.Kind == state.KindOpen {
		messages = tx.endDependents(c, d, f.kind, "its thread could not be opened: "+f.text)
	}
	tx.deadLetter(c, d, f.kind, f.text, messages...)
}

// dependentsOf returns the deliveries that need the thread of an open.
func dependentsOf(c *state.Conversation, open *state.Delivery) []state.Delivery {
	var out []state.Delivery
	lane := queueOf(c, open.Channel)
	for i := 1 + slices.IndexFunc(lane, func(d state.Delivery) bool { return d.ID == open.ID }); i < len(lane); i++ {
		if lane[i].Kind == state.KindOpen { // the next deliveries need the thread of this open
			break
		}
		if lane[i].Thread == "" { // a delivery that names its thread does not need the new one
			out = append(out, lane[i])
		}
	}
	return out
}

// endDependents ends the deliveries that need the thread of an open, and returns the messages among them. The other
// ended deliveries are transcripts, closing, typing and read events, which are dropped.
func (tx *Transaction) endDependents(c *state.Conversation, open *state.Delivery, kind, text string) []state.Delivery {
	var messages []state.Delivery
	for _, next := range dependentsOf(c, open) {
		if isClosingEvent(&next) || next.Kind == state.KindTranscript || next.IsTriedOnce() {
			tx.endDelivery(c, &next, state.StatusDropped, text)
			continue
		}
		tx.endDead(c, &next, kind, text)
		messages = append(messages, next)
	}
	return messages
}

// deadLetter ends a delivery and keeps it as a dead letter, with the messages that have ended because of it. With
// delivery.then: block, the lane stops at this dead letter. Typing and read events are dropped instead.
func (tx *Transaction) deadLetter(c *state.Conversation, d *state.Delivery, kind, text string, messages ...state.Delivery) {
	if d.IsTriedOnce() {
		tx.endFailed(c, d, state.StatusDropped, kind, text)
		return
	}
	tx.endDead(c, d, kind, text)
	dead := &journal.DeadLettered{
		Delivery: d.Proto(), Error: kind, Text: text, Attempts: d.Attempts, QueuedAt: d.QueuedAt.UnixNano(),
		Blocks: tx.blocks(c, d, kind),
	}
	follows := d.Follows
	for i := range messages {
		dead.Messages = append(dead.Messages, messages[i].Proto())
		follows = follows || messages[i].Follows
	}
	if follows {
		dead.CustomerChannel, dead.CustomerThread = c.Channel, c.Thread
		dead.SenderId, dead.SenderName = c.SenderID, c.SenderName
	}
	tx.add(c.ID, &journal.Change_DeadLettered{DeadLettered: dead})
	tx.wakePending(c, d)
}

// blocks reports whether a lane stops at the dead letter of a delivery.
func (tx *Transaction) blocks(c *state.Conversation, d *state.Delivery, kind string) bool {
	ch := tx.policy.Channels[d.Channel]
	return ch != nil && ch.Block && c.Closing == "" && c.Blocked[d.Channel] == "" && kind != errorOverflow
}

// takeBlocked returns the customer's messages in the dead letter at which the lane of an owner stops: they follow
// control. It ends this dead letter if it contains such messages.
func (tx *Transaction) takeBlocked(c *state.Conversation, owner string) []state.Item {
	dead := tx.layer.DeadLetter(c.Blocked[owner])
	if dead == nil {
		return nil
	}
	var items []state.Item
	for _, m := range dead.Deliveries() {
		if m.Follows {
			items = append(items, m.Items()...)
		}
	}
	if len(items) > 0 {
		tx.endDeadLetter(dead, state.StatusMoved, "")
	}
	return items
}

func (tx *Transaction) endDead(c *state.Conversation, d *state.Delivery, kind, text string) {
	tx.endFailed(c, d, state.StatusDead, kind, text)
}

// endFailed removes a delivery from its lane because of an error.
func (tx *Transaction) endFailed(c *state.Conversation, d *state.Delivery, status, kind, text string) {
	tx.add(c.ID, &journal.Change_Ended{Ended: &journal.Ended{
		Delivery: d.ID, Status: status, Error: kind, Text: text, Attempts: d.Attempts, Channel: d.Channel,
	}})
}

// ConversationOfDeadLetter returns the conversation of a dead letter, or "" if it has none or does not exist.
func (tx *Transaction) ConversationOfDeadLetter(id string) string {
	if d := tx.layer.DeadLetter(id); d != nil {
		return d.Conversation
	}
	return ""
}

// DropDeadLetter ends a dead letter without a replay.
func (tx *Transaction) DropDeadLetter(id string) error {
	d := tx.layer.DeadLetter(id)
	if d == nil {
		return &DeadLetterError{ID: id, Err: ErrNoDeadLetter}
	}
	tx.endDeadLetter(d, state.StatusDropped, "")
	return nil
}

// TooManyDeadLetters reports whether more dead letters are kept than the limits allow.
func TooManyDeadLetters(s *state.State) bool {
	copies := s.DeadCopyCount()
	return copies > MaxDeadCopies || s.DeadLetterCount()-copies > MaxDeadLetters
}

// ExpireDeadLetters ends the dead letters from before the given time and those that need a record before
// oldestRecord, the oldest one in the log. If there are none and more than MaxDeadLetters or MaxDeadCopies are kept,
// it ends the oldest ones. It ends at most maxExpiredAtOnce and reports whether more are due.
func (tx *Transaction) ExpireDeadLetters(before time.Time, oldestRecord uint64) (more bool) {
	tx.oldestRecord = oldestRecord
	all, copies := tx.layer.DeadLetterCount(), tx.layer.DeadCopyCount()
	tooMany := map[bool]bool{false: all-copies > MaxDeadLetters, true: copies > MaxDeadCopies}
	var due, rest []*state.DeadLetter
	tx.layer.EachDeadLetter(func(d *state.DeadLetter) {
		if oldest := d.OldestRecord(); d.At.Before(before) || oldest != 0 && oldest < oldestRecord {
			due = append(due, d)
		} else if tooMany[d.Delivery.Copy] {
			rest = append(rest, d)
		}
	})
	slices.SortFunc(due, (*state.DeadLetter).Compare)
	if len(due) == 0 { // a whole group expires, so that not every new dead letter needs this search
		slices.SortFunc(rest, (*state.DeadLetter).Compare)
		due = rest[:min(maxExpiredAtOnce, len(rest))]
	}
	more = len(due) > maxExpiredAtOnce
	for _, d := range due[:min(len(due), maxExpiredAtOnce)] {
		tx.endDeadLetter(d, state.StatusExpired, "")
	}
	return more
}

// mergeDeadLetters ends the dead letters that are pieces of the message at p, because the whole message is sent again.
// It keeps the dead letter with the id except.
func (tx *Transaction) mergeDeadLetters(conv string, p state.Position, except string) {
	var pieces []*state.DeadLetter
	tx.layer.EachDeadLetter(func(d *state.DeadLetter) {
		if d.Delivery.ID != except && d.Conversation == conv && d.IsPieceOf(p) {
			pieces = append(pieces, d)
		}
	})
	slices.SortFunc(pieces, (*state.DeadLetter).Compare)
	for _, d := range pieces {
		tx.endDeadLetter(d, state.StatusMerged, "")
	}
}

func (tx *Transaction) endDeadLetter(d *state.DeadLetter, status, delivery string) {
	tx.add(d.Conversation, &journal.Change_DeadLetterEnded{DeadLetterEnded: &journal.DeadLetterEnded{
		Dead: d.Delivery.ID, Status: status, Delivery: delivery,
	}})
}
