package state

import (
	"slices"
	"time"

	"patchbay/core/internal/journal"
)

// Kinds of deliveries.
const (
	KindSend       = "send"       // an envelope or a piece of one
	KindOpen       = "open"       // creates the vendor's conversation
	KindTranscript = "transcript" // the history that the channel has not seen, as text
)

// Delivery is one message to one channel. It takes one successful call to the vendor.
type Delivery struct {
	ID       string    `json:"id"`
	Channel  string    `json:"ch"`
	Kind     string    `json:"k"`
	Item     Item      `json:"it,omitzero"`
	Piece    uint32    `json:"pc,omitempty"` // index of the piece, from 0
	Pieces   uint32    `json:"ps,omitempty"` // 0 and 1 mean undivided
	Epoch    uint64    `json:"e"`            // of the conversation when the delivery was queued
	Joined   []Item    `json:"j,omitempty"`  // later messages of the customer; each text is a line after the text of Item
	History  []Item    `json:"h,omitempty"`
	Offer    bool      `json:"o,omitempty"`  // an open that offers the conversation to the channel
	Reason   string    `json:"r,omitempty"`  // rule or cause; ReasonTyping or ReasonRead of such an event
	Thread   string    `json:"th,omitempty"` // if not the channel's current thread
	Follows  bool      `json:"f,omitempty"`  // carries the customer's message, so it follows control
	Answer   bool      `json:"an,omitempty"` // carries an owner's message to the customer
	Copy     bool      `json:"cp,omitempty"` // for an observer, or the open of its thread
	Decision Decision  `json:"dn,omitzero"`  // about the original of a copy
	Reopened uint32    `json:"ro,omitempty"` // how often it was queued again because the vendor lost the thread
	QueuedAt time.Time `json:"q"`
	Attempts uint32    `json:"a,omitempty"` // calls that have failed
	NextAt   time.Time `json:"n,omitzero"`  // earliest time of the next attempt
	// NotCalled is set if the last failure happened before the vendor was called. Such a failure does not count as an
	// attempt.
	NotCalled bool `json:"nc,omitempty"`
	// Answered is set if the owner wrote to the customer while the delivery was at the head of its lane. This message
	// may be the answer to the delivery, whose outcome is not known yet.
	Answered   bool          `json:"aw,omitempty"`
	AnswerWait time.Duration `json:"wt,omitempty"` // finished waits for answers of the owner, see AnswerWaitTime
	Error      string        `json:"er,omitempty"` // kind of the last error
	Text       string        `json:"tx,omitempty"` // text of the last error
}

// Reasons of the deliveries of events that are worth nothing later.
const (
	ReasonTyping = "typing"
	ReasonRead   = "read"
)

// IsTriedOnce reports whether the delivery carries a typing or read event. Such a delivery ends with its first outcome,
// because messages wait behind it.
func (d *Delivery) IsTriedOnce() bool {
	return d.Kind == KindSend && !d.Copy && (d.Reason == ReasonTyping || d.Reason == ReasonRead)
}

// Decision is the decision about a message: StatusSent, StatusHeld, StatusDropped or StatusUnrouted. It is zero for other
// envelopes.
type Decision struct {
	Status  string `json:"s"`
	Channel string `json:"c,omitempty"` // that the message was sent to
}

// Proto returns the delivery as the journal encodes it, without its attempts.
func (d *Delivery) Proto() *journal.Delivery {
	p := &journal.Delivery{
		Id: d.ID, Channel: d.Channel, Kind: d.Kind, Piece: d.Piece, Pieces: d.Pieces, Epoch: d.Epoch, Offer: d.Offer,
		Reason: d.Reason, Thread: d.Thread, Follows: d.Follows, Answer: d.Answer, Copy: d.Copy,
		Decision: d.Decision.Status, DecisionChannel: d.Decision.Channel, Reopened: d.Reopened,
	}
	if d.Item.Pos.Seq != 0 {
		p.Item = d.Item.Proto()
	}
	for _, it := range d.Joined {
		p.Joined = append(p.Joined, it.Proto())
	}
	for _, h := range d.History {
		p.History = append(p.History, h.Proto())
	}
	return p
}

// Items returns the envelopes that the delivery carries, in order, without the history.
func (d *Delivery) Items() []Item { return append([]Item{d.Item}, d.Joined...) }

// has reports whether the delivery carries an envelope.
func (d *Delivery) has(p Position) bool {
	return d.Item.Pos == p || slices.ContainsFunc(d.Joined, func(it Item) bool { return it.Pos == p })
}

func toDelivery(d *journal.Delivery, queuedAt time.Time) Delivery {
	out := Delivery{
		ID: d.GetId(), Channel: d.GetChannel(), Kind: d.GetKind(), Item: toItem(d.GetItem()), Piece: d.GetPiece(),
		Pieces: d.GetPieces(), Epoch: d.GetEpoch(), Offer: d.GetOffer(), Reason: d.GetReason(), Thread: d.GetThread(),
		Follows: d.GetFollows(), Answer: d.GetAnswer(), Copy: d.GetCopy(),
		Decision: Decision{d.GetDecision(), d.GetDecisionChannel()}, Reopened: d.GetReopened(), QueuedAt: queuedAt,
	}
	for _, it := range d.GetJoined() {
		out.Joined = append(out.Joined, toItem(it))
	}
	for _, h := range d.GetHistory() {
		out.History = append(out.History, toItem(h))
	}
	return out
}

// Lane is the ordered queue of one conversation towards one channel. Only its head is ever in flight. The elements of a
// queue never change: values of the conversation share them.
type Lane struct {
	Channel string     `json:"ch"`
	Queue   []Delivery `json:"q"`
}

// own replaces the queue by a copy that a fold may change, and returns the copy. It returns nil without a lane.
func (l *Lane) own() []Delivery {
	if l == nil {
		return nil
	}
	l.Queue = slices.Clone(l.Queue)
	return l.Queue
}
