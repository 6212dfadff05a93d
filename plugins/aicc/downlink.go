package main

import (
	"encoding/json"
	"maps"
	"strconv"

	"patchbay/sdk/envelope"
)

// Attributes of an inbound envelope beside "problem" and "raw_bytes" of unparsed ones.
const (
	attrReason  = "reason"         // of disconnected: one of those below
	attrOffline = "offline"        // isOfflineStatus: whether the customer may still leave messages
	attrChannel = "vendor_channel" // channel, if it is not WEB
	attrCall    = "call_id"        // callId
	attrAvatar  = "avatar"         // senderAvatar
	attrTurn    = "interaction"    // interIdx
	attrControl = "control_type"   // controlType of an echo that is no chat
)

// attrUserAgent is, beside attrAvatar, what an outbound message may have to be told to AICC (userAgent).
const attrUserAgent = "user_agent"

// Reasons of a disconnected event. AICC has one control type for all of them.
const (
	reasonAgent    = "agent_closed"    // the agent ended the chat
	reasonTimeout  = "timeout"         // the customer was silent too long; the chat is over
	reasonOffline  = "timeout_offline" // the same, but the customer may still leave messages
	reasonRobot    = "robot_closed"    // AICC's own robot ended the chat
	reasonCustomer = "customer_closed" // the customer did, so AICC says
)

const (
	maxProblem   = 1 << 10
	maxAttribute = 1 << 10
)

// senderRoles maps sourceType. SYSTEM stays system: a notice like "connected to an agent" must not count
// as an agent's first words.
var senderRoles = map[string]envelope.Role{
	sourceAgent:    envelope.RoleAgent,
	sourceRobot:    envelope.RoleBot,
	sourceSystem:   envelope.RoleSystem,
	sourceCustomer: envelope.RoleCustomer,
	sourceUser:     envelope.RoleCustomer,
}

// events maps the control types other than CHAT.
var events = map[string]envelope.Kind{
	controlConnect:    envelope.KindConnected,
	controlTransfer:   envelope.KindHandoverRequested,
	controlDisconnect: envelope.KindDisconnected,
	controlRead:       envelope.KindRead,
	controlInput:      envelope.KindTyping,
}

// envelope translates one message of c's without its id. polled means that it comes from poll. An error says which
// field was not understood.
func (m *downlink) envelope(c *channel, polled bool) (*envelope.Envelope, error) {
	if m.To == "" {
		return nil, wrong("to", "missing")
	}
	role, ok := senderRoles[m.SourceType]
	if !ok {
		return nil, wrong("sourceType", "unknown value %s", quoted(m.SourceType))
	}
	at, err := milliTime(m.Timestamp)
	if err != nil {
		return nil, err
	}
	e := &envelope.Envelope{
		Channel: c.name,
		Thread:  m.To,
		Sender:  envelope.Sender{Role: role, Name: clip(m.SenderNickname, envelope.MaxIDBytes)},
		Kind:    envelope.KindMessage,
		SentAt:  at,
	}
	if e.Attributes, err = m.attributes(); err != nil {
		return nil, err
	}
	if m.ControlType == controlChat {
		e.Parts, err = m.chatParts(polled)
	} else {
		err = m.event(e, &c.settings)
	}
	if err != nil {
		return nil, err
	}
	if items := suggestions(m.SimQuestions); len(items) > 0 {
		e.Parts = append(e.Parts, envelope.Part{Type: envelope.PartSuggestions, Items: items})
	}
	if e.Kind == envelope.KindMessage && len(e.Parts) == 0 {
		return nil, wrong("content", "empty")
	}
	m.ownWords(e)
	return e, nil
}

// ownWords marks what is the customer's own, repeated by the vendor: it must neither be sent back nor, as CONNECT,
// count as somebody's acceptance. That the customer has left stays what it is.
func (m *downlink) ownWords(e *envelope.Envelope) {
	if e.Sender.Role != envelope.RoleCustomer || e.Kind == envelope.KindDisconnected {
		return
	}
	if m.ControlType != controlChat {
		e.Attributes[attrControl] = m.ControlType
	}
	e.Kind = envelope.KindEcho
}

// event fills in a message whose control type is not CHAT. Words that come with it are kept as text.
func (m *downlink) event(e *envelope.Envelope, s *Settings) error {
	kind, ok := events[m.ControlType]
	if !ok {
		return wrong("controlType", "unknown value %s", quoted(m.ControlType))
	}
	e.Kind = kind
	if kind == envelope.KindRead {
		var err error
		e.RefersTo, err = readIDs(m.Content)
		return err
	}
	words, ok := literalText(m.Content)
	if !ok {
		return wrong("content", "not text")
	}
	e.Parts = textParts(words)
	offline := e.Attributes[attrOffline] == "true"
	switch {
	case kind == envelope.KindConnected && m.SourceType == sourceRobot && s.Transfer:
		return wrong("sourceType", "AICC's robot connects, which is no agent's acceptance while transfer is set")
	case kind == envelope.KindDisconnected && offline && m.SourceType == sourceSystem && s.Offline:
		e.Kind = envelope.KindMessage // the desk still takes messages
	case kind == envelope.KindDisconnected:
		e.Attributes[attrReason] = m.disconnectReason(offline)
	}
	return nil
}

// disconnectReason tells the meanings of DISCONNECT apart by who ended the chat and, for a time-out,
// by whether AICC takes offline messages.
func (m *downlink) disconnectReason(offline bool) string {
	switch m.SourceType {
	case sourceAgent:
		return reasonAgent
	case sourceRobot:
		return reasonRobot
	case sourceCustomer, sourceUser:
		return reasonCustomer
	}
	if offline {
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
	for name, raw := range map[string]json.RawMessage{attrCall: m.CallID, attrAvatar: m.SenderAvatar, attrTurn: m.InterIdx} {
		v, ok := literalText(raw)
		if !ok {
			v = string(raw)
		}
		attrs[name] = clip(v, maxAttribute)
	}
	maps.DeleteFunc(attrs, func(_, v string) bool { return v == "" })
	return attrs, nil
}
