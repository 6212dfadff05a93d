package conversation

import (
	"fmt"
	"slices"

	"patchbay/sdk/protocol"
)

// Decode reads envelopes that an adapter has encoded, and holds it to its channels: those that it may speak for.
func Decode(encoded [][]byte, channels []string) ([]*Inbound, error) {
	in := make([]*Inbound, 0, len(encoded))
	for i, b := range encoded {
		e, err := protocol.DecodeEnvelope(b)
		if err != nil {
			return nil, fmt.Errorf("envelope %d: %w", i, err)
		}
		if !slices.Contains(channels, e.Channel) {
			return nil, fmt.Errorf("envelope %d: channel %q is not one of %v, for which the adapter speaks here", i, e.Channel, channels)
		}
		in = append(in, &Inbound{Channel: e.Channel, Envelope: e, Bytes: b})
	}
	return in, nil
}
