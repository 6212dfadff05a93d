package state

import (
	"cmp"
	"slices"
	"time"
)

// DeadLetter is a delivery that was given up.
type DeadLetter struct {
	Conversation string    `json:"conversation"`
	Delivery     Delivery  `json:"delivery"`
	Error        string    `json:"error"`
	Text         string    `json:"text,omitempty"`
	Attempts     uint32    `json:"attempts"`
	At           time.Time `json:"at"`
	Customer     *Customer `json:"customer,omitempty"` // sender, if the delivery carries the customer's message
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
	low := d.Delivery.Item.Pos.Seq
	for _, it := range d.Delivery.History {
		if s := it.Pos.Seq; s != 0 && (low == 0 || s < low) {
			low = s
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

// DeadLetter returns a dead letter by its delivery's id, or nil.
func (s *State) DeadLetter(id string) *DeadLetter { return s.deadLetters[id] }

// DeadLetterCount returns the number of dead letters.
func (s *State) DeadLetterCount() int { return len(s.deadLetters) }

// DeadLetterClass groups dead letters in counts.
type DeadLetterClass struct{ Channel, Error string }

// CountDeadLetters counts the dead letters by class.
func (s *State) CountDeadLetters() map[DeadLetterClass]int {
	n := map[DeadLetterClass]int{}
	for _, d := range s.deadLetters {
		n[DeadLetterClass{d.Delivery.Channel, d.Error}]++
	}
	return n
}
