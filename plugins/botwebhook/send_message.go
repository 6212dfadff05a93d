package main

import (
	"fmt"
	"strings"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// outboundMessage is a request of "Send message".
type outboundMessage struct {
	body     any
	path     string // below base_url
	degraded string // changes to the content
}

// encodeMessage returns the request for a delivery in the channel's API version.
func (ch *channel) encodeMessage(d *sdk.Delivery) (*outboundMessage, error) {
	e := d.Envelope
	if e.Kind != envelope.KindMessage {
		return nil, &sdk.Error{Kind: sdk.KindUnsupported, Op: opSend, Field: "kind",
			Text: fmt.Sprintf("%q cannot be sent to a GPTBots agent", e.Kind)}
	}
	parts, degraded := ch.messageParts(d)
	if len(parts) == 0 {
		return nil, &sdk.Error{Kind: sdk.KindInvalid, Op: opSend, Field: "parts", Text: "are empty"}
	}
	config, omitted := ch.chatConfig(e.Attributes)
	var m *outboundMessage
	var notes []string
	if ch.API == apiV1 {
		m, notes = ch.encodeV1(d, parts, config)
	} else {
		m = ch.encodeV2(d, parts, config)
	}
	m.degraded = joinNotes(append(append(degraded, notes...), omitted...)...)
	return m, nil
}

// encodeV2 returns the request of "Send message v2". Messages that the GPTBots agent has not seen precede the newest
// one.
func (ch *channel) encodeV2(d *sdk.Delivery, parts []messagePart, config *chatConfig) *outboundMessage {
	messages := make([]chatMessage, 0, len(d.History)+1)
	for _, p := range unseenMessages(d) {
		messages = append(messages, chatMessage{Role: chatRole(p.role), Content: p.text})
	}
	body := sendBodyV2{ConversationID: d.Thread, ResponseMode: ch.Mode, Config: config,
		Messages: append(messages, chatMessage{Role: "user", Content: contentOf(parts)})}
	return &outboundMessage{body: body, path: sendPathV2}
}

// attachment returns the attachment of a part, or nil.
func attachment(d *sdk.Delivery, part int) *sdk.Attachment {
	if part < len(d.Media) {
		return d.Media[part]
	}
	return nil
}

// pastMessage is an earlier message as text.
type pastMessage struct {
	role envelope.Role
	text string
}

// unseenMessages returns the messages that the agent has not seen, oldest first.
func unseenMessages(d *sdk.Delivery) []pastMessage {
	var out []pastMessage
	for _, e := range d.History {
		if e.Kind != envelope.KindMessage || e.Sender.Role == envelope.RoleObserver || (e.ID != "" && e.ID == d.Envelope.ID) {
			continue
		}
		if s := textOf(e.Parts); s != "" {
			out = append(out, pastMessage{e.Sender.Role, s})
		}
	}
	return out
}

// chatRole returns user for the customer and assistant for all other senders.
func chatRole(r envelope.Role) string {
	if r == envelope.RoleCustomer {
		return "user"
	}
	return "assistant"
}

// messagePart is one part of a message in the form of GPTBots: a text or a file.
type messagePart struct {
	text     string
	partType envelope.PartType // of a file
	file     *mediaItem
}

// messageParts converts a delivery's parts. Media that GPTBots does not accept become text.
func (ch *channel) messageParts(d *sdk.Delivery) (parts []messagePart, degraded []string) {
	for i := range d.Envelope.Parts {
		p := &d.Envelope.Parts[i]
		s := p.Describe()
		if item, ok := mediaItemOf(p, attachment(d, i), ch.MediaBytes); ok {
			parts = append(parts, messagePart{partType: p.Type, file: &item})
			s = p.Text // a caption
			if p.Type == envelope.PartAudio {
				s = "" // the text is a transcript, which would repeat the audio
			}
		} else if p.Type != envelope.PartText {
			degraded = append(degraded, string(p.Type)+" sent as text")
		}
		if s != "" {
			parts = append(parts, messagePart{text: s})
		}
	}
	return parts, degraded
}

// contentOf returns a string for parts without files, otherwise a []contentPart.
func contentOf(parts []messagePart) any {
	list := make([]contentPart, 0, len(parts))
	texts := make([]string, 0, len(parts))
	for _, p := range parts {
		if p.file != nil {
			list = append(list, mediaPart(p.partType, *p.file))
			continue
		}
		list = append(list, contentPart{Type: "text", Text: p.text})
		texts = append(texts, p.text)
	}
	if len(texts) < len(list) {
		return list
	}
	return strings.Join(texts, "\n")
}

// textOf renders parts as text.
func textOf(parts []envelope.Part) string {
	var lines []string
	for i := range parts {
		if s := parts[i].Describe(); s != "" {
			lines = append(lines, s)
		}
	}
	return strings.Join(lines, "\n")
}
