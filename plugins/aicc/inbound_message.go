package main

import (
	"encoding/json"
	"maps"
	"strconv"

	"patchbay/sdk/envelope"
	"patchbay/sdk/text"
)

// Attributes of inbound envelopes. Unparsed ones have "problem" and "raw_bytes" in addition.
const (
	attrReason  = "reason"         // of a disconnected event; see the reasons below
	attrOffline = "offline"        // isOfflineStatus: whether the customer may still leave messages
	attrChannel = "vendor_channel" // channel, if it is not WEB
	attrCall    = "call_id"        // callId
	attrAvatar  = "avatar"         // senderAvatar
	attrTurn    = "interaction"    // interIdx
	attrControl = "control_type"   // controlType of an echo, if it is not CHAT
)

// attrUserAgent is an attribute of outbound messages, sent as userAgent. attrAvatar is sent as senderAvatar.
const attrUserAgent = "user_agent"

// Reasons of a disconnected event. AICC has one controlType, DISCONNECT, for all of them.
const (
	reasonAgent    = "agent_closed"    // the agent ended the chat
	reasonTimeout  = "timeout"         // the customer was inactive; the chat has ended
	reasonOffline  = "timeout_offline" // the same, but AICC accepts offline messages
	reasonRobot    = "robot_closed"    // AICC's own robot ended the chat
	reasonCustomer = "customer_closed" // the customer ended the chat
)

var eventReasons = map[string]string{
	reasonAgent:    "The agent ended the chat.",
	reasonTimeout:  "The customer was inactive, and the chat has ended.",
	reasonOffline:  "The customer was inactive; AICC still accepts offline messages.",
	reasonRobot:    "AICC's own robot ended the chat.",
	reasonCustomer: "The customer ended the chat.",
}

const (
	maxProblem   = 1 << 10
	maxAttribute = 1 << 10
)

// senderRoles maps sourceType. SYSTEM maps to system because a notice such as "connected to an agent" must not count
// as an agent's first message.
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

// envelope translates one message of channel c. The envelope has no id yet. An error names the field that cannot be
// parsed.
func (m *downlink) envelope(c *channel, polled bool) (*envelope.Envelope, error) {
	if m.To == "" {
		return nil, invalid("to", "is missing")
	}
	role, ok := senderRoles[m.SourceType]
	if !ok {
		return nil, invalid("sourceType", "has the unknown value %s", quote(m.SourceType))
	}
	at, err := milliTime(m.Timestamp)
	if err != nil {
		return nil, err
	}
	e := &envelope.Envelope{
		Channel: c.name,
		Thread:  m.To,
		Sender:  envelope.Sender{Role: role, Name: text.Clip(m.SenderNickname, envelope.MaxIDBytes)},
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
		return nil, invalid("content", "is empty")
	}
	m.markEcho(e)
	return e, nil
}

// markEcho marks messages of the customer that AICC repeats. They must not be delivered again, and a repeated CONNECT
// must not count as an acceptance. A DISCONNECT by the customer remains a disconnected event.
func (m *downlink) markEcho(e *envelope.Envelope) {
	if e.Sender.Role != envelope.RoleCustomer || e.Kind == envelope.KindDisconnected {
		return
	}
	if m.ControlType != controlChat {
		e.Attributes[attrControl] = m.ControlType
	}
	e.Kind = envelope.KindEcho
}

// event sets the fields of an event from a message with a controlType other than CHAT. A text in its content is kept.
func (m *downlink) event(e *envelope.Envelope, s *Settings) error {
	kind, ok := events[m.ControlType]
	if !ok {
		return invalid("controlType", "has the unknown value %s", quote(m.ControlType))
	}
	e.Kind = kind
	if kind == envelope.KindRead {
		var err error
		e.RefersTo, err = readIDs(m.Content)
		return err
	}
	text, ok := literalText(m.Content)
	if !ok {
		return invalid("content", "is not text")
	}
	e.Parts = textParts(text)
	offline := e.Attributes[attrOffline] == "true"
	switch {
	case kind == envelope.KindConnected && m.SourceType == sourceRobot && s.Transfer:
		return invalid("sourceType", "is AICC's robot, which does not accept for an agent while transfer is set")
	case kind == envelope.KindDisconnected && offline && m.SourceType == sourceSystem && s.Offline:
		e.Kind = envelope.KindMessage // AICC still accepts messages
	case kind == envelope.KindDisconnected:
		e.Attributes[attrReason] = m.disconnectReason(offline)
	}
	return nil
}

// disconnectReason returns the reason for the end of a chat. For a time-out, the reason depends on whether AICC accepts
// offline messages (table 3, isOfflineStatus).
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
		attrs[attrChannel] = text.Clip(m.Channel, maxAttribute)
	}
	for name, raw := range map[string]json.RawMessage{
		attrCall: m.CallID, attrAvatar: m.SenderAvatar, attrTurn: m.InterIdx,
	} {
		v, ok := literalText(raw)
		if !ok {
			v = string(raw)
		}
		attrs[name] = text.Clip(v, maxAttribute)
	}
	maps.DeleteFunc(attrs, func(_, v string) bool { return v == "" })
	return attrs, nil
}
