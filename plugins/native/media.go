package main

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"patchbay/sdk/envelope"
	"patchbay/sdk/webhook"
)

const (
	// maxMedia leaves room for a text and suggestions in an envelope.
	maxMedia = envelope.MaxParts - 2
	// maxFieldBytes limits a medium's name and content type.
	maxFieldBytes = 256
)

// mediumOf returns the wire form of a part with a link.
func mediumOf(p *envelope.Part) *medium {
	return &medium{Type: string(p.Type), URL: p.URL, Text: p.Text, ContentType: p.ContentType, Name: p.Name, Size: p.Size}
}

// mediaPartsOf returns the parts for the member media. If lenient is true, a medium of unknown type becomes a file, and
// a medium that an envelope cannot hold becomes text. Otherwise both are faults.
func mediaPartsOf(media []*medium, field string, lenient bool) ([]envelope.Part, *webhook.Fault) {
	if len(media) > maxMedia {
		return nil, webhook.NewFault(field, fmt.Sprintf("has %d media; at most %d are allowed", len(media), maxMedia))
	}
	parts := make([]envelope.Part, 0, len(media))
	for i, m := range media {
		at := field + "." + strconv.Itoa(i)
		if m == nil {
			return nil, webhook.NewFault(at, "must be an object")
		}
		p := m.part()
		if f := m.check(at); f != nil {
			description := p.Describe()
			if !lenient || len(description) > envelope.MaxTextBytes {
				return nil, f
			}
			p = envelope.TextPart(description)
		} else if !p.Type.IsMedia() {
			if !lenient || m.Type == "" || len(m.Type) > maxFieldBytes {
				return nil, webhook.NewFault(at+".type", "must be image, audio, video or file")
			}
			p.Type, p.Attributes = envelope.PartFile, map[string]string{attrMedium: m.Type}
		}
		parts = append(parts, p)
	}
	return parts, nil
}

// part returns the envelope's form of a medium.
func (m *medium) part() envelope.Part {
	return envelope.Part{Type: envelope.PartType(m.Type), URL: m.URL, Text: m.Text, ContentType: m.ContentType, Name: m.Name,
		Size: m.Size}
}

// check checks all fields of a medium except its type.
func (m *medium) check(field string) *webhook.Fault {
	if f := checkLink(m.URL, field+".url"); f != nil {
		return f
	}
	if f := webhook.CheckLength(field+".text", m.Text, envelope.MaxTextBytes); f != nil {
		return f
	}
	for _, member := range []struct{ name, value string }{{"contentType", m.ContentType}, {"name", m.Name}} {
		if len(member.value) > maxFieldBytes || strings.ContainsFunc(member.value, unicode.IsControl) {
			return webhook.NewFault(field+"."+member.name,
				fmt.Sprintf("must have at most %d bytes and no control characters", maxFieldBytes))
		}
	}
	if m.Size < 0 {
		return webhook.NewFault(field+".size", "must not be negative")
	}
	return nil
}

// checkLink checks a medium's link.
func checkLink(link, field string) *webhook.Fault {
	u, err := envelope.ParseLink(link)
	switch {
	case link == "":
		return webhook.NewFault(field, "missing")
	case err != nil:
		return webhook.NewFault(field, err.Error())
	case u.User != nil:
		return webhook.NewFault(field, "must not contain credentials")
	}
	return nil
}
