package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"patchbay/sdk/envelope"
)

// Attributes of an inbound envelope beside "problem" and "raw_bytes" of unparsed ones.
const (
	attrReason  = "reason"         // of disconnected: one of the three below
	attrOffline = "offline"        // isOfflineStatus: whether the customer may still leave messages
	attrChannel = "vendor_channel" // channel, if it is not WEB
	attrCall    = "call_id"        // callId
)

// Reasons of a disconnected event. AICC has one control type for all of them.
const (
	reasonAgent   = "agent_closed"    // the agent ended the chat
	reasonTimeout = "timeout"         // the customer was silent too long; the chat is over
	reasonOffline = "timeout_offline" // the same, but the customer may still leave messages
	reasonRobot   = "robot_closed"    // AICC's own robot ended the chat
)

const (
	maxProblem   = 1 << 10
	maxAttribute = 1 << 10
)

// senderRoles maps sourceType. SYSTEM stays system: a notice like "connected to an agent" must not count
// as an agent's first words.
var senderRoles = map[string]envelope.Role{
	sourceAgent:  envelope.RoleAgent,
	sourceRobot:  envelope.RoleBot,
	sourceSystem: envelope.RoleSystem,
}

var mediaParts = map[string]envelope.PartType{
	mediaImage:    envelope.PartImage,
	mediaVideo:    envelope.PartVideo,
	mediaAudio:    envelope.PartAudio,
	mediaDocument: envelope.PartFile,
}

// events maps the control types other than CHAT.
var events = map[string]envelope.Kind{
	controlConnect:    envelope.KindConnected,
	controlTransfer:   envelope.KindHandoverRequested,
	controlDisconnect: envelope.KindDisconnected,
	controlRead:       envelope.KindRead,
	controlInput:      envelope.KindTyping,
}

// envelope translates one message without its id. An error says which field was not understood.
func (m *downlink) envelope(channel string) (*envelope.Envelope, error) {
	if m.To == "" {
		return nil, errors.New("to: missing")
	}
	role, ok := senderRoles[m.SourceType]
	if !ok {
		return nil, fmt.Errorf("sourceType: unknown value %s", quoted(m.SourceType))
	}
	at, err := milliTime(m.Timestamp)
	if err != nil {
		return nil, err
	}
	e := &envelope.Envelope{
		Channel: channel,
		Thread:  m.To,
		Sender:  envelope.Sender{Role: role, Name: clip(m.SenderNickname, envelope.MaxIDBytes)},
		Kind:    envelope.KindMessage,
		SentAt:  at,
	}
	if e.Attributes, err = m.attributes(); err != nil {
		return nil, err
	}
	if m.ControlType == controlChat {
		e.Parts, err = m.chatParts()
	} else {
		err = m.event(e)
	}
	if err != nil {
		return nil, err
	}
	if items := suggestions(m.SimQuestions); len(items) > 0 {
		e.Parts = append(e.Parts, envelope.Part{Type: envelope.PartSuggestions, Items: items})
	}
	if e.Kind == envelope.KindMessage && len(e.Parts) == 0 {
		return nil, errors.New("content: empty")
	}
	return e, nil
}

// event fills in a message whose control type is not CHAT. Words that come with it are kept as text.
func (m *downlink) event(e *envelope.Envelope) error {
	kind, ok := events[m.ControlType]
	if !ok {
		return fmt.Errorf("controlType: unknown value %s", quoted(m.ControlType))
	}
	e.Kind = kind
	if kind == envelope.KindRead {
		var err error
		e.RefersTo, err = readIDs(m.Content)
		return err
	}
	words, ok := literalText(m.Content)
	if !ok {
		return errors.New("content: not text")
	}
	e.Parts = textParts(words)
	if kind == envelope.KindDisconnected {
		e.Attributes[attrReason] = m.disconnectReason(e.Attributes[attrOffline] == "true")
	}
	return nil
}

// disconnectReason tells the meanings of DISCONNECT apart by who ended the chat and, for a time-out,
// by whether AICC takes offline messages.
func (m *downlink) disconnectReason(offline bool) string {
	switch {
	case m.SourceType == sourceAgent:
		return reasonAgent
	case m.SourceType == sourceRobot:
		return reasonRobot
	case offline:
		return reasonOffline
	}
	return reasonTimeout
}

func (m *downlink) attributes() (map[string]string, error) {
	attrs := map[string]string{}
	offline, given, err := flagValue(m.IsOfflineStatus)
	if err != nil {
		return nil, err
	}
	if given {
		attrs[attrOffline] = strconv.FormatBool(offline)
	}
	if m.Channel != channelWeb {
		attrs[attrChannel] = clip(m.Channel, maxAttribute)
	}
	call, ok := literalText(m.CallID)
	if !ok {
		call = string(m.CallID)
	}
	attrs[attrCall] = clip(call, maxAttribute)
	maps.DeleteFunc(attrs, func(_, v string) bool { return v == "" })
	return attrs, nil
}

// chatParts reads content by mediaType (table 3, no. 3). Media are the vendor's resource ids, which only
// its downloadFileStream understands.
func (m *downlink) chatParts() ([]envelope.Part, error) {
	content, ok := literalText(m.Content)
	if !ok {
		return nil, errors.New("content: not text")
	}
	if m.MediaType == mediaText {
		return textParts(content), nil
	}
	if m.MediaType == mediaLocation {
		p, err := location(content)
		return []envelope.Part{p}, err
	}
	media, ok := mediaParts[m.MediaType]
	if !ok {
		return nil, fmt.Errorf("mediaType: unknown value %s", quoted(m.MediaType))
	}
	if content == "" {
		return nil, errors.New("content: resource id missing")
	}
	return []envelope.Part{{Type: media, Ref: content}}, nil
}

// location reads latitude/longitude/description; the description may hold slashes of its own.
func location(content string) (envelope.Part, error) {
	seg := strings.SplitN(content, "/", 3)
	if len(seg) < 2 {
		return envelope.Part{}, errors.New("content: not latitude/longitude/description")
	}
	lat, errLat := strconv.ParseFloat(strings.TrimSpace(seg[0]), 64)
	long, errLong := strconv.ParseFloat(strings.TrimSpace(seg[1]), 64)
	if errLat != nil || errLong != nil || !(math.Abs(lat) <= 90) || !(math.Abs(long) <= 180) {
		return envelope.Part{}, errors.New("content: latitude or longitude is not a number of degrees")
	}
	p := envelope.Part{Type: envelope.PartLocation, Latitude: lat, Longitude: long}
	if len(seg) == 3 {
		p.Text = seg[2]
	}
	return p, nil
}

// readIDs reads the ids of a READ: one string with commas as in the vendor's example, or an array as in
// its description.
func readIDs(raw json.RawMessage) ([]string, error) {
	var list []literal
	s, ok := literalText(raw)
	if ok && !strings.HasPrefix(strings.TrimSpace(s), "[") {
		for id := range strings.SplitSeq(s, ",") {
			list = append(list, literal(id))
		}
	} else {
		if ok {
			raw = json.RawMessage(s) // an array inside of a string
		}
		if json.Unmarshal(raw, &list) != nil {
			return nil, errors.New("content: neither message ids with commas nor an array of them")
		}
	}
	var ids []string
	for _, l := range list {
		if id := strings.TrimSpace(string(l)); id != "" {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil, errors.New("content: names no message that was read")
	}
	return ids, nil
}

// suggestions reads simQuestions. Its form is not described: an array of strings, also inside of a
// string, gives its items; anything else that is there is one item.
func suggestions(raw json.RawMessage) []string {
	s, ok := literalText(raw)
	if !ok {
		s = string(raw)
	}
	var list []string
	if json.Unmarshal([]byte(s), &list) == nil && len(list) > 0 {
		return list
	}
	switch strings.TrimSpace(s) {
	case "", "null", "[]":
		return nil
	}
	return []string{s}
}

// textParts gives one part, or several if the words are more than a part can hold; none for no words.
func textParts(s string) []envelope.Part {
	var out []envelope.Part
	for s != "" {
		piece := clip(s, envelope.MaxTextBytes)
		out = append(out, envelope.TextPart(piece))
		s = s[len(piece):]
	}
	return out
}

// clip cuts s to at most limit bytes without breaking a character.
func clip(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}

// quoted shows an unknown word of the vendor's, which may be long or empty.
func quoted(s string) string { return strconv.Quote(clip(s, 40)) }
