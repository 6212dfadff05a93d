package main

import (
	"context"
	"encoding/base64"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
	"patchbay/sdk/webhook"
)

// Receive implements sdk.Receiver. The order of checks is part of the contract: token (401), syntax (400),
// test calls (answered, no envelope), everything else (400).
func (a *adapter) Receive(_ context.Context, req *sdk.Request) (*sdk.Reception, error) {
	ch := a.channel(req.Channels[0]) // the path holds the name, so nobody else claims it
	if ch == nil {
		return nil, refuse(sdk.KindTransient, http.StatusServiceUnavailable, "", "not ready, try again")
	}
	if !ch.authentic(req.Header) {
		return nil, refuse(sdk.KindUnauthorized, http.StatusUnauthorized, "Authorization", "missing or wrong")
	}
	var call callBody
	if f := webhook.DecodeJSON(req.Body, &call, ""); f != nil {
		return nil, invalid(f)
	}
	if isTest(call.IsTest) {
		return &sdk.Reception{Answer: callAnswer}, nil
	}
	e, f := translate(ch.name, &call, req.Body)
	if f != nil {
		return nil, invalid(f)
	}
	return &sdk.Reception{Envelopes: []*envelope.Envelope{e}, Answer: callAnswer}, nil
}

// authentic reports whether the caller has the channel's token, or none is configured. The vendor sends
// "Bearer {token}" or "Basic {token}" ("Webhook receives messages", Request Headers), with exactly this
// spelling; a developer who sets up RFC 7617 credentials there makes it "Basic base64(user:token)", which is
// accepted with any user, and whole if the configured token has the form user:password.
func (ch *channel) authentic(h http.Header) bool {
	token := ch.WebhookToken.Reveal()
	if token == "" {
		return true
	}
	values := h.Values("Authorization")
	if len(values) != 1 {
		return false
	}
	if given, ok := strings.CutPrefix(values[0], "Bearer "); ok {
		return webhook.Equal(given, token)
	}
	given, ok := strings.CutPrefix(values[0], "Basic ")
	if !ok {
		return false
	}
	if webhook.Equal(given, token) {
		return true
	}
	pair, err := base64.StdEncoding.Strict().DecodeString(given)
	if err != nil {
		return false
	}
	_, password, ok := strings.Cut(string(pair), ":")
	return ok && (webhook.Equal(password, token) || webhook.Equal(string(pair), token))
}

// isTest reports whether the vendor only tries out the webhook. The type of istest is not documented:
// true is taken as a boolean and as a string.
func isTest(v jsontext.Value) bool {
	return v.Kind() == 't' || strings.EqualFold(plain(v), "true")
}

func invalid(f *webhook.Fault) error {
	return refuse(sdk.KindInvalid, http.StatusBadRequest, f.Field, f.Message)
}

func refuse(kind sdk.ErrorKind, status int, field, message string) error {
	told := message
	if field != "" {
		told = field + ": " + message
	}
	return &sdk.Error{
		Kind: kind, Status: status, Field: field, Text: message, Body: refusalBody(status, told),
	}
}
