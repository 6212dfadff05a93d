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

// receiveAnswer receives a reply to a channel of role bot. The order of the checks is part of the contract: path (404),
// token and signature (401), syntax, userId and Patchbay-Hops (400). A reply with any other defect is stored as
// unparsed and not refused, because the format of d8ai's replies is not public.
func (a *adapter) receiveAnswer(req *sdk.Request) (*sdk.Reception, error) {
	ch, err := a.answerChannel(req)
	if err != nil {
		return nil, err
	}
	id, err := ch.authenticateAnswer(req, a.now())
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

// answerChannel returns the channel of role bot that the path names.
func (a *adapter) answerChannel(req *sdk.Request) (*channel, error) {
	name, err := url.PathUnescape(strings.TrimPrefix(req.Path, answersPath))
	for _, claimed := range req.Channels {
		if ch := a.channel(claimed); err == nil && claimed == name && ch != nil && ch.role == envelope.RoleBot {
			return ch, nil
		} else if claimed == name && ch == nil {
			return nil, notReady()
		}
	}
	return nil, refusal(sdk.KindInvalid, http.StatusNotFound, "", "unknown channel")
}

// authenticateAnswer checks the token and the signature that the channel requires. It returns the signed id, or "" if
// replies are not signed. The cause of a wrong signature is only logged, not sent to the caller.
func (ch *channel) authenticateAnswer(req *sdk.Request, now time.Time) (id string, err error) {
	if token := ch.AnswerToken.Reveal(); token != "" && !webhook.Equal(webhook.BearerToken(req.Header), token) {
		return "", refusal(sdk.KindUnauthorized, http.StatusUnauthorized, "Authorization", "missing or wrong")
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

// translateAnswer returns the envelopes of an authenticated reply: one for a message, one for an event, or both.
// signedID is the signed id, or "".
func (ch *channel) translateAnswer(
	body *answerBody, req *sdk.Request, signedID string,
) ([]*envelope.Envelope, *webhook.Fault) {
	user, f := webhook.TextJSON(body.UserID, "userId")
	if f == nil {
		f = webhook.CheckID("userId", user, envelope.MaxIDBytes)
	}
	if f != nil {
		return nil, f
	}
	hops, f := parseHops(req.Header)
	if f != nil {
		return nil, f
	}
	e := envelope.Envelope{
		Channel: ch.name, VendorID: ch.answerID(body, req.Header, signedID), Thread: user, Hops: hops,
		Sender: envelope.Sender{Role: envelope.RoleBot}, SentAt: parseSentAt(body.SentAt),
	}
	if !ch.isAddressee(body) {
		return unparsedEnvelopes(e, reasonAddressee, req.Body), nil
	}
	var p answerPayload
	if f := webhook.DecodeJSON(body.Payload, &p, "payload"); f != nil {
		return unparsedEnvelopes(e, reasonPayload, req.Body), nil
	}
	parts, f := p.parts()
	if f != nil || (len(parts) == 0 && p.Event == nil) {
		return unparsedEnvelopes(e, reasonPayload, req.Body), nil
	}
	p.setSender(&e)
	p.setUserData(&e)
	var setEvent func(*envelope.Envelope) *webhook.Fault
	if p.Event != nil {
		setEvent = func(e *envelope.Envelope) *webhook.Fault { p.Event.apply(e, req.Body); return nil }
	}
	out, f := withEvent(e, parts, setEvent)
	if e.Sender.Role == envelope.RoleCustomer && len(parts) > 0 {
		out[0].Kind = envelope.KindEcho
	}
	return out, f
}

// unparsedEnvelopes returns the only envelope of a reply that cannot be parsed.
func unparsedEnvelopes(e envelope.Envelope, reason string, body []byte) []*envelope.Envelope {
	e.Kind, e.Raw = envelope.KindUnparsed, redact(body)
	e.SetAttribute(attrUnparsed, reason)
	return []*envelope.Envelope{&e}
}

// isAddressee reports whether the organization and the chatbot in a reply are those of the channel. A missing name is
// accepted.
func (ch *channel) isAddressee(body *answerBody) bool {
	organization, f1 := webhook.TextJSON(body.Organization, "organization")
	chatbot, f2 := webhook.TextJSON(body.ChatbotName, "chatbotName")
	return f1 == nil && f2 == nil && (organization == "" || organization == ch.Organization) &&
		(chatbot == "" || chatbot == ch.Chatbot)
}
