package conversation

import (
	"errors"
	"fmt"
	"slices"

	"patchbay/core/internal/route"
	"patchbay/sdk/envelope"
)

// ErrNoDeadLetter means that there is no dead letter of that id.
var ErrNoDeadLetter = errors.New("no such dead letter")

// LetterError says why nothing could be done about a dead letter.
type DeadLetterError struct {
	ID  string
	Err error
}

// Error says why, and what to do.
func (e *DeadLetterError) Error() string { return "dead letter " + e.ID + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *DeadLetterError) Unwrap() error { return e.Err }

func refused(id, format string, args ...any) error {
	return &DeadLetterError{id, fmt.Errorf(format, args...)}
}

// Replay puts a dead letter back into a lane. It passes the fence again: the customer's words go to whoever has
// control now, in a new conversation if theirs has ended; what an owner said in an earlier term is not sent any more. It
// returns the status that the dead letter ended with, replayed or fenced.
func (tx *Transaction) ReplayDeadLetter(id string) (status, delivery string, err error) {
	defer tx.enter()()
	l, ok := tx.letters.get(id)
	if !ok {
		return "", "", &DeadLetterError{id, ErrNoDeadLetter}
	}
	d := &l.Delivery
	ch := tx.policy.Channels[d.Channel]
	low := l.oldest()
	switch {
	case low != 0 && low < tx.first:
		return "", "", refused(id, "its record is no longer kept; drop it")
	case d.Kind != KindSend:
		return "", "", refused(id, "a %s is not replayed, the next message brings a new one; drop it", d.Kind)
	case !d.Follows && ch == nil:
		return "", "", refused(id, "channel %s is not in the configuration; configure it, or drop the letter", d.Channel)
	}
	c, err := tx.recipient(l)
	if err != nil {
		return "", "", err
	}
	if !d.Follows && !d.Copy && d.Epoch != c.Epoch {
		tx.deadEnded(l, StatusFenced, "")
		return StatusFenced, "", nil
	}
	before := len(tx.rec.GetChanges())
	if anew := c.ID != l.Conversation || d.Epoch != c.Epoch; d.Follows && (d.Pieces <= 1 || anew) {
		tx.follow(c, d.Item, nil)
		if d.Pieces > 1 {
			tx.mergeLetters(l.Conversation, d.Item.Pos, id)
		}
	} else {
		tx.reach(c, ch, false)
		tx.requeue(c, d, 0, nil)
	}
	for _, change := range tx.rec.GetChanges()[before:] {
		if q := change.GetQueued(); q != nil && q.GetDelivery().GetKind() == KindSend {
			delivery = q.GetDelivery().GetId()
		}
	}
	tx.deadEnded(l, StatusReplayed, delivery)
	return StatusReplayed, delivery, nil
}

// recipient returns the conversation that a dead letter goes back to: its own, or, if that has ended and these are the
// customer's words, the one that the customer has now, opened if need be.
func (tx *Transaction) recipient(l *DeadLetter) (*Conversation, error) {
	id, who := l.Delivery.ID, l.Customer
	switch c := tx.mutable(l.Conversation); {
	case c == nil:
	case c.Closing == "":
		return c, nil
	case slices.ContainsFunc(queued(c, l.Delivery.Channel), func(d Delivery) bool { return d.Follows && d.Item.Pos == l.Delivery.Item.Pos }):
		return nil, refused(id, "other pieces of the message are still on their way in conversation %s, which has ended; "+
			"try again when they have arrived", l.Conversation)
	}
	if who == nil {
		return nil, refused(id, "conversation %s has ended; drop it", l.Conversation)
	}
	ch := tx.policy.Channels[who.Channel]
	if ch == nil || ch.Role != envelope.RoleCustomer {
		return nil, refused(id, "conversation %s has ended and %s is no customer's channel any more; drop it", l.Conversation, who.Channel)
	}
	if now, ok := tx.threads.get(ThreadKey{who.Channel, who.Thread}); ok {
		if c := tx.mutable(now); c.Closing == "" {
			return c, nil
		}
	}
	c := tx.mutable(tx.open(ch, who))
	tx.event(c, route.EventOpened, &aboutEvent{channel: ch.Name, role: ch.Role})
	return c, nil
}
