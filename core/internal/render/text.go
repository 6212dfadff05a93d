package render

import (
	"fmt"
	"strings"

	"patchbay/sdk/envelope"
	"patchbay/sdk/text"
)

// PartText returns a part as text.
func PartText(p *envelope.Part) string {
	switch p.Type {
	case envelope.PartText:
		return p.Text
	case envelope.PartSuggestions:
		return strings.Join(p.Items, " | ")
	case envelope.PartLocation:
		return strings.TrimSpace(fmt.Sprintf("[location] %g,%g %s", p.Latitude, p.Longitude, p.Text))
	}
	out := "[" + string(p.Type) + "]"
	for _, s := range []string{p.Name, p.Text, p.URL} {
		if s != "" {
			out += " " + s
		}
	}
	return out
}

// FullText returns all parts as text, separated by line ends. Media may be nil.
func FullText(e *envelope.Envelope, media map[int]Medium) string {
	lines := make([]string, len(e.Parts))
	for i := range e.Parts {
		p := withLink(e.Parts[i], media[i])
		lines[i] = PartText(&p)
	}
	return strings.Join(lines, "\n")
}

// TextWithoutMedia returns all parts as text. It contains the captions of media, but not their names and links.
func TextWithoutMedia(e *envelope.Envelope) string {
	var lines []string
	for i := range e.Parts {
		p := &e.Parts[i]
		s := p.Text
		if !p.Type.IsMedia() {
			s = PartText(p)
		}
		if !text.IsBlank(s) {
			lines = append(lines, s)
		}
	}
	return strings.Join(lines, "\n")
}

func withLink(p envelope.Part, m Medium) envelope.Part {
	if m.Link != "" {
		p.URL = m.Link
	}
	return p
}

// IsLink reports whether an address is a web address. Other schemes could run code or open local files at the
// recipient.
func IsLink(address string) bool {
	scheme, rest, ok := strings.Cut(address, "://")
	return ok && rest != "" && (strings.EqualFold(scheme, "http") || strings.EqualFold(scheme, "https"))
}
