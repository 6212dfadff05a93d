package main

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
	"patchbay/sdk/webhook"
)

// receiveAnswer takes what a far end posts to a channel of role bot. The order of checks is part of the contract: address
// (404), token and signature (401), syntax and userId (400). Whatever is wrong behind that is kept as unparsed: the far
// end's own format is not public, and what it said must not be lost for it.
func (a *adapter) receiveAnswer(req *sdk.Request) (*sdk.Reception, error) {
	ch, err := a.answered(req)
	if err != nil {
		return nil, err
	}
	id, err := ch.authentic(req, a.now())
	if err != nil {
		ch.metrics.unauthenticated.WithLabelValues(ch.name).Inc()
		return nil, err
	}
	var body answerBody
	if f := webhook.DecodeJSON(req.Body, &body, ""); f != nil {
		return nil, invalid(f)
	}
	envelopes, f := ch.translateAnswer(&body, req, id)
	if f != nil {
		return nil, invalid(f)
	}
	return ch.reception(envelopes), nil
}

// answered returns the channel of role bot whose path was called.
func (a *adapter) answered(req *sdk.Request) (*channel, error) {
	name, err := url.PathUnescape(strings.TrimPrefix(req.Path, answersPath))
	for _, claimed := range req.Channels {
		if ch := a.channel(claimed); err == nil && claimed == name && ch != nil && ch.role == envelope.RoleBot {
			return ch, nil
		} else if claimed == name && ch == nil {
			return nil, notReady()
		}
	}
	return nil, refuse(sdk.KindInvalid, http.StatusNotFound, "", "no such channel")
}

// authentic checks token and signature, as far as they are configured. It returns the signed id of the call, "" if calls
// are not signed. What exactly is wrong with a signature is for the operator's log alone.
func (ch *channel) authentic(req *sdk.Request, now time.Time) (id string, err error) {
	if token := ch.AnswerToken.Reveal(); token != "" && !webhook.Equal(webhook.BearerToken(req.Header), token) {
		return "", refuse(sdk.KindUnauthorized, http.StatusUnauthorized, "Authorization", "missing or wrong")
	}
	if len(ch.keys) == 0 {
		return "", nil
	}
	id, err = webhook.Verify(req.Header, req.Body, ch.keys, now, ch.AnswerWindow)
	if err != nil {
		const message = "missing, wrong or too old"
		return "", &sdk.Error{
			Kind: sdk.KindUnauthorized, Status: http.StatusUnauthorized, Field: webhook.HeaderSignature, Text: message, Err: err,
			Body: refusalBody(http.StatusUnauthorized, webhook.HeaderSignature, message),
		}
	}
	return id, nil
}

// translateAnswer makes the envelopes of an authenticated answer: one for what is said, and one for an event. signed is the
// call's signed id, if it has one.
func (ch *channel) translateAnswer(body *answerBody, req *sdk.Request, signed string) ([]*envelope.Envelope, *webhook.Fault) {
	user, f := webhook.TextJSON(body.UserID, "userId")
	if f == nil {
		f = identifier("userId", user)
	}
	if f != nil {
		return nil, f
	}
	hops, f := hops(req.Header)
	if f != nil {
		return nil, f
	}
	e := envelope.Envelope{
		Channel: ch.name, VendorID: ch.answerID(body, req.Header, signed), Thread: user, Hops: hops,
		Sender: envelope.Sender{Role: envelope.RoleBot}, SentAt: sentTime(body.SentAt),
	}
	if !ch.isAddressee(body) {
		return unparsed(e, reasonAddressee, req.Body), nil
	}
	var p answerPayload
	if f := webhook.DecodeJSON(body.Payload, &p, "payload"); f != nil {
		return unparsed(e, reasonPayload, req.Body), nil
	}
	parts, f := p.parts()
	if f != nil || (len(parts) == 0 && p.Event == nil) {
		return unparsed(e, reasonPayload, req.Body), nil
	}
	p.speaker(&e)
	p.returned(&e)
	var out []*envelope.Envelope
	if len(parts) > 0 {
		said := e
		said.Kind, said.Parts = envelope.KindMessage, parts
		if e.Sender.Role == envelope.RoleCustomer {
			said.Kind = envelope.KindEcho
		}
		out = append(out, &said)
	}
	if p.Event != nil {
		happened := beside(e, len(out) > 0)
		p.Event.apply(happened)
		if happened.Attributes[attrUnparsed] == reasonEvent {
			happened.Raw = redacted(req.Body)
		}
		out = append(out, happened)
	}
	return out, nil
}

// unparsed makes e the only envelope of an answer that was not understood.
func unparsed(e envelope.Envelope, reason string, body []byte) []*envelope.Envelope {
	e.Kind, e.Raw = envelope.KindUnparsed, redacted(body)
	note(&e, attrUnparsed, reason)
	return []*envelope.Envelope{&e}
}

// isAddressee reports whether an answer names the channel's organization and chatbot, or none.
func (ch *channel) isAddressee(body *answerBody) bool {
	organization, f1 := webhook.TextJSON(body.Organization, "organization")
	chatbot, f2 := webhook.TextJSON(body.ChatbotName, "chatbotName")
	return f1 == nil && f2 == nil && (organization == "" || organization == ch.Organization) &&
		(chatbot == "" || chatbot == ch.Chatbot)
}
