// Package trail answers "where is my message?": it tells, for any id, what happened in the conversation that it belongs
// to, step by step, and what is waiting now.
//
// The steps are in the log, which has no index. The search starts as late as it may: at the beginning of the live
// conversation that an id belongs to, or at the time that an id of the gateway's own was made (they are UUIDv7). Only an
// id that says neither, such as a vendor's id of a message, costs a look at every record. A record is decoded only if it
// mentions what is looked for.
package trail

import (
	"context"
	"time"

	"patchbay/core/internal/conversation"
	"patchbay/core/internal/store"
)

// Entry is one step. Fields that don't apply are empty.
type Entry struct {
	At       time.Time `json:"at"`
	Seq      uint64    `json:"seq"`
	What     string    `json:"what"` // accepted, queued, delivered, passed, …
	Channel  string    `json:"channel,omitempty"`
	Envelope string    `json:"envelope,omitempty"`
	VendorID string    `json:"vendor_id,omitempty"`
	Kind     string    `json:"kind,omitempty"`
	Role     string    `json:"role,omitempty"`
	Delivery string    `json:"delivery,omitempty"`
	Rule     string    `json:"rule,omitempty"`
	Detail   string    `json:"detail,omitempty"`
	Text     string    `json:"text,omitempty"` // only if it was asked for
}

// Conversation is one conversation's trail.
type Conversation struct {
	ID      string    `json:"id"` // "" for what never came to belong to one
	Live    bool      `json:"live"`
	Entries []Entry   `json:"entries"`
	State   *State    `json:"state,omitempty"` // if it is live, or closed by a rule a short while ago
	Waiting []Waiting `json:"waiting,omitempty"`
}

// State is where a live conversation stands.
type State struct {
	Channel    string            `json:"channel"`
	Customer   string            `json:"customer"`
	CustomerID string            `json:"customer_id"` // what vendors get whose ids are short
	Owner      string            `json:"owner"`
	Home       string            `json:"home"`
	Epoch      uint64            `json:"epoch"`
	OwnerSince time.Time         `json:"owner_since"`
	Handovers  uint32            `json:"handovers"`
	Offer      string            `json:"offer,omitempty"`
	OfferUntil time.Time         `json:"offer_until,omitzero"`
	Held       int               `json:"held,omitempty"`
	ClosedBy   string            `json:"closed_by,omitempty"` // the rule; what waits still goes out
	Threads    map[string]string `json:"threads"`
	Attributes map[string]string `json:"attributes,omitempty"`
	Created    time.Time         `json:"created"`
	Last       time.Time         `json:"last"`
}

// Waiting is a delivery that has not come to an end, and why not.
type Waiting struct {
	Delivery string    `json:"delivery"`
	Channel  string    `json:"channel"`
	Kind     string    `json:"kind"`
	Status   string    `json:"status"` // held, queued or retrying
	Attempts uint32    `json:"attempts,omitempty"`
	Next     time.Time `json:"next,omitzero"`
	Since    time.Time `json:"since,omitzero"`
	Why      string    `json:"why"`
}

// Book looks at the writer's state; see writer.Writer.View.
type Book interface {
	View(ctx context.Context, f func(*conversation.State)) error
}

// Trail reads one log.
type Trail struct {
	log  store.Log
	book Book
}

// New returns a trail over a log and the state that goes with it.
func New(log store.Log, book Book) *Trail { return &Trail{log, book} }

// maxConversations bounds what one id can bring up: a customer may have had many conversations.
const maxConversations = 20

// MaxIDs is how many ids one search takes.
const MaxIDs = 500

// Query is what to look for.
type Query struct {
	// IDs may be ours (of an envelope, a delivery, a conversation), the vendor's of a message, a thread, or a
	// customer's, also the short one that vendors get.
	IDs  []string
	Text bool // with what was said
	// All looks also for conversations that have ended if the id leads to a live one. It reads the whole log.
	All bool
}

// Find returns the conversations that ids belong to, newest last.
func (t *Trail) Find(ctx context.Context, q Query) ([]*Conversation, error) {
	from, live, err := t.start(ctx, q)
	if err != nil {
		return nil, err
	}
	s := newSearch(q, live)
	if err := t.scan(ctx, from, 0, s.see); err != nil {
		return nil, err
	}
	if from > t.log.Bounds().First && !s.complete() { // what looked like a time was none
		from, s = 0, newSearch(q, live)
		if err := t.scan(ctx, from, 0, s.see); err != nil {
			return nil, err
		}
	}
	s.ranFrom(from)
	if err := t.beginnings(ctx, s); err != nil {
		return nil, err
	}
	out := s.conversations()
	return out, t.state(ctx, out)
}

// beginnings adds what had happened in the conversations that were found before one of the ids came up: from the time
// that their own ids tell, and if that does not suffice, since the clock was put back, from the start of the log.
func (t *Trail) beginnings(ctx context.Context, s *search) error {
	ids, _ := s.unopened()
	if len(ids) == 0 {
		return nil
	}
	first := t.log.Bounds().First
	from := first
	if oldest, ok := earliest(ids); ok {
		var err error
		if from, err = t.since(ctx, oldest); err != nil {
			return err
		}
	}
	for _, from := range []uint64{from, first} {
		ids, upto := s.unopened()
		if len(ids) == 0 || upto <= from {
			continue
		}
		if err := t.scan(ctx, from, upto, s.see); err != nil {
			return err
		}
		s.sawFrom(from)
	}
	return nil
}

// state adds what is live and what waits.
func (t *Trail) state(ctx context.Context, found []*Conversation) error {
	if len(found) == 0 {
		return nil
	}
	return t.book.View(ctx, func(b *conversation.State) {
		for _, out := range found {
			if c := b.Conversation(out.ID); c != nil {
				out.Live, out.State, out.Waiting = c.Closing == "", describe(c), waiting(c)
			}
		}
	})
}
