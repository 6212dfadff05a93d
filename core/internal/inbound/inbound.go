// Package inbound defines an envelope as the gateway receives it from an adapter, and decodes it. Ingress,
// subscriptions and lanes receive envelopes, the writer stores them.
package inbound

import (
	"fmt"
	"slices"
	"time"

	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol"
)

// Envelope is a received envelope, decoded for decisions and encoded for the log.
type Envelope struct {
	Channel  string
	Envelope *envelope.Envelope
	Bytes    []byte // as the adapter encoded it
}

// Decode decodes envelopes from an adapter that may use only the given channels.
func Decode(encoded [][]byte, channels []string) ([]*Envelope, error) {
	out := make([]*Envelope, 0, len(encoded))
	for i, b := range encoded {
		e, err := DecodeOne(b)
		if err != nil {
			return nil, fmt.Errorf("envelope %d: %w", i, err)
		}
		if !slices.Contains(channels, e.Channel) {
			return nil, fmt.Errorf("envelope %d: channel %q is not one of %v, which the adapter may use here",
				i, e.Channel, channels)
		}
		out = append(out, e)
	}
	return out, nil
}

// DecodeOne decodes an envelope from an adapter. The fields that only the gateway sets are ignored.
func DecodeOne(b []byte) (*Envelope, error) {
	e, err := protocol.DecodeEnvelope(b)
	if err != nil {
		return nil, err
	}
	e.ID, e.Conversation, e.Epoch, e.AcceptedAt, e.Cause = "", "", 0, time.Time{}, ""
	return &Envelope{Channel: e.Channel, Envelope: e, Bytes: b}, nil
}
