package main

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
	"patchbay/sdk/webhook"
)

// Receive implements sdk.Receiver. The order of the checks is part of the contract: token (401), path of a hand-off
// (404), syntax (400), test calls (accepted without an envelope), everything else (400).
func (a *adapter) Receive(_ context.Context, req *sdk.Request) (*sdk.Reception, error) {
	ch, err := a.configuredChannel(req.Channels[0], "receive call") // each channel has separate paths
	if err != nil {
		return nil, err
	}
	if !ch.authenticate(req.Header) {
		e := sdk.Unauthorized("missing or wrong")
		e.Field = "Authorization"
		return nil, e
	}
	receive, response := ch.receiveMessage, messageResponse
	if ch.role == envelope.RoleCustomer {
		if receive = ch.handoffReceiver(req.Path); receive == nil {
			e := sdk.Invalid("path", "unknown hand-off call")
			e.Status = http.StatusNotFound
			return nil, e
		}
		response = handoffResponse
	}
	e, f := receive(req.Body)
	if f != nil {
		return nil, invalid(f)
	}
	if e == nil {
		return &sdk.Reception{Response: response}, nil
	}
	return &sdk.Reception{Envelopes: []*envelope.Envelope{e}, Response: response}, nil
}

// receiver translates an authenticated call. For a test call it returns neither an envelope nor a fault, and does not
// check the other members.
type receiver func(body []byte) (*envelope.Envelope, *webhook.Fault)

// handoffReceiver returns the receiver for a path of the hand-off, or nil. The gateway has already matched the part of
// the path before the call's name.
func (ch *channel) handoffReceiver(escaped string) receiver {
	path, err := url.PathUnescape(escaped)
	if err != nil {
		return nil
	}
	switch {
	case strings.HasSuffix(path, establishPath):
		return ch.receiveEstablish
	case strings.HasSuffix(path, chatPath):
		return ch.receiveChat
	case strings.HasSuffix(path, closePath):
		return ch.receiveClose
	}
	return nil
}

// isTest reports whether the call is a test ("Webhook check", istest). The type of istest is not documented, so true is
// accepted as a boolean and as a string.
func isTest(v jsontext.Value) bool {
	return v.Kind() == 't' || strings.EqualFold(stringOf(v), "true")
}

func invalid(f *webhook.Fault) error {
	field := f.Field
	if field == "" {
		field = "body"
	}
	return sdk.Invalid(field, "%s", f.Message)
}
