package main

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
	"patchbay/sdk/webhook"
)

// receiveMessage receives a website's call. The order of the checks is part of the contract: path (404), syntax (400),
// access token (401), everything else (400). A caller without the token gets no information about accepted calls.
func (a *adapter) receiveMessage(req *sdk.Request) (*sdk.Reception, error) {
	channels, err := a.messageChannels(req)
	if err != nil {
		return nil, err
	}
	var m inboundMessage
	if f := webhook.DecodeJSON(req.Body, &m, ""); f != nil {
		return nil, invalid(f)
	}
	ch := authenticateMessage(channels, m.AccessToken)
	if ch == nil {
		channels[0].metrics.unauthenticated.WithLabelValues(channels[0].name).Inc()
		return nil, refusal(sdk.KindUnauthorized, http.StatusUnauthorized, "accessToken", "missing or wrong")
	}
	envelopes, f := ch.translateMessage(&m, req.Header)
	if f != nil {
		return nil, invalid(f)
	}
	return ch.reception(envelopes), nil
}

// messageChannels returns the channels of role customer with the path's organization and chatbot, in the request's
// order. There is at least one, or an error.
func (a *adapter) messageChannels(req *sdk.Request) ([]*channel, error) {
	organization, chatbot, ok := parsePath(req.Path)
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
	return nil, refusal(sdk.KindInvalid, http.StatusNotFound, "", "unknown organization or chatbot")
}

// parsePath returns the organization and chatbot name in an escaped path.
func parsePath(path string) (organization, chatbot string, ok bool) {
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

// authenticateMessage returns the first channel with the given token, or nil. It compares all tokens in constant time.
func authenticateMessage(channels []*channel, given jsontext.Value) *channel {
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

// translateMessage returns the envelopes of an authenticated call: one for a message, one for an event, or both.
func (ch *channel) translateMessage(m *inboundMessage, header http.Header) ([]*envelope.Envelope, *webhook.Fault) {
	user, f := webhook.TextJSON(m.UserID, "userId")
	if f == nil {
		f = webhook.CheckID("userId", user, envelope.MaxIDBytes)
	}
	if f != nil {
		return nil, f
	}
	t := thread{organization: ch.Organization, chatbot: ch.Chatbot, user: user}.String()
	if len(t) > envelope.MaxThreadBytes {
		return nil, webhook.NewFault("userId", "is too long after escaping its slashes and percent signs")
	}
	id, f := messageID(m, header)
	if f != nil {
		return nil, f
	}
	hops, f := parseHops(header)
	if f != nil {
		return nil, f
	}
	p, f := decodePayload(m.Payload, user)
	if f != nil {
		return nil, f
	}
	attributes, f := p.attributes()
	if f != nil {
		return nil, f
	}
	parts, f := p.parts()
	if f != nil {
		return nil, f
	}
	e := envelope.Envelope{
		Channel: ch.name, VendorID: id, Thread: t, SentAt: parseSentAt(m.SentAt), Hops: hops, Attributes: attributes,
		Sender: envelope.Sender{Role: envelope.RoleCustomer, ID: user},
	}
	if p.Event == nil {
		return withEvent(e, parts, nil)
	}
	return withEvent(e, parts, func(e *envelope.Envelope) *webhook.Fault { return p.Event.apply(e, m.Payload) })
}
