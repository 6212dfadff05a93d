package conversation

import (
	"cmp"
	"slices"
	"time"

	"patchbay/core/internal/journal"
	"patchbay/sdk/envelope"
)

// Dead returns the dead letters, oldest first.
func (b *Book) Dead() []*DeadLetter {
	out := make([]*DeadLetter, 0, len(b.dead))
	for _, d := range b.dead {
		out = append(out, d)
	}
	slices.SortFunc(out, (*DeadLetter).compare)
	return out
}

// DeadLetter returns one dead letter by its delivery's id, or nil.
func (b *Book) DeadLetter(id string) *DeadLetter { return b.dead[id] }

// Letters returns the number of dead letters.
func (b *Book) Letters() int { return len(b.dead) }

// LetterClass is what dead letters are counted by.
type LetterClass struct{ Channel, Error string }

// CountDead counts the dead letters. It is cheaper than Dead.
func (b *Book) CountDead() map[LetterClass]int {
	n := map[LetterClass]int{}
	for _, d := range b.dead {
		n[LetterClass{d.Delivery.Channel, d.Error}]++
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
func (t *Turn) Drop(id string) error {
	l, ok := t.letters.get(id)
	if !ok {
		return &LetterError{ID: id, Err: ErrNoDeadLetter}
	}
	t.deadEnded(l, StatusDropped, "")
	return nil
}

// Expire ends the dead letters that were given up before a time, those that need a record below first, the oldest in
// the log, and the oldest ones if there are too many; a bounded number at once. It reports whether there may be more.
func (t *Turn) Expire(before time.Time, first uint64) (more bool) {
	t.first = first
	surplus := t.letters.len() > MaxLetters
	var ended, rest []*DeadLetter
	t.letters.each(func(_ string, l *DeadLetter) {
		if low := l.oldest(); l.At.Before(before) || low != 0 && low < first {
			ended = append(ended, l)
		} else if surplus {
			rest = append(rest, l)
		}
	})
	slices.SortFunc(ended, (*DeadLetter).compare)
	if surplus && len(ended) == 0 { // a whole record's worth, so that the next one too many is some time off
		slices.SortFunc(rest, (*DeadLetter).compare)
		ended = rest[:min(lettersAtOnce, len(rest))]
	}
	more = len(ended) > lettersAtOnce
	for _, l := range ended[:min(len(ended), lettersAtOnce)] {
		t.deadEnded(l, StatusExpired, "")
	}
	return more
}

// mergeLetters ends the dead letters of a message's pieces, but for one: the whole message goes out anew.
func (t *Turn) mergeLetters(conv string, p Position, but string) {
	var pieces []*DeadLetter
	t.letters.each(func(id string, l *DeadLetter) {
		if id != but && l.Conversation == conv && l.Delivery.Follows && l.Delivery.Item.Pos == p {
			pieces = append(pieces, l)
		}
	})
	slices.SortFunc(pieces, (*DeadLetter).compare)
	for _, l := range pieces {
		t.deadEnded(l, StatusMerged, "")
	}
}

func (t *Turn) deadEnded(l *DeadLetter, status, delivery string) {
	t.add(l.Conversation, &journal.Change_DeadEnded{DeadEnded: &journal.DeadEnded{
		Dead: l.Delivery.ID, Status: status, Delivery: delivery,
	}})
}

// Undecided keeps an inbound envelope that no decision could be made on: it is stored, and a dead letter says why.
func (t *Turn) Undecided(in *Inbound, why string) {
	e := in.Envelope
	pos := t.store(in.Bytes, e, nil)
	id, _ := t.threads.get(threadKey{in.Channel, e.Thread})
	l := &journal.DeadLettered{
		Delivery: &journal.Delivery{
			Id: t.newID(), Channel: in.Channel, Kind: KindSend, Item: itemOf(pos, e).proto(),
			Follows: e.Sender.Role == envelope.RoleCustomer,
		},
		Error: "undecided", Text: why, QueuedAt: t.at.UnixNano(),
	}
	if l.Delivery.Follows {
		l.CustomerChannel, l.CustomerThread, l.SenderId, l.SenderName = in.Channel, e.Thread, e.Sender.ID, e.Sender.Name
	}
	t.add(id, &journal.Change_DeadLettered{DeadLettered: l})
}
