package main

import (
	"encoding/json"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// copyBody is the body that role observer posts: a copy of an envelope, in the JSON of package envelope.
type copyBody struct {
	Rule     string             `json:"rule"`               // that made the copy
	Decision string             `json:"decision,omitempty"` // about a message: sent, held, dropped or unrouted
	Channel  string             `json:"channel,omitempty"`  // that the message was sent to
	Envelope *envelope.Envelope `json:"envelope"`
}

// encodeCopy returns the body for a copy. It uses encoding/json, because the encoder of the other bodies does not omit
// the envelope's numbers that are 0.
func encodeCopy(d *sdk.Delivery) ([]byte, error) {
	body := copyBody{Envelope: d.Envelope}
	if c := d.Copy; c != nil {
		body.Rule, body.Decision, body.Channel = c.Rule, c.Decision, c.Channel
	}
	b, err := json.Marshal(body)
	if err != nil {
		return nil, &sdk.Error{Kind: sdk.KindInvalid, Op: opCopy, Text: "the envelope cannot be encoded as JSON", Err: err}
	}
	return b, nil
}

// observerCapabilities returns the capabilities for copies: everything that a rule can copy.
func observerCapabilities() sdk.Capabilities {
	return sdk.Capabilities{
		Parts: append([]envelope.PartType{
			envelope.PartText, envelope.PartLocation, envelope.PartCard, envelope.PartSuggestions,
		}, mediaParts...),
		Events: []envelope.Kind{
			envelope.KindConnected, envelope.KindDisconnected, envelope.KindHandoverRequested, envelope.KindPassed,
			envelope.KindClosed,
		},
		Idempotent: true,
		Media:      sdk.MediaLink,
	}
}
