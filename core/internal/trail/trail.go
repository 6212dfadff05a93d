// Package trail returns the trails of messages. For any id, it returns the conversations that the id belongs to: all
// steps from the log, and the pending deliveries.
//
// The log has no index, so a search reads records in order. It starts as late as possible: at the beginning of a live
// conversation, or at the time in an id of the gateway (a UUIDv7). Other ids, such as a vendor's message id, need a
// scan of the whole log. Only records that contain a searched id are decoded.
package trail

import (
	"context"
	"time"

	"patchbay/core/internal/state"
	"patchbay/core/internal/store"
)

// Entry is one step of a trail. Fields that do not apply are empty.
type Entry struct {
	At       time.Time `json:"at"`
	Seq      uint64    `json:"seq"`
	Step     string    `json:"step"` // accepted, queued, delivered, passed, …
	Channel  string    `json:"channel,omitempty"`
	Envelope string    `json:"envelope,omitempty"`
	VendorID string    `json:"vendor_id,omitempty"`
	Kind     string    `json:"kind,omitempty"`
	Role     string    `json:"role,omitempty"`
	Delivery string    `json:"delivery,omitempty"`
	Rule     string    `json:"rule,omitempty"`
	Detail   string    `json:"detail,omitempty"`
	Text     string    `json:"text,omitempty"` // of the message; set on request
	// Searched is set if the step is a step of a message or delivery with a searched id.
	Searched bool `json:"searched,omitempty"`
}

// Conversation is the trail of one conversation.
type Conversation struct {
	ID      string            `json:"id"` // empty for envelopes without a conversation
	Live    bool              `json:"live"`
	Entries []Entry           `json:"entries"`
	State   *State            `json:"state,omitempty"` // nil if the conversation is closed and no longer kept
	Pending []PendingDelivery `json:"pending,omitempty"`
	Wait    *Wait             `json:"wait,omitempty"` // the longest one; nil if nothing waits
}

// State is the current state of a conversation that is live, or that is closed and still kept.
type State struct {
	Channel    string            `json:"channel"`
	Customer   string            `json:"customer"`
	CustomerID string            `json:"customer_id"` // of 32 characters, for vendors that limit ids
	Owner      string            `json:"owner"`
	Home       string            `json:"home"`
	Epoch      uint64            `json:"epoch"`
	OwnerSince time.Time         `json:"owner_since"`
	Handovers  uint32            `json:"handovers"`
	Offer      string            `json:"offer,omitempty"`
	OfferUntil time.Time         `json:"offer_until,omitzero"`
	Held       int               `json:"held,omitempty"`
	ClosedBy   string            `json:"closed_by,omitempty"` // rule, close_after or operator
	Threads    map[string]string `json:"threads"`
	Attributes map[string]string `json:"attributes,omitempty"`
	Created    time.Time         `json:"created"`
	LastActive time.Time         `json:"last_active"`
}

// StatusInFlight is the status of a pending delivery whose call is running.
const StatusInFlight = "in flight"

// PendingDelivery is a delivery that has not ended, or a held message.
type PendingDelivery struct {
	Delivery    string    `json:"delivery"` // empty for a held message
	Channel     string    `json:"channel"`
	Kind        string    `json:"kind"`
	Offer       bool      `json:"offer,omitempty"` // an open that is an offer
	Status      string    `json:"status"`          // held, queued, retrying or in flight
	Attempts    uint32    `json:"attempts,omitempty"`
	NextAttempt time.Time `json:"next_attempt,omitzero"`
	QueuedAt    time.Time `json:"queued_at,omitzero"`
	Reason      string    `json:"reason"` // why it is pending
}

// StateReader gives access to the writer's state; see writer.Writer.View.
type StateReader interface {
	View(ctx context.Context, f func(*state.State)) error
}

// Trail searches one log.
type Trail struct {
	log   store.Log
	state StateReader
}

// New returns a trail of a log and its state.
func New(log store.Log, state StateReader) *Trail { return &Trail{log, state} }
