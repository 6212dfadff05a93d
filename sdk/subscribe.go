package sdk

import (
	"context"

	"patchbay/sdk/envelope"
)

// Subscriber is for vendors that do not push: the adapter polls, or holds a connection.
type Subscriber interface {
	// Subscribe takes in messages of one channel until ctx ends; then it returns nil within a second or two. What a vendor has
	// handed out by then and will not hand out again can still be emitted, with another context. Subscribe is called for channels whose
	// Endpoint says Subscribes, once at a time for each, after Configure and again some seconds after it has returned an
	// error or its process has died. It is called anew, too, when the channel gets another configuration.
	Subscribe(ctx context.Context, l *Subscription, emit Emit) error
}

// Subscription is where to begin.
type Subscription struct {
	Channel string
	// Cursor is what the last Emit stored, nil at first.
	Cursor []byte
	// Threads are the channel's conversations that are under way now. Later ones the adapter learns of by Open and
	// Deliver.
	Threads []LiveThread
}

// LiveThread is a conversation that is under way.
type LiveThread struct {
	Thread string
	State  []byte
}

// MaxCursorBytes is the most that a cursor may have.
const MaxCursorBytes = 64 << 10

// Emit hands over envelopes in their order, together with the cursor that is to be stored with them. It returns nil when
// both are stored; after an error Subscribe is to return it, and begins again at the last cursor that was stored. Once the
// envelopes are on their way, Emit waits for the gateway's word even if ctx ends. The envelopes may be none, to store a cursor
// alone; a nil cursor leaves the stored one. All of them together may have a little less than 8 MiB; more, an envelope of
// another channel or one that Validate refuses is an error of kind KindInvalid. Emit must not be called concurrently.
//
// The gateway may end between storing and saying so. What it had stored comes again then, and is recognised by its
// VendorID.
type Emit func(ctx context.Context, envelopes []*envelope.Envelope, cursor []byte) error
