package main

import (
	"strings"

	"patchbay/sdk/envelope"
)

// rendered is the content of a message in the wire format.
type rendered struct {
	text        string // texts and descriptions, joined by newlines
	media       []medium
	suggestions []string
	degraded    []string // changes to the content
}

func (r *rendered) isEmpty() bool {
	return r.text == "" && len(r.media) == 0 && len(r.suggestions) == 0
}

// render renders parts. Media and suggestions for which canSend returns false become text.
func render(parts []envelope.Part, canSend func(*envelope.Part) bool) rendered {
	var r rendered
	var texts []string
	for i := range parts {
		p := &parts[i]
		switch {
		case p.Type == envelope.PartText:
			if p.Text != "" {
				texts = append(texts, p.Text)
			}
		case p.Type == envelope.PartSuggestions && canSend(p):
			if p.Text != "" {
				texts = append(texts, p.Text)
			}
			r.suggestions = append(r.suggestions, p.Items...)
		case p.Type.IsMedia() && canSend(p):
			r.media = append(r.media, *mediumOf(p))
		default:
			texts = append(texts, p.Describe())
			r.degraded = append(r.degraded, string(p.Type)+" sent as text")
		}
	}
	r.text = strings.Join(texts, "\n")
	return r
}
