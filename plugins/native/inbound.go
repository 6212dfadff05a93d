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

// Receive implements sdk.Receiver: a website's call on the path of messages, or a far end's answer on a channel's own path.
func (a *adapter) Receive(_ context.Context, req *sdk.Request) (*sdk.Reception, error) {
	if strings.HasPrefix(req.Path, answersPath) {
		return a.receiveAnswer(req)
	}
	return a.receiveCall(req)
}

// receiveCall takes what a website posts. The order of checks is part of the contract: address (404), syntax
// (400), access token (401), everything else (400), so that a caller without the token learns nothing
// about what the gateway would have accepted.
func (a *adapter) receiveCall(req *sdk.Request) (*sdk.Reception, error) {
	addressed, err := a.addressed(req)
	if err != nil {
		return nil, err
	}
	var call callBody
	if f := webhook.DecodeJSON(req.Body, &call, ""); f != nil {
		return nil, invalid(f)
	}
	ch := authenticate(addressed, call.AccessToken)
	if ch == nil {
		addressed[0].metrics.unauthenticated.WithLabelValues(addressed[0].name).Inc()
		return nil, refuse(sdk.KindUnauthorized, http.StatusUnauthorized, "accessToken", "missing or wrong")
	}
	envelopes, f := translate(ch, &call, req.Header)
	if f != nil {
		return nil, invalid(f)
	}
	return ch.reception(envelopes), nil
}

// reception answers a call that was understood, and counts what was not.
func (ch *channel) reception(envelopes []*envelope.Envelope) *sdk.Reception {
	for _, e := range envelopes {
		if e.Kind == envelope.KindUnparsed {
			ch.metrics.unparsed.WithLabelValues(ch.name, e.Attributes[attrUnparsed]).Inc()
		}
	}
	return &sdk.Reception{Envelopes: envelopes, Answer: callAnswer}
}

// addressed returns the channels of role customer whose organization and chatbot the path names, in the order of
// the request. It returns one at least, or an error.
func (a *adapter) addressed(req *sdk.Request) ([]*channel, error) {
	organization, chatbot, ok := names(req.Path)
	var found []*channel
	configured := 0
	for _, name := range req.Channels {
		ch := a.channel(name)
		if ch == nil {
			continue
		}
		configured++
		if ok && ch.role == envelope.RoleCustomer && ch.Organization == organization && ch.Chatbot == chatbot {
			found = append(found, ch)
		}
	}
	switch {
	case len(found) > 0:
		return found, nil
	case configured == 0:
		return nil, notReady()
	}
	return nil, refuse(sdk.KindInvalid, http.StatusNotFound, "", "no such organization or chatbot")
}

// names takes organization and chatbot name out of an escaped path.
func names(path string) (organization, chatbot string, ok bool) {
	rest, ok := strings.CutPrefix(path, messagesPath)
	if !ok {
		return "", "", false
	}
	first, second, ok := strings.Cut(rest, "/")
	if !ok || strings.Contains(second, "/") {
		return "", "", false
	}
	organization, err1 := url.PathUnescape(first)
	chatbot, err2 := url.PathUnescape(second)
	return organization, chatbot, err1 == nil && err2 == nil
}

// authenticate returns the first channel whose token the caller has, or nil.
func authenticate(channels []*channel, given jsontext.Value) *channel {
	token, f := webhook.TextJSON(given, "accessToken")
	if f != nil || token == "" {
		return nil
	}
	var found *channel
	for _, ch := range channels {
		if webhook.Equal(token, ch.AccessToken.Reveal()) && found == nil {
			found = ch
		}
	}
	return found
}

func notReady() error {
	return refuse(sdk.KindTransient, http.StatusServiceUnavailable, "", "not ready, try again")
}

func invalid(f *webhook.Fault) error {
	return refuse(sdk.KindInvalid, http.StatusBadRequest, f.Field, f.Message)
}

func refuse(kind sdk.ErrorKind, status int, field, message string) error {
	return &sdk.Error{
		Kind: kind, Status: status, Field: field, Text: message,
		Body: refusalBody(status, field, message),
	}
}
