package main

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"patchbay/sdk/envelope"
)

// Attributes of a media part: what a message says about where its file is. Fetch reads them.
const (
	attrStore    = "file_store" // local (from an agent's disk) or library
	attrFileType = "file_type"  // extension, such as png
)

var mediaParts = map[string]envelope.PartType{
	mediaImage:    envelope.PartImage,
	mediaVideo:    envelope.PartVideo,
	mediaAudio:    envelope.PartAudio,
	mediaDocument: envelope.PartFile,
}

// chatParts reads content by mediaType (table 3, no. 3). Media are the vendor's resource ids, which only
// its downloadFileStream understands. Without a mediaType, which some examples leave out, words are text.
func (m *downlink) chatParts(polled bool) ([]envelope.Part, error) {
	if m.MediaType == mediaCard {
		p, err := m.card()
		return []envelope.Part{p}, err
	}
	content, ok := literalText(m.Content)
	if !ok {
		return nil, wrong("content", "not text")
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
		return nil, wrong("mediaType", "unknown value %s", quoted(m.MediaType))
	}
	if content == "" {
		return nil, wrong("content", "resource id missing")
	}
	return []envelope.Part{m.medium(media, content, polled)}, nil
}

// medium is a part that names a file, with what poll says about it and a push does not.
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

// location reads latitude/longitude/description; the description may hold slashes of its own.
func location(content string) (envelope.Part, error) {
	seg := strings.SplitN(content, "/", 3)
	if len(seg) < 2 {
		return envelope.Part{}, wrong("content", "not latitude/longitude/description")
	}
	lat, errLat := strconv.ParseFloat(strings.TrimSpace(seg[0]), 64)
	long, errLong := strconv.ParseFloat(strings.TrimSpace(seg[1]), 64)
	if errLat != nil || errLong != nil || !(math.Abs(lat) <= 90) || !(math.Abs(long) <= 180) {
		return envelope.Part{}, wrong("content", "latitude or longitude is not a number of degrees")
	}
	p := envelope.Part{Type: envelope.PartLocation, Latitude: lat, Longitude: long}
	if len(seg) == 3 {
		p.Text = seg[2]
	}
	return p, nil
}

// readIDs reads the ids of a READ: one string with commas as in the vendor's example, or an array as in
// its description.
func readIDs(raw json.RawMessage) ([]string, error) {
	var list []literal
	s, ok := literalText(raw)
	if ok && !strings.HasPrefix(strings.TrimSpace(s), "[") {
		for id := range strings.SplitSeq(s, ",") {
			list = append(list, literal(id))
		}
	} else {
		if ok {
			raw = json.RawMessage(s) // an array inside of a string
		}
		if json.Unmarshal(raw, &list) != nil {
			return nil, wrong("content", "neither message ids with commas nor an array of them")
		}
	}
	var ids []string
	for _, l := range list {
		if id := strings.TrimSpace(string(l)); id != "" {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil, wrong("content", "names no message that was read")
	}
	return ids, nil
}

// suggestions reads simQuestions. Its form is not described: an array of strings, also inside of a
// string, gives its items; anything else that is there is one item.
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

// textParts gives one part, or several if the words are more than a part can hold; none for no words.
func textParts(s string) []envelope.Part {
	var out []envelope.Part
	for s != "" {
		piece := clip(s, envelope.MaxTextBytes)
		out = append(out, envelope.TextPart(piece))
		s = s[len(piece):]
	}
	return out
}

// clip cuts s to at most limit bytes without breaking a character.
func clip(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}

// quoted shows an unknown word of the vendor's, which may be long or empty.
func quoted(s string) string { return strconv.Quote(clip(s, 40)) }
