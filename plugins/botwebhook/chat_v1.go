package main

import (
	"strings"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// composeV1 puts everything into one text, since v1 of the API takes no messages of others.
func (ch *channel) composeV1(d *sdk.Delivery, config *chatConfig, lost []string) (*question, []string) {
	body := sendBodyV1{ConversationID: d.Thread, ResponseMode: ch.Mode}
	pieces, degraded := ch.pieces(d)
	if len(pieces) == 0 {
		return nil, nil
	}
	var said []string
	for _, p := range pieces {
		if p.file == nil {
			said = append(said, p.words)
			continue
		}
		body.Files = append(body.Files, fileOf(p.of, *p.file))
	}
	body.Text = strings.Join(said, "\n")
	if earlier := past(d); len(earlier) > 0 {
		body.Text = retold(earlier, body.Text)
		degraded = append(degraded, "history sent as part of the text")
	}
	if config != nil {
		lost = append(lost, config.onlyV1()...)
		body.ShortTermMemory, body.LongTermMemory = config.ShortTermMemory, config.LongTermMemory
		body.Knowledge = config.Knowledge
	}
	return &question{body: body, path: sendPathV1}, append(degraded, lost...)
}

// retold puts a conversation so far before what is asked now.
func retold(earlier []utterance, now string) string {
	var b strings.Builder
	b.WriteString("Earlier in this conversation:\n")
	for _, u := range earlier {
		who := "Assistant"
		if u.role == envelope.RoleCustomer {
			who = "Customer"
		}
		b.WriteString(who + ": " + u.words + "\n")
	}
	b.WriteString("\nNow the customer says:\n" + now)
	return b.String()
}
