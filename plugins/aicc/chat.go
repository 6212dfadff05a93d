package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// chat sends the text, the card or the file of a message. With offline_messages, a message that is refused because the
// session has expired is sent by sendAsync instead. The refused call had no effect, so the message is sent at most
// once.
func (c *channel) chat(ctx context.Context, d *sdk.Delivery) (*sdk.Receipt, error) {
	op := "send message"
	st := readState(d.State)
	content, err := c.contentOf(ctx, op, d, &st)
	if err != nil {
		return nil, err
	}
	m := c.uplink(d.Thread, &st, controlChat, content.mediaType, content.text).withSender(d.Envelope)
	r, err := c.send(ctx, op, callSend, &st, m)
	if err == nil && c.settings.Offline && c.isSessionExpired(r, d.Attempt) {
		op = "send offline message"
		if content.asyncText != "" {
			m.Content = content.asyncText
		}
		r, err = c.send(ctx, op, callAsync, &st, m)
	}
	if err != nil {
		return nil, err
	}
	if r.code() != codeDone {
		kind, reason := sendError(r.cause())
		if c.isSessionExpired(r, d.Attempt) {
			kind, reason = sdk.KindGone, ""
		}
		return nil, refusalError(op, r, kind, reason)
	}
	c.polledUsers.resume(d.Thread, st)
	return st.receipt(d.State, content.degraded)
}

// content is the content of one CHAT.
type content struct {
	mediaType string
	text      string // the field content
	asyncText string // the field content for sendAsync, "" if it is the same
	degraded  string // omitted or changed content
}

// contentOf converts a message to the content of a CHAT. It uploads the file of a message that has one.
func (c *channel) contentOf(ctx context.Context, op string, d *sdk.Delivery, st *threadState) (content, error) {
	e := d.Envelope
	text := e.Text()
	if len(text) > maxText {
		return content{}, &sdk.Error{Kind: sdk.KindInvalid, Op: op, Field: "parts",
			Text: fmt.Sprintf("have %d bytes of text; AICC accepts %d", len(text), maxText)}
	}
	if out := cardContent(e); out.text != "" {
		out.degraded = joinNotes(out.degraded, omittedParts(e, func(i int) bool {
			return e.Parts[i].Type == envelope.PartText || e.Parts[i].Type == envelope.PartCard
		}))
		return out, nil
	}
	if text != "" {
		isText := func(i int) bool { return e.Parts[i].Type == envelope.PartText }
		return content{mediaType: mediaText, text: text, degraded: omittedParts(e, isText)}, nil
	}
	for i, a := range d.Media {
		if a == nil {
			continue
		}
		out, err := c.upload(ctx, d.Thread, st, a)
		out.degraded = omittedParts(e, func(j int) bool { return i == j })
		return out, err
	}
	return content{}, &sdk.Error{Kind: sdk.KindUnsupported, Op: op,
		Text: "the message has no text, card or file, and AICC accepts nothing else"}
}

// omittedParts describes the parts that a CHAT does not include.
func omittedParts(e *envelope.Envelope, included func(part int) bool) string {
	n := 0
	for i := range e.Parts {
		if !included(i) {
			n++
		}
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("parts omitted because AICC accepts one text, card or file per message: %d", n)
}

// joinNotes joins notes about a degraded delivery.
func joinNotes(notes ...string) string {
	return strings.Join(slices.DeleteFunc(notes, func(s string) bool { return s == "" }), "; ")
}
