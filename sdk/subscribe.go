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
	// Subscribe after Configure, some seconds after Subscribe returned an error or the process ended, and after each
	// new configuration of the channel.
	Subscribe(ctx context.Context, s *Subscription, emit Emit) error
}

// Subscription is the start position of a Subscribe.
type Subscription struct {
	Channel string
	// Cursor is the cursor that Emit stored last, nil at first.
	Cursor []byte
	// Threads are the channel's live conversations at the start. The adapter learns about later ones from Open and
	// Deliver.
	Threads []LiveThread
}

// LiveThread is the thread of a live conversation.
type LiveThread struct {
	Thread string
	State  []byte
}

// Emit hands over envelopes in order, together with a cursor. It returns nil when both are stored. If Emit returns an
// error, Subscribe should return it; the next Subscribe starts at the last stored cursor. An Emit without envelopes
// stores the cursor alone. A nil cursor keeps the stored one.
//
// A batch must be slightly smaller than 8 MiB. A larger batch, an envelope of another channel, or one that fails
// Envelope.Validate is an error of KindInvalid. Emit must not be called concurrently. Once the batch was sent, Emit
// waits for the gateway even if ctx ends.
//
// If the gateway ends after it stored a batch and before it acknowledged it, the adapter emits the batch again. The
// gateway recognizes these envelopes by their VendorID.
type Emit func(ctx context.Context, envelopes []*envelope.Envelope, cursor []byte) error
