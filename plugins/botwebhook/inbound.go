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

// Receive implements sdk.Receiver. The order of checks is part of the contract: token (401), path of a hand-off (404),
// syntax (400), test calls (answered, no envelope), everything else (400).
func (a *adapter) Receive(_ context.Context, req *sdk.Request) (*sdk.Reception, error) {
	ch := a.channel(req.Channels[0]) // the path holds the name, so nobody else claims it
	if ch == nil {
		return nil, refuse(callRefusalBody, sdk.KindTransient, http.StatusServiceUnavailable, "", "not ready, try again")
	}
	refusal, receive, answer := callRefusalBody, ch.message, callAnswer
	if ch.role == envelope.RoleCustomer {
		refusal, receive, answer = handoffRefusalBody, ch.handoffCall(req.Path), handoffAnswer
	}
	if !ch.authentic(req.Header) {
		return nil, refuse(refusal, sdk.KindUnauthorized, http.StatusUnauthorized, "Authorization", "missing or wrong")
	}
	if receive == nil {
		return nil, refuse(refusal, sdk.KindInvalid, http.StatusNotFound, "path", "not one of the hand-off's calls")
	}
	e, f := receive(req.Body)
	if f != nil {
		return nil, invalid(refusal, f)
	}
	if e == nil {
		return &sdk.Reception{Answer: answer}, nil
	}
	return &sdk.Reception{Envelopes: []*envelope.Envelope{e}, Answer: answer}, nil
}

// receiver translates a call whose caller is known. Of a test call nothing is left: it returns neither an envelope nor a
// fault, before it looks at any other member.
type receiver func(body []byte) (*envelope.Envelope, *webhook.Fault)

// handoffCall returns what translates the hand-off's call on this path, nil if there is no such call. The path's end
// decides: the gateway has compared the whole.
func (ch *channel) handoffCall(escaped string) receiver {
	path, err := url.PathUnescape(escaped)
	if err != nil {
		return nil
	}
	switch {
	case strings.HasSuffix(path, establishCall):
		return ch.establish
	case strings.HasSuffix(path, chatCall):
		return ch.chat
	case strings.HasSuffix(path, closeCall):
		return ch.close
	}
	return nil
}

// isTest reports whether the vendor only tries out the webhook. The type of istest is not documented:
// true is taken as a boolean and as a string.
func isTest(v jsontext.Value) bool {
	return v.Kind() == 't' || strings.EqualFold(plain(v), "true")
}

// worded makes the body of a refusal; both roles have their own form.
type worded func(status int, message string) []byte

func invalid(body worded, f *webhook.Fault) error {
	return refuse(body, sdk.KindInvalid, http.StatusBadRequest, f.Field, f.Message)
}

func refuse(body worded, kind sdk.ErrorKind, status int, field, message string) error {
	told := message
	if field != "" {
		told = field + ": " + message
	}
	return &sdk.Error{Kind: kind, Status: status, Field: field, Text: message, Body: body(status, told)}
}
