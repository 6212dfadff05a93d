package main

import (
	"context"
	"strings"
	"unicode"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
	"patchbay/sdk/webhook"
)

// maxReplyBytes limits the parts of an answer. The gateway accepts replies of 256 KiB per call; the rest is for the
// other fields.
const maxReplyBytes = 224 << 10

// sendBlocking sends a message in blocking mode. The response has the form of a webhook call: of v2, or flat as in v1.
// The response of v1 is not documented, so both forms are accepted for both versions.
func (ch *channel) sendBlocking(ctx context.Context, thread string, m *outboundMessage) (*sdk.Receipt, error) {
	var head apiResponse
	body, err := ch.exchange(ctx, opSend, m.path, m.body, &head)
	if err != nil {
		return nil, err
	}
	var answer messageBody
	f := webhook.DecodeJSON(body, &answer, "")
	if f != nil && decode(body, &answer) != nil {
		return nil, &sdk.Error{Kind: sdk.KindUnknown, Op: opSend, Text: "the response is not a JSON object"}
	}
	e := &envelope.Envelope{Channel: ch.name, Thread: thread, VendorID: validID(idOf(answer.MessageID))}
	if at, f := decodeTime(answer.CreateTime, "create_time"); f == nil {
		e.SentAt = at
	}
	u := decodeUsage(answer.Usage)
	if f == nil {
		f = setContent(e, &answer, stringOf(answer.MessageType), u, body)
	}
	if f != nil {
		e.Sender = envelope.Sender{Role: envelope.RoleBot}
		setUnparsed(e, strings.TrimPrefix(f.Field+": "+f.Message, ": "), body)
	}
	degraded := limitReply(e)
	ch.metrics.count(e, u)
	return &sdk.Receipt{VendorID: e.VendorID, Replies: []*envelope.Envelope{e}, Degraded: degraded}, nil
}

// validID returns an id of GPTBots, or "" if an envelope cannot hold it. An answer without an id is never a duplicate.
func validID(id string) string {
	if len(id) > envelope.MaxIDBytes || strings.ContainsFunc(id, unicode.IsControl) {
		return ""
	}
	return id
}

// limitReply removes the parts of an answer that exceed the limits and returns a note about them.
func limitReply(e *envelope.Envelope) (degraded string) {
	size := 0
	for i := range e.Parts {
		p := &e.Parts[i]
		size += len(p.Text) + len(p.URL) + len(p.Attributes[attrBranch]) + len(p.Attributes[attrComponent])
		if size <= maxReplyBytes && i < envelope.MaxParts {
			continue
		}
		e.Parts = e.Parts[:i] // at least one part remains, because a part is smaller than the limit
		return "the answer is too long; its end is omitted"
	}
	return ""
}
