package main

import (
	"context"
	"net/http"
	"strings"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
	"patchbay/sdk/webhook"
)

// Receive implements sdk.Receiver: a website's message, or a reply to a channel of role bot.
func (a *adapter) Receive(_ context.Context, req *sdk.Request) (*sdk.Reception, error) {
	if strings.HasPrefix(req.Path, answersPath) {
		return a.receiveAnswer(req)
	}
	return a.receiveMessage(req)
}

// reception returns the result for an accepted call. It counts the call's unparsed envelopes.
func (ch *channel) reception(envelopes []*envelope.Envelope) *sdk.Reception {
	for _, e := range envelopes {
		if e.Kind == envelope.KindUnparsed {
			ch.metrics.unparsed.WithLabelValues(ch.name, e.Attributes[attrUnparsed]).Inc()
		}
	}
	return &sdk.Reception{Envelopes: envelopes, Response: acceptedResponse}
}

// withEvent returns the envelopes of a call with parts, an event or both. The message's envelope comes first.
func withEvent(e envelope.Envelope, parts []envelope.Part, setEvent func(*envelope.Envelope) *webhook.Fault) (
	[]*envelope.Envelope, *webhook.Fault,
) {
	var out []*envelope.Envelope
	if len(parts) > 0 {
		m := e
		m.Kind, m.Parts = envelope.KindMessage, parts
		out = append(out, &m)
	}
	if setEvent == nil {
		return out, nil
	}
	event := eventEnvelope(e, len(parts) > 0)
	if f := setEvent(event); f != nil {
		return nil, f
	}
	return append(out, event), nil
}

func notReady() error {
	return refusal(sdk.KindTransient, http.StatusServiceUnavailable, "", "not ready, try again")
}

func invalid(f *webhook.Fault) error {
	return refusal(sdk.KindInvalid, http.StatusBadRequest, f.Field, f.Message)
}

func refusal(kind sdk.ErrorKind, status int, field, message string) error {
	return &sdk.Error{
		Kind: kind, Status: status, Field: field, Text: message,
		Body: refusalBody(status, field, message),
	}
}
