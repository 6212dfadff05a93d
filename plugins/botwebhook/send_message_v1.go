package main

import (
	"strings"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// encodeV1 returns the request of "Send message" (v1) and notes about it. v1 accepts a single text, so unseen messages
// become part of it.
func (ch *channel) encodeV1(
	d *sdk.Delivery, parts []messagePart, config *chatConfig,
) (m *outboundMessage, notes []string) {
	body := sendBodyV1{ConversationID: d.Thread, ResponseMode: ch.Mode}
	var texts []string
	for _, p := range parts {
		if p.file == nil {
			texts = append(texts, p.text)
			continue
		}
		body.Files = append(body.Files, fileOf(p.partType, *p.file))
	}
	body.Text = strings.Join(texts, "\n")
	if past := unseenMessages(d); len(past) > 0 {
		body.Text = withHistory(past, body.Text)
		notes = append(notes, "history sent as part of the text")
	}
	if config != nil {
		notes = append(notes, config.removeV2()...)
		body.ShortTermMemory, body.LongTermMemory = config.ShortTermMemory, config.LongTermMemory
		body.Knowledge = config.Knowledge
	}
	return &outboundMessage{body: body, path: sendPathV1}, notes
}

// withHistory returns a text with the conversation so far and the newest message.
func withHistory(past []pastMessage, newest string) string {
	var b strings.Builder
	b.WriteString("Earlier in this conversation:\n")
	for _, m := range past {
		sender := "Assistant"
		if m.role == envelope.RoleCustomer {
			sender = "Customer"
		}
		b.WriteString(sender + ": " + m.text + "\n")
	}
	b.WriteString("\nNow the customer says:\n" + newest)
	return b.String()
}
