package main

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"

	"patchbay/sdk/envelope"
	"patchbay/sdk/text"
)

// Attributes of a media part that locate its file. Fetch reads them.
const (
	attrStore    = "file_store" // filesLocal or filesLibrary
	attrFileType = "file_type"  // extension such as png
)

var mediaParts = map[string]envelope.PartType{
	mediaImage:    envelope.PartImage,
	mediaVideo:    envelope.PartVideo,
	mediaAudio:    envelope.PartAudio,
	mediaDocument: envelope.PartFile,
}

// chatParts parses content by mediaType (table 3, content). Media contents are resource ids for downloadFileStream.
// Some examples omit mediaType for texts.
func (m *downlink) chatParts(polled bool) ([]envelope.Part, error) {
	if m.MediaType == mediaCard {
		p, err := m.card()
		return []envelope.Part{p}, err
	}
	content, ok := literalText(m.Content)
	if !ok {
		return nil, invalid("content", "is not text")
	}
	if read, ok := uplinkForms[m.MediaType]; ok {
		p, err := read(m, content, polled)
		return []envelope.Part{p}, err
	}
	if m.MediaType == mediaText || m.MediaType == "" {
		return textParts(content), nil
	}
	if m.MediaType == mediaLocation {
		p, err := location(content)
		return []envelope.Part{p}, err
	}
	media, ok := mediaParts[m.MediaType]
	if !ok {
		return nil, invalid("mediaType", "has the unknown value %s", quote(m.MediaType))
	}
	if content == "" {
		return nil, invalid("content", "has no resource id")
	}
	return []envelope.Part{m.medium(media, content, polled)}, nil
}

// medium returns a part for a file. A poll states the file's store and type, a push does not (poll, contentType and
// mediaFileType).
func (m *downlink) medium(t envelope.PartType, id string, polled bool) envelope.Part {
	p := envelope.Part{Type: t, Ref: id}
	attrs := map[string]string{}
	store, _ := literalText(m.ContentType)
	switch {
	case store == "1":
		attrs[attrStore] = filesLocal
	case polled && store == "":
		attrs[attrStore] = filesLibrary
	}
	s, _ := literalText(m.MediaFileType)
	if ext := cleanExtension(s); ext != "" {
		attrs[attrFileType] = ext
		p.ContentType = contentTypeOf(ext)
	}
	if len(attrs) > 0 {
		p.Attributes = attrs
	}
	return p
}

// location parses latitude/longitude/description. The description may contain slashes.
func location(content string) (envelope.Part, error) {
	seg := strings.SplitN(content, "/", 3)
	if len(seg) < 2 {
		return envelope.Part{}, invalid("content", "is not latitude/longitude/description")
	}
	lat, errLat := strconv.ParseFloat(strings.TrimSpace(seg[0]), 64)
	long, errLong := strconv.ParseFloat(strings.TrimSpace(seg[1]), 64)
	if errLat != nil || errLong != nil || !(math.Abs(lat) <= 90) || !(math.Abs(long) <= 180) {
		return envelope.Part{}, invalid("content", "has a latitude or longitude that is not a number of degrees")
	}
	p := envelope.Part{Type: envelope.PartLocation, Latitude: lat, Longitude: long}
	if len(seg) == 3 {
		p.Text = seg[2]
	}
	return p, nil
}

// readIDs parses the message ids of a READ: a comma-separated string as in the page's example, or an array as in its
// table.
func readIDs(raw json.RawMessage) ([]string, error) {
	var list []literal
	s, ok := literalText(raw)
	if ok && !strings.HasPrefix(strings.TrimSpace(s), "[") {
		for id := range strings.SplitSeq(s, ",") {
			list = append(list, literal(id))
		}
	} else {
		if ok {
			raw = json.RawMessage(s) // an array in a string
		}
		if json.Unmarshal(raw, &list) != nil {
			return nil, invalid("content", "is neither a comma-separated list nor an array of message ids")
		}
	}
	var ids []string
	for _, l := range list {
		if id := strings.TrimSpace(string(l)); id != "" {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil, invalid("content", "lists no message ids")
	}
	return ids, nil
}

// suggestions parses simQuestions, whose format is not documented. An array of strings, or a string with the JSON of
// such an array, gives its items. Any other value is one item.
func suggestions(raw json.RawMessage) []string {
	s, ok := literalText(raw)
	if !ok {
		s = string(raw)
	}
	var list []string
	if json.Unmarshal([]byte(s), &list) == nil && len(list) > 0 {
		return list
	}
	switch strings.TrimSpace(s) {
	case "", "null", "[]":
		return nil
	}
	return []string{s}
}

// textParts splits a text into parts of the maximum size. An empty text has no parts.
func textParts(s string) []envelope.Part {
	var out []envelope.Part
	for _, piece := range text.Split(s, envelope.MaxTextBytes) {
		out = append(out, envelope.TextPart(piece))
	}
	return out
}

// quote formats an unknown value of a vendor field for an error.
func quote(s string) string { return strconv.Quote(text.Clip(s, 40)) }
