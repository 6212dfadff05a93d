package main

import (
	"fmt"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// reply translates a delivery towards a website. degraded says what could not be carried as it is.
func reply(d *sdk.Delivery) (r *replyBody, degraded []string, err error) {
	e := d.Envelope
	t, ok := parseThread(d.Thread)
	if !ok {
		return nil, nil, &sdk.Error{Kind: sdk.KindInvalid, Op: opReply, Field: "thread",
			Text: "not of the form organization/chatbot/user"}
	}
	r = &replyBody{
		UserID: t.user, MessageID: e.ID, VendorMessageID: e.VendorID, Organization: t.organization, ChatbotName: t.chatbot,
		SentAt:  sentAt(e),
		Payload: replyPayload{UserInfo: userInfo{ID: t.user}},
	}
	if e.Sender.Role != "" {
		r.Payload.Sender = &replySender{Role: string(e.Sender.Role), Name: e.Sender.Name}
	}
	switch e.Kind {
	case envelope.KindMessage:
		degraded = r.Payload.addParts(e.Parts)
		if r.Payload.BotSay == "" && len(r.Payload.Media) == 0 && len(r.Payload.Suggestions) == 0 {
			return nil, nil, &sdk.Error{Kind: sdk.KindInvalid, Op: opReply, Field: "parts", Text: "nothing to send"}
		}
	case envelope.KindPassed:
		r.Payload.Event = &replyEvent{Type: "passed", Owner: e.Attributes["owner"],
			OwnerRole: e.Attributes["owner_role"], Reason: e.Attributes["reason"]}
	case envelope.KindClosed:
		r.Payload.Event = &replyEvent{Type: "closed", Reason: e.Attributes["reason"]}
	case envelope.KindTyping:
		r.Payload.Event = &replyEvent{Type: "typing"}
	default:
		return nil, nil, &sdk.Error{Kind: sdk.KindUnsupported, Op: opReply, Field: "kind",
			Text: fmt.Sprintf("%q can't be sent to a customer", e.Kind)}
	}
	return r, append(degraded, r.Payload.giveBack(e.Attributes)...), nil
}

// giveBack adds what the customer's last call had.
func (p *replyPayload) giveBack(attributes map[string]string) (degraded []string) {
	var data replyData
	for _, a := range []struct {
		name, what string
		kind       jsontext.Kind
		into       *jsontext.Value
	}{
		{attrTargetAgents, "array", '[', &data.TargetAgents},
		{attrCustomPayload, "object", '{', &data.CustomPayload},
	} {
		text, ok := attributes[a.name]
		if !ok {
			continue
		}
		if v := jsontext.Value(text); v.IsValid() && v.Kind() == a.kind {
			*a.into = v
			p.UserData = &data
		} else {
			degraded = append(degraded, a.name+" is not a JSON "+a.what+": left out")
		}
	}
	return degraded
}

// addParts adds a message's content and returns what had to be changed. Media without a link, and parts
// that are not declared, become words.
func (p *replyPayload) addParts(parts []envelope.Part) (degraded []string) {
	var words []string
	for i := range parts {
		part := &parts[i]
		switch {
		case part.Type == envelope.PartText:
			words = append(words, part.Text)
		case part.Type == envelope.PartSuggestions:
			if part.Text != "" {
				words = append(words, part.Text)
			}
			p.Suggestions = append(p.Suggestions, part.Items...)
		case isMedia(part.Type) && part.URL != "":
			p.Media = append(p.Media, *mediumOf(part))
		default:
			words = append(words, described(part))
			degraded = append(degraded, string(part.Type)+" sent as text")
		}
	}
	p.BotSay = strings.Join(words, "\n")
	return degraded
}

// sentAt is when the gateway took the message, or else when it was sent by its vendor's clock; "" if unknown. The clock is
// one for all answers, so that a gateway at the other end can tell by it which came first; those of vendors may count whole seconds.
func sentAt(e *envelope.Envelope) string {
	at := e.AcceptedAt
	if at.IsZero() {
		at = e.SentAt
	}
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format("2006-01-02T15:04:05.000Z07:00")
}
