package main

import (
	"context"
	"strings"
	"unicode"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
	"patchbay/sdk/webhook"
)

// maxReplyBytes bounds what an answer's parts have together. The gateway takes in 256 KiB of replies of one call; this
// leaves room for what is around the parts.
const maxReplyBytes = 224 << 10

// ask sends a question in blocking mode. The answer has the form of a webhook call: of v2, or flat as in v1. What v1
// answers is not documented, so either form is read whichever was asked.
func (ch *channel) ask(ctx context.Context, thread string, q *question) (*sdk.Receipt, error) {
	var head apiAnswer
	body, err := ch.exchange(ctx, opSend, q.path, q.body, &head)
	if err != nil {
		return nil, err
	}
	var call callBody
	f := webhook.DecodeJSON(body, &call, "")
	if f != nil && decode(body, &call) != nil {
		return nil, &sdk.Error{Kind: sdk.KindUnknown, Op: opSend, Text: "the answer is not a JSON object"}
	}
	e := &envelope.Envelope{Channel: ch.name, Thread: thread, VendorID: usableID(plain(call.MessageID))}
	if at, f := createTime(call.CreateTime, "create_time"); f == nil {
		e.SentAt = at
	}
	used := readUsage(call.Usage)
	if f == nil { // parts are only made of what is in order
		f = fill(e, &call, plain(call.MessageType), used, body)
	}
	if f != nil {
		e.Sender = envelope.Sender{Role: envelope.RoleBot}
		unparsed(e, strings.TrimPrefix(f.Field+": "+f.Message, ": "), body)
	}
	degraded := bound(e)
	ch.metrics.count(e, used)
	return &sdk.Receipt{VendorID: e.VendorID, Replies: []*envelope.Envelope{e}, Degraded: degraded}, nil
}

// usableID returns an id of the vendor's if it can serve as one, else "". An answer without is never taken for a
// repetition.
func usableID(id string) string {
	if len(id) > envelope.MaxIDBytes || strings.ContainsFunc(id, unicode.IsControl) {
		return ""
	}
	return id
}

// bound leaves out what of an answer is beyond the limits, and says so.
func bound(e *envelope.Envelope) (degraded string) {
	size := 0
	for i := range e.Parts {
		p := &e.Parts[i]
		size += len(p.Text) + len(p.URL) + len(p.Attributes[attrBranch]) + len(p.Attributes[attrComponent])
		if size <= maxReplyBytes && i < envelope.MaxParts {
			continue
		}
		e.Parts = e.Parts[:i] // never all: one part is smaller than the limit
		return "the answer is too long: its end was left out"
	}
	return ""
}
