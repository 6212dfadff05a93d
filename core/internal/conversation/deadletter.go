package conversation

import (
	"cmp"
	"slices"
	"time"

	"patchbay/core/internal/journal"
	"patchbay/sdk/envelope"
)

// Dead returns the dead letters, oldest first.
func (b *State) DeadLetters() []*DeadLetter {
	out := make([]*DeadLetter, 0, len(b.dead))
	for _, d := range b.dead {
		out = append(out, d)
	}
	slices.SortFunc(out, (*DeadLetter).compare)
	return out
}

// DeadLetter returns one dead letter by its delivery's id, or nil.
func (b *State) DeadLetter(id string) *DeadLetter { return b.dead[id] }

// Letters returns the number of dead letters.
func (b *State) DeadLetterCount() int { return len(b.dead) }

// LetterClass is what dead letters are counted by.
type DeadLetterClass struct{ Channel, Error string }

// CountDead counts the dead letters. It is cheaper than Dead.
func (b *State) CountDeadLetters() map[DeadLetterClass]int {
	n := map[DeadLetterClass]int{}
	for _, d := range b.dead {
		n[DeadLetterClass{d.Delivery.Channel, d.Error}]++
	}
	return n
}

// compare orders dead letters by when they were given up.
func (d *DeadLetter) compare(o *DeadLetter) int {
	return cmp.Or(d.At.Compare(o.At), cmp.Compare(d.Delivery.ID, o.Delivery.ID))
}

// oldest returns the lowest sequence that the letter needs, or 0.
func (d *DeadLetter) oldest() uint64 {
	low := d.Delivery.Item.Pos.Seq
	for _, it := range d.Delivery.History {
		if s := it.Pos.Seq; s != 0 && (low == 0 || s < low) {
			low = s
		}
	}
	return low
}

// Drop ends a dead letter for good.
func (tx *Transaction) DropDeadLetter(id string) error {
	l, ok := tx.letters.get(id)
	if !ok {
		return &DeadLetterError{ID: id, Err: ErrNoDeadLetter}
	}
	tx.deadEnded(l, StatusDropped, "")
	return nil
}

// Expire ends the dead letters that were given up before a time, those that need a record below first, the oldest in
// the log, and the oldest ones if there are too many; a bounded number at once. It reports whether there may be more.
func (tx *Transaction) ExpireDeadLetters(before time.Time, first uint64) (more bool) {
	tx.first = first
	surplus := tx.letters.len() > MaxDeadLetters
	var ended, rest []*DeadLetter
	tx.letters.each(func(_ string, l *DeadLetter) {
		if low := l.oldest(); l.At.Before(before) || low != 0 && low < first {
			ended = append(ended, l)
		} else if surplus {
			rest = append(rest, l)
		}
	})
	slices.SortFunc(ended, (*DeadLetter).compare)
	if surplus && len(ended) == 0 { // a whole record's worth, so that the next one too many is some time off
		slices.SortFunc(rest, (*DeadLetter).compare)
		ended = rest[:min(maxExpiredAtOnce, len(rest))]
	}
	more = len(ended) > maxExpiredAtOnce
	for _, l := range ended[:min(len(ended), maxExpiredAtOnce)] {
		tx.deadEnded(l, StatusExpired, "")
	}
	return more
}

// mergeLetters ends the dead letters of a message's pieces, but for one: the whole message goes out anew.
func (tx *Transaction) mergeLetters(conv string, p Position, but string) {
	var pieces []*DeadLetter
	tx.letters.each(func(id string, l *DeadLetter) {
		if id != but && l.Conversation == conv && l.Delivery.Follows && l.Delivery.Item.Pos == p {
			pieces = append(pieces, l)
		}
	})
	slices.SortFunc(pieces, (*DeadLetter).compare)
	for _, l := range pieces {
		tx.deadEnded(l, StatusMerged, "")
	}
}

func (tx *Transaction) deadEnded(l *DeadLetter, status, delivery string) {
	tx.add(l.Conversation, &journal.Change_DeadLetterEnded{DeadLetterEnded: &journal.DeadLetterEnded{
		Dead: l.Delivery.ID, Status: status, Delivery: delivery,
	}})
}

// Undecided keeps an inbound envelope that no decision could be made on: it is stored, and a dead letter says why.
func (tx *Transaction) KeepUndecided(in *Inbound, why string) {
	e := in.Envelope
	pos := tx.store(in.Bytes, e, nil)
	id, _ := tx.threads.get(ThreadKey{in.Channel, e.Thread})
	l := &journal.DeadLettered{
		Delivery: &journal.Delivery{
			Id: tx.newID(), Channel: in.Channel, Kind: KindSend, Item: itemOf(pos, e).proto(),
			Follows: e.Sender.Role == envelope.RoleCustomer,
		},
		Error: "undecided", Text: why, QueuedAt: tx.at.UnixNano(),
	}
	if l.Delivery.Follows {
		l.CustomerChannel, l.CustomerThread, l.SenderId, l.SenderName = in.Channel, e.Thread, e.Sender.ID, e.Sender.Name
	}
	tx.add(id, &journal.Change_DeadLettered{DeadLettered: l})
}
