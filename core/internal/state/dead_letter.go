package state

import (
	"cmp"
	"slices"
	"time"
)

// DeadLetter is a delivery that was given up, and for an open the messages that needed its thread.
type DeadLetter struct {
	Conversation string     `json:"conversation"`
	Delivery     Delivery   `json:"delivery"`
	Messages     []Delivery `json:"messages,omitempty"` // in order
	Error        string     `json:"error"`
	Text         string     `json:"text,omitempty"`
	Attempts     uint32     `json:"attempts"`
	At           time.Time  `json:"at"`
	Customer     *Customer  `json:"customer,omitempty"` // sender, if a delivery carries the customer's message
}

// Deliveries returns the delivery and the messages.
func (d *DeadLetter) Deliveries() []Delivery { return append([]Delivery{d.Delivery}, d.Messages...) }

// MessageCount returns the number of envelopes that a replay sends. The pieces of a message count once.
func (d *DeadLetter) MessageCount() int {
	seen := map[Position]bool{}
	for _, m := range d.Deliveries() {
		if m.Kind != KindSend {
			continue
		}
		for _, it := range m.Items() {
			seen[it.Pos] = true
		}
	}
	return len(seen)
}

// IsPieceOf reports whether the dead letter contains pieces of the customer's message at p, and no other message.
func (d *DeadLetter) IsPieceOf(p Position) bool {
	for _, m := range d.Deliveries() {
		if m.Kind == KindSend && (!m.Follows || m.Item.Pos != p) {
			return false
		}
	}
	return d.MessageCount() == 1
}

func (d *DeadLetter) has(delivery string) bool {
	return slices.ContainsFunc(d.Messages, func(m Delivery) bool { return m.ID == delivery })
}

// Customer is a customer as the vendor identifies them.
type Customer struct {
	Channel string `json:"channel"`
	Thread  string `json:"thread"`
	ID      string `json:"id,omitempty"`
	Name    string `json:"name,omitempty"`
}

// Compare orders dead letters by time.
func (d *DeadLetter) Compare(o *DeadLetter) int {
	return cmp.Or(d.At.Compare(o.At), cmp.Compare(d.Delivery.ID, o.Delivery.ID))
}

// OldestRecord returns the lowest sequence that a replay needs, or 0 if it needs none.
func (d *DeadLetter) OldestRecord() uint64 {
	low := uint64(0)
	for _, m := range d.Deliveries() {
		for _, it := range append(m.Items(), m.History...) {
			if s := it.Pos.Seq; s != 0 && (low == 0 || s < low) {
				low = s
			}
		}
	}
	return low
}

// DeadLetters returns the dead letters, oldest first.
func (s *State) DeadLetters() []*DeadLetter {
	out := make([]*DeadLetter, 0, len(s.deadLetters))
	for _, d := range s.deadLetters {
		out = append(out, d)
	}
	slices.SortFunc(out, (*DeadLetter).Compare)
	return out
}

// DeadLettersOf returns the dead letters of a conversation, oldest first.
func (s *State) DeadLettersOf(conv string) []*DeadLetter {
	var out []*DeadLetter
	for _, d := range s.deadLetters {
		if d.Conversation == conv {
			out = append(out, d)
		}
	}
	slices.SortFunc(out, (*DeadLetter).Compare)
	return out
}

// DeadLetter returns a dead letter by the id of its delivery or of one of its messages, or nil.
func (s *State) DeadLetter(id string) *DeadLetter {
	if d := s.deadLetters[id]; d != nil {
		return d
	}
	for _, d := range s.deadLetters {
		if d.has(id) {
			return d
		}
	}
	return nil
}

// DeadLetterCount returns the number of dead letters.
func (s *State) DeadLetterCount() int { return len(s.deadLetters) }

// DeadCopyCount returns the number of dead letters that are copies for observers.
func (s *State) DeadCopyCount() int { return s.deadCopies }

// DeadLetterClass is a group of dead letters with the same channel and kind of error.
type DeadLetterClass struct{ Channel, Error string }

// CountDeadLetters counts the dead letters by class.
func (s *State) CountDeadLetters() map[DeadLetterClass]int {
	n := map[DeadLetterClass]int{}
	for _, d := range s.deadLetters {
		n[DeadLetterClass{d.Delivery.Channel, d.Error}]++
	}
	return n
}
