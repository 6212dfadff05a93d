// Package trail answers "where is my message?": it follows the log and tells, for any id, what happened in the
// conversation that it belongs to, step by step, and what is waiting now.
package trail

import (
	"context"
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"patchbay/core/internal/conversation"
	"patchbay/core/internal/journal"
	"patchbay/core/internal/store"
	"patchbay/sdk/protocol"
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
	State   *State    `json:"state,omitempty"` // if it is live
	Waiting []Waiting `json:"waiting,omitempty"`
}

// State is where a live conversation stands.
type State struct {
	Channel    string            `json:"channel"`
	Customer   string            `json:"customer"`
	Owner      string            `json:"owner"`
	Home       string            `json:"home"`
	Epoch      uint64            `json:"epoch"`
	OwnerSince time.Time         `json:"owner_since"`
	Handovers  uint32            `json:"handovers"`
	Offer      string            `json:"offer,omitempty"`
	OfferUntil time.Time         `json:"offer_until,omitzero"`
	Held       int               `json:"held,omitempty"`
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
	View(ctx context.Context, f func(*conversation.Book)) error
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

// Find returns the conversations that ids belong to, newest last. An id may be one of ours (envelope, delivery,
// conversation), the vendor's of a message, a thread, or a customer's. It reads the whole log that is kept, however
// many ids it looks for.
func (t *Trail) Find(ctx context.Context, ids []string, text bool) ([]*Conversation, error) {
	found := map[string]*Conversation{}
	var order []string
	wanted := make(map[string]bool, len(ids))
	for _, id := range ids {
		wanted[id] = true
	}
	strays := map[conversation.Position]bool{}
	if err := t.scan(ctx, func(seq uint64, r *journal.Record) {
		for _, conv := range append(matches(r, wanted), stray(strays, seq, r, wanted)...) {
			if found[conv] == nil {
				found[conv] = &Conversation{ID: conv}
				order = append(order, conv)
			}
		}
	}); err != nil {
		return nil, err
	}
	if most := maxConversations * len(ids); len(order) > most {
		for _, conv := range order[:len(order)-most] {
			delete(found, conv)
		}
		order = order[len(order)-most:]
	}
	if len(order) == 0 {
		return nil, nil
	}
	index := map[conversation.Position]string{}
	if err := t.scan(ctx, func(seq uint64, r *journal.Record) { collect(found, strays, index, seq, r, text) }); err != nil {
		return nil, err
	}
	if err := t.state(ctx, found); err != nil {
		return nil, err
	}
	out := make([]*Conversation, 0, len(order))
	for _, conv := range order {
		out = append(out, found[conv])
	}
	return out, nil
}

func (t *Trail) scan(ctx context.Context, f func(seq uint64, r *journal.Record)) error {
	return t.log.Read(ctx, 0, func(seq uint64, data []byte) error {
		r := &journal.Record{}
		if err := proto.Unmarshal(data, r); err != nil {
			return fmt.Errorf("read record %d: %w", seq, err)
		}
		f(seq, r)
		return ctx.Err()
	})
}

// matches returns the conversations that a record connects with one of the ids.
func matches(r *journal.Record, wanted map[string]bool) []string {
	var out []string
	for _, s := range r.GetEnvelopes() {
		if wanted[s.GetId()] && s.GetConversation() != "" {
			out = append(out, s.GetConversation())
		}
	}
	for _, ch := range r.GetChanges() {
		if conv := ch.GetConversation(); conv != "" && (wanted[conv] || slices.ContainsFunc(ids(ch), func(id string) bool { return wanted[id] })) {
			out = append(out, ch.GetConversation())
		}
	}
	return out
}

// ids returns every id that a change mentions.
func ids(ch *journal.Change) []string {
	switch k := ch.GetKind().(type) {
	case *journal.Change_Opened:
		return []string{k.Opened.GetThread(), k.Opened.GetSenderId()}
	case *journal.Change_Accepted:
		return []string{k.Accepted.GetVendorId(), k.Accepted.GetThread()}
	case *journal.Change_Duplicate:
		return []string{k.Duplicate.GetVendorId()}
	case *journal.Change_Linked:
		return []string{k.Linked.GetThread()}
	case *journal.Change_Queued:
		return []string{k.Queued.GetDelivery().GetId()}
	case *journal.Change_Ended:
		return []string{k.Ended.GetVendorId()}
	case *journal.Change_DeadLettered:
		return []string{k.DeadLettered.GetDelivery().GetId()}
	}
	return nil
}

// state adds what is live and what waits.
func (t *Trail) state(ctx context.Context, found map[string]*Conversation) error {
	return t.book.View(ctx, func(b *conversation.Book) {
		for id, out := range found {
			if c := b.Conversation(id); c != nil {
				out.Live, out.State, out.Waiting = true, describe(c), waiting(c)
			}
		}
	})
}

// textOf returns the words of a stored envelope.
func textOf(s *journal.Stored) string {
	e, err := protocol.DecodeEnvelope(s.GetEnvelope())
	if err != nil {
		return ""
	}
	return e.Text()
}
