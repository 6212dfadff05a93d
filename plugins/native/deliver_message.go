package main

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// message returns the message to a proxy or another Patchbay and a list of the changes to its content. A nil message
// without an error means that nothing must be sent.
func (ch *channel) message(d *sdk.Delivery) (m *outboundMessage, degraded []string, err error) {
	if d.Thread == "" {
		return nil, nil, &sdk.Error{Kind: sdk.KindInvalid, Op: opMessage, Field: "thread", Text: "is missing"}
	}
	m = &outboundMessage{
		UserID: d.Thread, AccessToken: ch.AccessToken.Reveal(),
		Payload: outboundPayload{UserInfo: userInfo{ID: d.Thread}},
	}
	if ch.FarEnd == farPatchbay {
		m.MessageID, m.SentAt = d.Key, sentAt(d.Envelope)
	}
	p := &m.Payload
	if d.Envelope.Kind == envelope.KindMessage {
		n := 0
		c := render(d.Envelope.Parts, func(part *envelope.Part) bool {
			sent := ch.FarEnd == farPatchbay && part.Type.IsMedia() && n < maxMedia && mediumOf(part).check("") == nil
			if sent {
				n++
			}
			return sent
		})
		if c.isEmpty() {
			return nil, nil, &sdk.Error{Kind: sdk.KindInvalid, Op: opMessage, Field: "parts", Text: "are empty"}
		}
		p.UserSay, p.Media = c.text, c.media
		return m, append(c.degraded, ch.setUserData(p, d.Envelope.Attributes)...), nil
	}
	if p.Event, err = ch.event(d.Envelope); err != nil {
		return nil, nil, err
	}
	if p.Event.Type == "read" && len(p.Event.MessageIDs) == 0 {
		return nil, []string{"not sent: the far end has no ids for these messages"}, nil
	}
	return m, nil, nil
}

// setUserData sets targetAgents, from the message or otherwise from the settings, and the part of customPayload that
// the document allows. It returns notes about omitted attributes.
func (ch *channel) setUserData(p *outboundPayload, attributes map[string]string) (degraded []string) {
	data := outboundData{TargetAgents: ch.TargetAgents}
	if value, ok := attributes[attrTargetAgents]; ok {
		var agents []string
		if json.Unmarshal([]byte(value), &agents) != nil || slices.Contains(agents, "") {
			degraded = append(degraded, attrTargetAgents+" is not a JSON array of names and is omitted")
		} else {
			data.TargetAgents = agents
		}
	}
	if value, ok := attributes[attrCustomPayload]; ok {
		var omitted string
		if data.CustomPayload, omitted = dataOf(value); omitted != "" {
			degraded = append(degraded, omitted)
		}
	}
	if len(data.TargetAgents) > 0 || data.CustomPayload != nil {
		p.UserData = &data
	}
	return degraded
}

// dataOf returns the member data of a customPayload. The revision of 04/17 allows no other member. omitted describes
// the omitted content.
func dataOf(object string) (data *customPayload, omitted string) {
	var members map[string]any
	if json.Unmarshal([]byte(object), &members) != nil {
		return nil, attrCustomPayload + " is not a JSON object and is omitted"
	}
	s, ok := members["data"].(string)
	switch {
	case len(members) == 0:
		return nil, ""
	case !ok:
		return nil, attrCustomPayload + " has no string in data and is omitted"
	case utf8.RuneCountInString(s) >= maxDataCharacters:
		return nil, fmt.Sprintf("%s has %d or more characters in data and is omitted", attrCustomPayload, maxDataCharacters)
	case len(members) > 1:
		return &customPayload{Data: s}, attrCustomPayload + ": only data is sent"
	}
	return &customPayload{Data: s}, ""
}

// event returns the event for an envelope other than a message.
func (ch *channel) event(e *envelope.Envelope) (*outboundEvent, error) {
	eventType := map[envelope.Kind]string{
		envelope.KindTyping: "typing", envelope.KindRead: "read", envelope.KindClosed: "closed",
	}[e.Kind]
	if eventType == "" || ch.FarEnd != farPatchbay {
		return nil, &sdk.Error{Kind: sdk.KindUnsupported, Op: opMessage, Field: "kind",
			Text: fmt.Sprintf("%q cannot be sent to a %s", e.Kind, ch.FarEnd)}
	}
	ev := &outboundEvent{Type: eventType}
	if e.Kind == envelope.KindRead {
		ev.MessageIDs = vendorIDs(e.RefersTo)
	}
	return ev, nil
}

// vendorIDs returns the vendor ids that answerID appended after the first space. Messages without one come from the
// other gateway itself, which needs no read event.
func vendorIDs(refersTo []string) []string {
	var ids []string
	for _, id := range refersTo {
		if _, vendor, ok := strings.Cut(id, " "); ok && len(ids) < envelope.MaxReferences {
			ids = append(ids, vendor)
		}
	}
	return ids
}
