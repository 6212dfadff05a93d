package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"patchbay/sdk/envelope"
	"patchbay/sdk/text"
)

// maxTitle limits a card's title, in bytes. The page of send has no limits for the texts of a WEBCARD; the adapter
// applies the limit of a text message to the description.
const maxTitle = envelope.MaxIDBytes

// cardContent returns the content for a message with cards, or the zero value if the message has none. A single card
// becomes a WEBCARD. AICC has no message for a card with text or with other cards, so these become lines of text. If
// the lines are too long for a text message, the first card with a link becomes a WEBCARD and the other lines begin its
// description.
func cardContent(e *envelope.Envelope) content {
	var lines, others []string
	var card *envelope.Part
	for i := range e.Parts {
		p := &e.Parts[i]
		line := p.Text
		switch p.Type {
		case envelope.PartCard:
			line = cardLine(p)
		case envelope.PartText:
		default:
			continue
		}
		if line != "" {
			lines = append(lines, line)
		}
		if card == nil && p.Type == envelope.PartCard && isLink(p.URL) {
			card = p
		} else if line != "" {
			others = append(others, line)
		}
	}
	joined := strings.Join(lines, "\n")
	switch {
	case joined == e.Text():
		return content{} // no cards, or only empty ones
	case card != nil && (len(others) == 0 || len(joined) > maxText):
		return webCardContent(card, others)
	}
	out := content{mediaType: mediaText, text: text.Clip(joined, maxText), degraded: "sent as text: card"}
	if len(joined) > maxText {
		out.degraded += fmt.Sprintf(", cut to %d bytes", maxText)
	}
	return out
}

// cardLine renders a card as a line of text.
func cardLine(p *envelope.Part) string {
	var fields []string
	for _, s := range []string{p.Name, p.Text, p.URL} {
		if s != "" {
			fields = append(fields, s)
		}
	}
	return strings.Join(fields, " ")
}

// webCardContent returns a WEBCARD whose description begins with the other lines of the message. The picture is
// omitted: mediaFileId requires an upload, and a card does not contain the picture's bytes.
func webCardContent(p *envelope.Part, others []string) content {
	description := strings.Join(append(others[:len(others):len(others)], p.Text), "\n")
	if p.Text == "" {
		description = strings.Join(others, "\n")
	}
	var out content
	var notes []string
	if len(others) > 0 {
		notes = append(notes, "the rest of the message is sent in the card's description")
	}
	if len(description) > maxText {
		notes = append(notes, fmt.Sprintf("the card's description is cut to %d bytes", maxText))
	}
	if len(p.Name) > maxTitle {
		notes = append(notes, fmt.Sprintf("the card's title is cut to %d bytes", maxTitle))
	}
	if p.Ref != "" {
		notes = append(notes, "the card's picture is omitted")
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(webCard{ // strings always encode
		Title:       literal(text.Clip(p.Name, maxTitle)),
		Description: literal(strings.TrimSpace(text.Clip(description, maxText))),
		RedirectURL: literal(p.URL),
	})
	out.mediaType, out.text, out.degraded = mediaCard, strings.TrimSpace(b.String()), joinNotes(notes...)
	return out
}
