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

// question translates a delivery towards a proxy or another Patchbay. degraded says what could not be carried as it is. A
// nil question without an error means that nothing is left to send.
func (ch *channel) question(d *sdk.Delivery) (q *questionBody, degraded []string, err error) {
	if d.Thread == "" {
		return nil, nil, &sdk.Error{Kind: sdk.KindInvalid, Op: opAsk, Field: "thread", Text: "missing"}
	}
	q = &questionBody{
		UserID: d.Thread, AccessToken: ch.AccessToken.Reveal(),
		Payload: questionPayload{UserInfo: userInfo{ID: d.Thread}},
	}
	if ch.FarEnd == farPatchbay {
		q.MessageID = d.Key
	}
	if d.Envelope.Kind == envelope.KindMessage {
		degraded = q.Payload.addParts(d.Envelope.Parts, ch.FarEnd == farPatchbay)
		if q.Payload.UserSay == "" && len(q.Payload.Media) == 0 {
			return nil, nil, &sdk.Error{Kind: sdk.KindInvalid, Op: opAsk, Field: "parts", Text: "nothing to send"}
		}
		return q, append(degraded, ch.addData(&q.Payload, d.Envelope.Attributes)...), nil
	}
	q.Payload.Event, err = ch.event(d.Envelope)
	if err != nil {
		return nil, nil, err
	}
	if q.Payload.Event.Type == "read" && len(q.Payload.Event.MessageIDs) == 0 {
		return nil, []string{"not sent: the far end gave the messages that were read no id"}, nil
	}
	return q, nil, nil
}

// addParts adds what is said and returns what had to be changed. Without media, they become words.
func (p *questionPayload) addParts(parts []envelope.Part, media bool) (degraded []string) {
	var words []string
	for i := range parts {
		part := &parts[i]
		switch {
		case part.Type == envelope.PartText:
			words = append(words, part.Text)
		case media && isMedia(part.Type) && len(p.Media) < maxMedia && mediumOf(part).check("") == nil:
			p.Media = append(p.Media, *mediumOf(part))
		default:
			words = append(words, described(part))
			degraded = append(degraded, string(part.Type)+" sent as text")
		}
	}
	p.UserSay = strings.Join(words, "\n")
	return degraded
}

// addData adds targetAgents, of the message or else of the settings, and the part of customPayload that the document
// allows, and returns what is left out.
func (ch *channel) addData(p *questionPayload, attributes map[string]string) (degraded []string) {
	data := questionData{TargetAgents: ch.TargetAgents}
	if text, ok := attributes[attrTargetAgents]; ok {
		var agents []string
		if json.Unmarshal([]byte(text), &agents) != nil || slices.Contains(agents, "") {
			degraded = append(degraded, attrTargetAgents+" is not a JSON array of names: left out")
		} else {
			data.TargetAgents = agents
		}
	}
	if text, ok := attributes[attrCustomPayload]; ok {
		var lost string
		if data.CustomPayload, lost = onlyData(text); lost != "" {
			degraded = append(degraded, lost)
		}
	}
	if len(data.TargetAgents) > 0 || data.CustomPayload != nil {
		p.UserData = &data
	}
	return degraded
}

// onlyData takes data out of an object; the revision of 04/17 allows nothing else. lost says what is left out.
func onlyData(object string) (kept *customPayload, lost string) {
	var members map[string]any
	if json.Unmarshal([]byte(object), &members) != nil {
		return nil, attrCustomPayload + " is not a JSON object: left out"
	}
	data, ok := members["data"].(string)
	switch {
	case len(members) == 0:
		return nil, ""
	case !ok:
		return nil, attrCustomPayload + " has no text in data: left out"
	case utf8.RuneCountInString(data) >= maxDataCharacters:
		return nil, fmt.Sprintf("%s: data has %d characters or more: left out", attrCustomPayload, maxDataCharacters)
	case len(members) > 1:
		return &customPayload{Data: data}, attrCustomPayload + ": only data is sent"
	}
	return &customPayload{Data: data}, ""
}

// event translates what the customer does beside talking.
func (ch *channel) event(e *envelope.Envelope) (*questionEvent, error) {
	kind := map[envelope.Kind]string{
		envelope.KindTyping: "typing", envelope.KindRead: "read", envelope.KindClosed: "closed",
	}[e.Kind]
	if kind == "" || ch.FarEnd != farPatchbay {
		return nil, &sdk.Error{Kind: sdk.KindUnsupported, Op: opAsk, Field: "kind",
			Text: fmt.Sprintf("%q can't be sent to a %s", e.Kind, ch.FarEnd)}
	}
	ev := &questionEvent{Type: kind}
	if e.Kind == envelope.KindRead {
		ev.MessageIDs = messageIDs(e.RefersTo)
	}
	return ev, nil
}

// messageIDs returns the ids by which a Patchbay's own vendor knows messages; answerID put them behind the first blank.
// Messages without such an id are what the other gateway said itself: nobody over there waits to learn that they were read.
func messageIDs(refersTo []string) []string {
	var ids []string
	for _, id := range refersTo {
		if _, vendor, ok := strings.Cut(id, " "); ok && len(ids) < envelope.MaxReferences {
			ids = append(ids, vendor)
		}
	}
	return ids
}
