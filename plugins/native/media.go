package main

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"unicode"

	"patchbay/sdk/envelope"
	"patchbay/sdk/webhook"
)

const (
	// maxMedia leaves room for words and suggestions among an envelope's parts.
	maxMedia = envelope.MaxParts - 2
	// maxURLBytes bounds the link of a medium.
	maxURLBytes = 4096
	// maxFactBytes bounds a medium's name and content type.
	maxFactBytes = 256
)

func isMedia(t envelope.PartType) bool {
	switch t {
	case envelope.PartImage, envelope.PartAudio, envelope.PartVideo, envelope.PartFile:
		return true
	}
	return false
}

// mediumOf is the form of a medium that has a link.
func mediumOf(p *envelope.Part) *medium {
	return &medium{Type: string(p.Type), URL: p.URL, Text: p.Text, ContentType: p.ContentType, Name: p.Name, Size: p.Size}
}

// readMedia reads the member media. What is wrong with a medium is a fault; if lenient is set, one of an unknown type is a
// file, since its link is still worth something to the reader, and one that an envelope can't hold is put into words.
func readMedia(media []*medium, field string, lenient bool) ([]envelope.Part, *webhook.Fault) {
	if len(media) > maxMedia {
		return nil, webhook.NewFault(field, fmt.Sprintf("%d media, at most %d", len(media), maxMedia))
	}
	parts := make([]envelope.Part, 0, len(media))
	for i, m := range media {
		at := field + "." + strconv.Itoa(i)
		if m == nil {
			return nil, webhook.NewFault(at, "must be an object")
		}
		p := m.part()
		if f := m.check(at); f != nil {
			words := described(&p)
			if !lenient || len(words) > envelope.MaxTextBytes {
				return nil, f
			}
			p = envelope.TextPart(words)
		} else if !isMedia(p.Type) {
			if !lenient || m.Type == "" || len(m.Type) > maxFactBytes {
				return nil, webhook.NewFault(at+".type", "must be image, audio, video or file")
			}
			p.Type, p.Attributes = envelope.PartFile, map[string]string{attrMedium: m.Type}
		}
		parts = append(parts, p)
	}
	return parts, nil
}

// part is the envelope's form of a medium.
func (m *medium) part() envelope.Part {
	return envelope.Part{Type: envelope.PartType(m.Type), URL: m.URL, Text: m.Text, ContentType: m.ContentType, Name: m.Name,
		Size: m.Size}
}

// check says what is wrong with a medium, but for its type.
func (m *medium) check(field string) *webhook.Fault {
	if problem := linkProblem(m.URL); problem != "" {
		return webhook.NewFault(field+".url", problem)
	}
	if len(m.Text) > envelope.MaxTextBytes {
		return webhook.NewFault(field+".text", fmt.Sprintf("%d bytes, at most %d", len(m.Text), envelope.MaxTextBytes))
	}
	for _, fact := range []struct{ name, value string }{{"contentType", m.ContentType}, {"name", m.Name}} {
		if len(fact.value) > maxFactBytes || strings.ContainsFunc(fact.value, unicode.IsControl) {
			return webhook.NewFault(field+"."+fact.name,
				fmt.Sprintf("must have at most %d bytes and no control characters", maxFactBytes))
		}
	}
	if m.Size < 0 {
		return webhook.NewFault(field+".size", "must not be negative")
	}
	return nil
}

// linkProblem says what is wrong with a medium's link, "" if nothing.
func linkProblem(link string) string {
	if link == "" {
		return "missing"
	}
	if len(link) > maxURLBytes {
		return fmt.Sprintf("%d bytes, at most %d", len(link), maxURLBytes)
	}
	u, err := url.Parse(link)
	switch {
	case err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http"):
		return "must be an address like https://host/path"
	case u.User != nil:
		return "must not have credentials in it"
	}
	return ""
}

// described puts a part into words.
func described(p *envelope.Part) string {
	if p.Type == envelope.PartSuggestions {
		return strings.TrimSpace(p.Text + "\n" + strings.Join(p.Items, " | "))
	}
	words := []string{"[" + strings.TrimSpace(string(p.Type)+" "+p.Name) + "]"}
	if p.Type == envelope.PartLocation {
		words = append(words, strconv.FormatFloat(p.Latitude, 'f', -1, 64)+","+
			strconv.FormatFloat(p.Longitude, 'f', -1, 64))
	}
	for _, s := range []string{p.Text, p.URL} {
		if s != "" {
			words = append(words, s)
		}
	}
	return strings.Join(words, " ")
}
