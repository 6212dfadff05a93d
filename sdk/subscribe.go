package sdk

import (
	"context"

	"patchbay/sdk/envelope"
)

// MaxCursorBytes limits the size of a cursor.
const MaxCursorBytes = 64 << 10

// Subscriber is implemented by adapters whose vendor does not push: the adapter polls, or holds a connection.
type Subscriber interface {
	// Subscribe emits messages of one channel until ctx ends, and then returns nil within two seconds. In this time it
	// can still emit, with another context, messages that the vendor has delivered and will not deliver again.
	//
	// The gateway calls Subscribe for channels whose Endpoint has Subscribes, one call at a time for each. It calls
	// Subscribe after Configure, and again after each new configuration of the channel. If Subscribe returns or the
	// process ends, it calls Subscribe again after a delay.
	Subscribe(ctx context.Context, s *Subscription, emit Emit) error
}

// Subscription is the start position of a Subscribe.
type Subscription struct {
	Channel string
	// Cursor is the last cursor that Emit stored, or nil if it has stored none.
	Cursor []byte
	// Threads are the channel's live conversations at the start. The adapter gets later ones through Open and Deliver.
	Threads []LiveThread
}

// LiveThread is the thread of a live conversation.
type LiveThread struct {
	Thread string
	State  []byte
}

// Emit sends envelopes in order, together with a cursor, to the gateway. It returns nil when both are stored. If Emit
// returns an error, Subscribe should return it; the next Subscribe starts at the last stored cursor. An Emit without
// envelopes stores the cursor alone. A nil cursor keeps the stored one.
//
// The maximum size of a batch is slightly less than 8 MiB. Emit returns an error of KindInvalid for a larger batch, for
// an envelope of another channel, and for an envelope that fails Envelope.Validate. Emit must not be called
// concurrently. After it has sent the batch, Emit waits for the gateway even if ctx ends.
//
// If the gateway ends after it stored a batch and before it acknowledged it, the adapter emits the batch again. The
// gateway recognizes these envelopes by their VendorID.
type Emit func(ctx context.Context, envelopes []*envelope.Envelope, cursor []byte) error
