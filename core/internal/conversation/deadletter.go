package conversation

import (
	"errors"
	"fmt"
	"slices"

	"patchbay/core/internal/journal"
	"patchbay/sdk/envelope"
)

// ErrNoDeadLetter means that there is no dead letter of that id.
var ErrNoDeadLetter = errors.New("no such dead letter")

// Replay puts a dead letter back into a lane. It passes the fence again: the customer's words go to whoever has
// control now; what an owner said in an earlier term is not sent any more. It returns the status that the
// dead letter ended with, replayed or fenced.
func (t *Turn) Replay(id string) (status, delivery string, err error) {
	dl, ok := t.letters.get(id)
	if !ok {
		return "", "", fmt.Errorf("replay %s: %w", id, ErrNoDeadLetter)
	}
	c := t.mutable(dl.Conversation)
	d := dl.Delivery
	ch := t.policy.Channels[d.Channel]
	switch {
	case c == nil:
		return "", "", fmt.Errorf("replay %s: conversation %s has ended", id, dl.Conversation)
	case !d.Follows && ch == nil:
		return "", "", fmt.Errorf("replay %s: channel %s is not in the configuration", id, d.Channel)
	case d.Kind != KindSend:
		return "", "", fmt.Errorf("replay %s: a %s is not replayed; the next message brings a new one", id, d.Kind)
	case !d.Follows && !d.Copy && d.Epoch != c.Epoch:
		t.deadEnded(c, id, StatusFenced, "")
		return StatusFenced, "", nil
	}
	before := len(t.rec.GetChanges())
	if d.Follows && (d.Pieces <= 1 || d.Epoch != c.Epoch) {
		t.follow(c, d.Item, nil)
		if d.Pieces > 1 {
			t.mergeLetters(c, d.Item.Pos, id)
		}
	} else {
		t.reach(c, ch, false)
		t.requeue(c, &d, 0, nil)
	}
	for _, change := range t.rec.GetChanges()[before:] {
		if q := change.GetQueued(); q != nil && q.GetDelivery().GetKind() == KindSend {
			delivery = q.GetDelivery().GetId()
		}
	}
	t.deadEnded(c, id, "replayed", delivery)
	return "replayed", delivery, nil
}

// mergeLetters ends the dead letters of a message's pieces, but for one: the whole message goes out anew.
func (t *Turn) mergeLetters(c *Conversation, p Position, but string) {
	var ids []string
	see := func(id string, l *DeadLetter) {
		if id != but && l.Conversation == c.ID && l.Delivery.Follows && l.Delivery.Item.Pos == p {
			ids = append(ids, id)
		}
	}
	for id, l := range t.letters.base {
		if !t.letters.gone[id] && t.letters.over[id] == nil {
			see(id, l)
		}
	}
	for id, l := range t.letters.over {
		see(id, l)
	}
	slices.Sort(ids)
	for _, id := range ids {
		t.deadEnded(c, id, StatusMerged, "")
	}
}

func (t *Turn) deadEnded(c *Conversation, id, status, delivery string) {
	t.add(c.ID, &journal.Change_DeadEnded{DeadEnded: &journal.DeadEnded{Dead: id, Status: status, Delivery: delivery}})
}

// Undecided keeps an inbound envelope that no decision could be made on: it is stored, and a dead letter says why.
func (t *Turn) Undecided(in *Inbound, why string) {
	pos := t.store(in.Bytes, in.Envelope, nil)
	id, _ := t.threads.get(threadKey{in.Channel, in.Envelope.Thread})
	t.add(id, &journal.Change_DeadLettered{DeadLettered: &journal.DeadLettered{
		Delivery: &journal.Delivery{
			Id: t.newID(), Channel: in.Channel, Kind: KindSend, Item: itemOf(pos, in.Envelope).proto(),
			Follows: in.Envelope.Sender.Role == envelope.RoleCustomer,
		},
		Error: "undecided", Text: why, QueuedAt: t.at.UnixNano(),
	}})
}
