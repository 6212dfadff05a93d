package main

import (
	"net/http"

	"patchbay/sdk/envelope"
	"patchbay/sdk/webhook"
)

// translate makes the envelopes of an authenticated call: one for what is said, and one for an event.
func translate(ch *channel, call *callBody, header http.Header) ([]*envelope.Envelope, *webhook.Fault) {
	user, f := webhook.TextJSON(call.UserID, "userId")
	if f == nil {
		f = identifier("userId", user)
	}
	if f != nil {
		return nil, f
	}
	t := thread{organization: ch.Organization, chatbot: ch.Chatbot, user: user}.String()
	if len(t) > envelope.MaxThreadBytes {
		return nil, webhook.NewFault("userId", "too long when its slashes and percent signs are escaped")
	}
	id, f := messageID(call, header)
	if f != nil {
		return nil, f
	}
	hops, f := hops(header)
	if f != nil {
		return nil, f
	}
	p, f := readPayload(call.Payload, user)
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
		Channel: ch.name, VendorID: id, Thread: t, Hops: hops, Attributes: attributes,
		Sender: envelope.Sender{Role: envelope.RoleCustomer, ID: user},
	}
	var out []*envelope.Envelope
	if len(parts) > 0 {
		said := e
		said.Kind, said.Parts = envelope.KindMessage, parts
		out = append(out, &said)
	}
	if p.Event != nil {
		happened := beside(e, len(out) > 0)
		if f := p.Event.apply(happened); f != nil {
			return nil, f
		}
		if happened.Kind == envelope.KindUnparsed {
			happened.Raw = redacted(call.Payload)
		}
		out = append(out, happened)
	}
	return out, nil
}
