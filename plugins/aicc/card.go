package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"patchbay/sdk/envelope"
)

// maxTitle is the most bytes of a card's title. The page names no limit for either of a card's texts; the description has
// that of a text.
const maxTitle = envelope.MaxIDBytes

// cardContent is the content of a message with cards, zero for one without. A card alone becomes a WEBCARD. Beside words
// or other cards, which AICC has no call for, it becomes a line of text; if all lines together are too long for that, the
// first card with a link is the WEBCARD, and its description begins with the others.
func cardContent(e *envelope.Envelope) content {
	var lines, beside []string
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
			beside = append(beside, line)
		}
	}
	words := strings.Join(lines, "\n")
	switch {
	case words == e.Text():
		return content{} // no cards, or such as show nothing
	case card != nil && (len(beside) == 0 || len(words) > maxText):
		return webCardContent(card, beside)
	}
	out := content{media: mediaText, content: clip(words, maxText), degraded: "sent as text: card"}
	if len(words) > maxText {
		out.degraded += fmt.Sprintf(", cut to %d bytes", maxText)
	}
	return out
}

// cardLine puts a card into words.
func cardLine(p *envelope.Part) string {
	var words []string
	for _, s := range []string{p.Name, p.Text, p.URL} {
		if s != "" {
			words = append(words, s)
		}
	}
	return strings.Join(words, " ")
}

// webCardContent writes a WEBCARD. Its description begins with the lines beside it. A picture would have to be an upload
// of this customer, and a card brings the bytes of none.
func webCardContent(p *envelope.Part, beside []string) content {
	description := strings.Join(append(beside[:len(beside):len(beside)], p.Text), "\n")
	if p.Text == "" {
		description = strings.Join(beside, "\n")
	}
	var out content
	var notes []string
	if len(beside) > 0 {
		notes = append(notes, "sent as part of a card: what is beside it")
	}
	if len(description) > maxText {
		notes = append(notes, fmt.Sprintf("the card's description is cut to %d bytes", maxText))
	}
	if len(p.Name) > maxTitle {
		notes = append(notes, fmt.Sprintf("the card's title is cut to %d bytes", maxTitle))
	}
	if p.Ref != "" {
		notes = append(notes, "the card's picture is left out")
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	// Strings always encode.
	_ = enc.Encode(webCard{
		Title: literal(clip(p.Name, maxTitle)), Description: literal(strings.TrimSpace(clip(description, maxText))),
		RedirectURL: literal(p.URL),
	})
	out.media, out.content, out.degraded = mediaCard, strings.TrimSpace(b.String()), noted(notes...)
	return out
}
