package main

import (
	"fmt"
	"net/url"
	"path"
	"strconv"
	"strings"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// compose returns the messages of a delivery: what the agent has not seen, then the customer's newest. The
// second result says what could not be carried as it is.
func compose(d *sdk.Delivery) ([]chatMessage, string, error) {
	e := d.Envelope
	if e.Kind != envelope.KindMessage {
		return nil, "", &sdk.Error{Kind: sdk.KindUnsupported, Op: opSend, Field: "kind",
			Text: fmt.Sprintf("%q can't be sent to an agent", e.Kind)}
	}
	content, degraded := contentOf(e.Parts)
	if content == nil {
		return nil, "", &sdk.Error{Kind: sdk.KindInvalid, Op: opSend, Field: "parts", Text: "nothing to send"}
	}
	messages := make([]chatMessage, 0, len(d.History)+1)
	for _, past := range d.History {
		if past.Kind != envelope.KindMessage || past.Sender.Role == envelope.RoleObserver ||
			(past.ID != "" && past.ID == e.ID) {
			continue
		}
		if said := transcript(past.Parts); said != "" {
			messages = append(messages, chatMessage{Role: chatRole(past.Sender.Role), Content: said})
		}
	}
	return append(messages, chatMessage{Role: "user", Content: content}), strings.Join(degraded, "; "), nil
}

// chatRole is user for the customer and assistant for all who spoke to the customer.
func chatRole(r envelope.Role) string {
	if r == envelope.RoleCustomer {
		return "user"
	}
	return "assistant"
}

// contentOf returns a string if there are only words, a list of parts if there is media, nil if there is
// nothing. Media that the vendor can't take become words.
func contentOf(parts []envelope.Part) (content any, degraded []string) {
	var list []contentPart
	media := false
	for i := range parts {
		p := &parts[i]
		if m, ok := mediaPart(p); ok {
			media = true
			list = append(list, m)
			if p.Text != "" && p.Type != envelope.PartAudio { // a caption; what audio says can be heard
				list = append(list, contentPart{Type: "text", Text: p.Text})
			}
			continue
		}
		if p.Type != envelope.PartText {
			degraded = append(degraded, string(p.Type)+" sent as text")
		}
		if said := described(p); said != "" {
			list = append(list, contentPart{Type: "text", Text: said})
		}
	}
	if len(list) == 0 {
		return nil, degraded
	}
	if media {
		return list, degraded
	}
	said := make([]string, len(list))
	for i := range list {
		said[i] = list[i].Text
	}
	return strings.Join(said, "\n"), degraded
}

// transcript puts parts into words, for the history.
func transcript(parts []envelope.Part) string {
	var said []string
	for i := range parts {
		if s := described(&parts[i]); s != "" {
			said = append(said, s)
		}
	}
	return strings.Join(said, "\n")
}

// described puts a part into words.
func described(p *envelope.Part) string {
	if p.Type == envelope.PartText {
		return p.Text
	}
	words := []string{"[" + strings.TrimSpace(string(p.Type)+" "+p.Name) + "]"}
	if p.Type == envelope.PartLocation {
		words = append(words, strconv.FormatFloat(p.Latitude, 'f', -1, 64)+","+
			strconv.FormatFloat(p.Longitude, 'f', -1, 64))
	}
	for _, s := range append([]string{p.Text, p.URL}, p.Items...) {
		if s != "" {
			words = append(words, s)
		}
	}
	return strings.Join(words, " ")
}

// formats are the file formats that the vendor lists for each type of media ("Send message v2").
var formats = map[envelope.PartType]string{
	envelope.PartImage: " jpg jpeg png gif webp ",
	envelope.PartAudio: " mp3 wav ",
	envelope.PartFile:  " pdf txt docx csv xlsx html json md tex ts xml ",
}

// formatByType gives the format of media types whose name does not end in it.
var formatByType = map[string]string{
	"audio/mpeg": "mp3", "audio/x-wav": "wav", "audio/vnd.wave": "wav", "text/plain": "txt", "text/markdown": "md",
	"application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
	"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet":       "xlsx",
}

// mediaPart returns a part that the vendor fetches by its link; false if there is none, or the format is not
// one of the vendor's.
func mediaPart(p *envelope.Part) (contentPart, bool) {
	allowed, ok := formats[p.Type]
	if !ok || !isLink(p.URL) {
		return contentPart{}, false
	}
	format := formatOf(p, allowed)
	if format == "" {
		return contentPart{}, false
	}
	item := []mediaItem{{URL: p.URL, Format: format, Name: p.Name}}
	switch p.Type {
	case envelope.PartImage:
		return contentPart{Type: "image", Image: item}, true
	case envelope.PartAudio:
		return contentPart{Type: "audio", Audio: item}, true
	}
	return contentPart{Type: "document", Document: item}, true
}

// formatOf returns a file's format if it is one of those allowed: by its name, by its link, or by its media
// type. Otherwise it returns "".
func formatOf(p *envelope.Part, allowed string) string {
	mediaType, _, _ := strings.Cut(p.ContentType, ";")
	mediaType = strings.ToLower(strings.TrimSpace(mediaType))
	_, subtype, _ := strings.Cut(mediaType, "/")
	candidates := []string{extension(p.Name), "", formatByType[mediaType], subtype}
	if u, err := url.Parse(p.URL); err == nil {
		candidates[1] = extension(u.Path)
	}
	for _, format := range candidates {
		if format != "" && strings.Contains(allowed, " "+format+" ") {
			return format
		}
	}
	return ""
}

func extension(name string) string {
	return strings.ToLower(strings.TrimPrefix(path.Ext(name), "."))
}
