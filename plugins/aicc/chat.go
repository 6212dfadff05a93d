package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// chat sends the words of a message, its card or its file. With offline messages, one that is refused because the
// session has lapsed goes by sendAsync instead: a refusal had no effect, so that one call has at most.
func (c *channel) chat(ctx context.Context, d *sdk.Delivery) (*sdk.Receipt, error) {
	op := "send message"
	st := readState(d.State)
	said, err := c.contentOf(ctx, op, d, &st)
	if err != nil {
		return nil, err
	}
	m := c.uplink(d.Thread, &st, controlChat, said.media, said.content).of(d.Envelope)
	r, err := c.send(ctx, op, callSend, &st, m)
	if err == nil && c.settings.Offline && c.sessionOver(r, d.Attempt) {
		op = "leave offline message"
		if said.left != "" {
			m.Content = said.left
		}
		r, err = c.send(ctx, op, callAsync, &st, m)
	}
	if err != nil {
		return nil, err
	}
	if r.code() != codeDone {
		kind, reason := sendError(r.cause())
		if c.sessionOver(r, d.Attempt) {
			kind, reason = sdk.KindGone, ""
		}
		return nil, refused(op, r, kind, reason)
	}
	c.sessions.underWay(d.Thread, st)
	return st.receipt(d.State, said.degraded)
}

// content is what one CHAT says.
type content struct {
	media, content string // mediaType and content
	left           string // content for sendAsync, "" if it is the same
	degraded       string // what it does not say, or not as it was meant
}

// contentOf says what a message becomes, and uploads its file first if that is what it carries.
func (c *channel) contentOf(ctx context.Context, op string, d *sdk.Delivery, st *threadState) (content, error) {
	e := d.Envelope
	text := e.Text()
	if len(text) > maxText {
		return content{}, &sdk.Error{Kind: sdk.KindInvalid, Op: op, Field: "parts",
			Text: fmt.Sprintf("%d bytes of text, at most %d", len(text), maxText)}
	}
	if said := cardContent(e); said.content != "" {
		said.degraded = noted(said.degraded, leftOut(e, func(i int) bool {
			return e.Parts[i].Type == envelope.PartText || e.Parts[i].Type == envelope.PartCard
		}))
		return said, nil
	}
	if text != "" {
		isText := func(i int) bool { return e.Parts[i].Type == envelope.PartText }
		return content{media: mediaText, content: text, degraded: leftOut(e, isText)}, nil
	}
	for i, a := range d.Media {
		if a == nil {
			continue
		}
		said, err := c.upload(ctx, d.Thread, st, a)
		said.degraded = leftOut(e, func(j int) bool { return i == j })
		return said, err
	}
	return content{}, &sdk.Error{Kind: sdk.KindUnsupported, Op: op,
		Text: "the message has neither words nor a card nor the bytes of a file, and AICC is sent nothing else"}
}

// leftOut says how many parts a CHAT did not carry.
func leftOut(e *envelope.Envelope, carried func(part int) bool) string {
	n := 0
	for i := range e.Parts {
		if !carried(i) {
			n++
		}
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("parts left out because AICC takes one text, card or file a message: %d", n)
}

// noted joins what is to be noted about a delivery.
func noted(notes ...string) string {
	return strings.Join(slices.DeleteFunc(notes, func(s string) bool { return s == "" }), "; ")
}
