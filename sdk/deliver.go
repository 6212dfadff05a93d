package sdk

import (
	"context"

	"patchbay/sdk/envelope"
)

// MaxStateBytes limits the state of a thread.
const MaxStateBytes = 4 << 10

// Deliverer is implemented by adapters that send messages to their vendor.
type Deliverer interface {
	// Deliver translates an envelope and makes at most one call that has an effect at the vendor. It returns a receipt or
	// a typed error. It does not retry, because the gateway does. There is one exception: a call that the vendor refused
	// with 401 had no effect, so Deliver may repeat it once with a new token. If it does not return within three seconds
	// after ctx ends, the gateway replaces the process. If the call may have had its effect, it returns an error of
	// KindUnknown.
	Deliver(ctx context.Context, d *Delivery) (*Receipt, error)
}

// Delivery is one envelope for one channel.
type Delivery struct {
	Channel string
	Key     string // idempotency key: a dashed UUID, the same in all attempts
	Attempt int    // number of the attempt, from 1
	Thread  string // from Open or from a received envelope
	// State is the state of the thread, as last returned by Open or Deliver. It has at most MaxStateBytes.
	State    []byte
	Envelope *envelope.Envelope
	// History has the messages that the channel has not seen yet, oldest first. It is set only on the first delivery of
	// a thread or epoch, and only with Capabilities.History.
	History []*envelope.Envelope
	// Copy is set if the delivery is a copy for an observer. Envelope is the original then.
	Copy *Copy
	// Media[i] has the bytes of Envelope.Parts[i] if that part is a medium and the channel has MediaStream, and is nil
	// otherwise. Media may be shorter than Parts. Media is valid until Deliver returns.
	Media []*Attachment
}

// Copy describes the original of a copy.
type Copy struct {
	Rule string // name of the rule that made the copy
	// Decision is the gateway's decision about the message: "sent", "held", "dropped" or "unrouted". It is empty if
	// Envelope is no message. The copy does not wait for the outcome of a delivery.
	Decision string
	Channel  string // that the message was sent to, if Decision is "sent"
}

// Receipt is the result of a delivery that the vendor accepted.
type Receipt struct {
	// VendorID is the vendor's id of the message, "" without one. The trail shows it. The gateway does not translate it:
	// see RefersTo of [envelope.Envelope].
	VendorID string
	State    []byte // new state of the thread; nil keeps the state
	// Replies are messages in the vendor's response, as from synchronous bots. They are stored together with the outcome
	// and then treated like received envelopes.
	Replies []*envelope.Envelope
	// Degraded describes omitted and replaced content. "" means that all content was sent unchanged.
	Degraded string
}

// Opener is implemented by adapters whose vendor needs a conversation before the first message.
type Opener interface {
	// Open creates the vendor's conversation and returns its thread. The gateway orders and retries it like a delivery,
	// and stores its result before the first Deliver.
	Open(ctx context.Context, o *OpenRequest) (*OpenResult, error)
}

// OpenRequest asks for a conversation at the vendor.
type OpenRequest struct {
	Channel      string
	Key          string // idempotency key, the same in all attempts
	Attempt      int    // number of the attempt, from 1
	Conversation string
	Epoch        uint64
	Customer     envelope.Sender
	CustomerID   string // 32 hexadecimal characters, always the same for this customer
	// Offer means that control is offered. The channel accepts with an envelope of kind connected, with its first
	// message of an agent, or with OpenResult.Accepted. It refuses with an error of KindDeclined.
	Offer      bool
	Reason     string // name of the rule that made the offer, "" without an offer
	Attributes map[string]string
}

// OpenResult is the vendor's new conversation.
type OpenResult struct {
	Thread string // required
	State  []byte
	// Accepted means that the vendor has accepted the offer in its response.
	Accepted bool
}
