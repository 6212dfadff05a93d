package main

import (
	"fmt"

	"github.com/go-json-experiment/json/jsontext"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// reply returns the reply to a website and a list of the changes to its content.
func reply(d *sdk.Delivery) (r *replyBody, degraded []string, err error) {
	e := d.Envelope
	t, ok := parseThread(d.Thread)
	if !ok {
		return nil, nil, &sdk.Error{Kind: sdk.KindInvalid, Op: opReply, Field: "thread",
			Text: "does not have the form organization/chatbot/user"}
	}
	r = &replyBody{
		UserID: t.user, MessageID: e.ID, VendorMessageID: e.VendorID, Organization: t.organization, ChatbotName: t.chatbot,
		SentAt:  sentAt(e),
		Payload: replyPayload{UserInfo: userInfo{ID: t.user}},
	}
	p := &r.Payload
	if e.Sender.Role != "" {
		p.Sender = &replySender{Role: string(e.Sender.Role), Name: e.Sender.Name}
	}
	switch e.Kind {
	case envelope.KindMessage:
		c := render(e.Parts, func(part *envelope.Part) bool {
			return part.URL != "" || part.Type == envelope.PartSuggestions
		})
		if c.isEmpty() {
			return nil, nil, &sdk.Error{Kind: sdk.KindInvalid, Op: opReply, Field: "parts", Text: "are empty"}
		}
		p.BotSay, p.Media, p.Suggestions, degraded = c.text, c.media, c.suggestions, c.degraded
	case envelope.KindPassed:
		p.Event = &replyEvent{Type: "passed", OwnerRole: e.Attributes["owner_role"],
			Title: e.Attributes["title"], Reason: e.Attributes["reason"]}
	case envelope.KindClosed:
		p.Event = &replyEvent{Type: "closed", Reason: e.Attributes["reason"]}
	case envelope.KindTyping:
		p.Event = &replyEvent{Type: "typing"}
	default:
		return nil, nil, &sdk.Error{Kind: sdk.KindUnsupported, Op: opReply, Field: "kind",
			Text: fmt.Sprintf("%q cannot be sent to a customer", e.Kind)}
	}
	return r, append(degraded, p.setUserData(e.Attributes)...), nil
}

// setUserData sets the userData of the customer's last message and returns notes about omitted attributes.
func (p *replyPayload) setUserData(attributes map[string]string) (degraded []string) {
	var data replyData
	for _, a := range []struct {
		name, typeName string
		kind           jsontext.Kind
		target         *jsontext.Value
	}{
		{attrTargetAgents, "array", '[', &data.TargetAgents},
		{attrCustomPayload, "object", '{', &data.CustomPayload},
	} {
		value, ok := attributes[a.name]
		if !ok {
			continue
		}
		if v := jsontext.Value(value); v.IsValid() && v.Kind() == a.kind {
			*a.target = v
			p.UserData = &data
		} else {
			degraded = append(degraded, a.name+" is not a JSON "+a.typeName+" and is omitted")
		}
	}
	return degraded
}

// sentAt returns the time when the gateway accepted the message. If it is unknown, sentAt returns the vendor's time, or
// "". A gateway at the far end orders replies by this time. The gateway's time has priority because all replies then
// have one clock, and vendors' clocks may have a resolution of seconds.
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
