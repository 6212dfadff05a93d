package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// compose translates a delivery. The second result says what could not be carried as it is.
func compose(d *sdk.Delivery) (*replyBody, string, error) {
	e := d.Envelope
	t, ok := parseThread(d.Thread)
	if !ok {
		return nil, "", &sdk.Error{Kind: sdk.KindInvalid, Op: opReply, Field: "thread",
			Text: "not of the form organization/chatbot/user"}
	}
	r := &replyBody{
		UserID: t.user, MessageID: e.ID, Organization: t.organization, ChatbotName: t.chatbot,
		SentAt:  sentAt(e),
		Payload: replyPayload{UserInfo: replyUserInfo{ID: t.user}},
	}
	if e.Sender.Role != "" {
		r.Payload.Sender = &replySender{Role: string(e.Sender.Role), Name: e.Sender.Name}
	}
	var degraded []string
	switch e.Kind {
	case envelope.KindMessage:
		degraded = r.Payload.addParts(e.Parts)
		if r.Payload.BotSay == "" && len(r.Payload.Media) == 0 && len(r.Payload.Suggestions) == 0 {
			return nil, "", &sdk.Error{Kind: sdk.KindInvalid, Op: opReply, Field: "parts", Text: "nothing to send"}
		}
	case envelope.KindPassed:
		r.Payload.Event = &replyEvent{Type: "passed", Owner: e.Attributes["owner"],
			OwnerRole: e.Attributes["owner_role"], Reason: e.Attributes["reason"]}
	case envelope.KindClosed:
		r.Payload.Event = &replyEvent{Type: "closed", Reason: e.Attributes["reason"]}
	case envelope.KindTyping:
		r.Payload.Event = &replyEvent{Type: "typing"}
	default:
		return nil, "", &sdk.Error{Kind: sdk.KindUnsupported, Op: opReply, Field: "kind",
			Text: fmt.Sprintf("%q can't be sent to a customer", e.Kind)}
	}
	if custom, ok := e.Attributes[attrCustomPayload]; ok {
		if v := jsontext.Value(custom); v.IsValid() && v.Kind() == '{' {
			r.Payload.UserData = &replyUserData{CustomPayload: v}
		} else {
			degraded = append(degraded, attrCustomPayload+" is not a JSON object: left out")
		}
	}
	return r, strings.Join(degraded, "; "), nil
}

// addParts adds a message's content and returns what had to be changed. Media without a link, and parts
// that are not declared, become words.
func (p *replyPayload) addParts(parts []envelope.Part) []string {
	var words, degraded []string
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
			p.Media = append(p.Media, replyMedium{Type: string(part.Type), URL: part.URL, Text: part.Text,
				ContentType: part.ContentType, Name: part.Name, Size: part.Size})
		default:
			words = append(words, described(part))
			degraded = append(degraded, string(part.Type)+" sent as text")
		}
	}
	p.BotSay = strings.Join(words, "\n")
	return degraded
}

func isMedia(t envelope.PartType) bool {
	switch t {
	case envelope.PartImage, envelope.PartAudio, envelope.PartVideo, envelope.PartFile:
		return true
	}
	return false
}

// described puts a part into words.
func described(p *envelope.Part) string {
	words := []string{"[" + strings.TrimSpace(string(p.Type)+" "+p.Name) + "]"}
	if p.Type == envelope.PartLocation {
		words = append(words, strconv.FormatFloat(p.Latitude, 'f', -1, 64)+","+
			strconv.FormatFloat(p.Longitude, 'f', -1, 64))
	}
	for _, s := range []string{p.Text, p.URL} {
		if s != "" {
			words = append(words, s)
		}
	}
	return strings.Join(words, " ")
}

// sentAt is when the message was sent, by its vendor's clock or else by the gateway's; "" if unknown.
func sentAt(e *envelope.Envelope) string {
	at := e.SentAt
	if at.IsZero() {
		at = e.AcceptedAt
	}
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format("2006-01-02T15:04:05.000Z07:00")
}
