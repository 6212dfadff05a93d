package main

import (
	"io"
	"net/url"
	"path"
	"strings"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// formats are the accepted file formats of each media type ("Send message v2").
var formats = map[envelope.PartType]string{
	envelope.PartImage: " jpg jpeg png gif webp ",
	envelope.PartAudio: " mp3 wav ",
	envelope.PartFile:  " pdf txt docx csv xlsx html json md tex ts xml ",
}

// formatByType maps the media types whose subtype is not the format.
var formatByType = map[string]string{
	"audio/mpeg": "mp3", "audio/x-wav": "wav", "audio/vnd.wave": "wav", "text/plain": "txt", "text/markdown": "md",
	"application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
	"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet":       "xlsx",
}

// mediaItemOf returns a file with the attached bytes or the link of a part. It returns false if the format is not
// accepted, the file is larger than limit, or the part has neither bytes nor a link.
func mediaItemOf(p *envelope.Part, a *sdk.Attachment, limit int64) (mediaItem, bool) {
	allowed, ok := formats[p.Type]
	if !ok {
		return mediaItem{}, false
	}
	format := formatOf(p, a, allowed)
	if format == "" {
		return mediaItem{}, false
	}
	item := mediaItem{Format: format, Name: p.Name}
	switch {
	case a != nil && a.Size() > limit:
		return mediaItem{}, false
	case a != nil && a.Size() > 0:
		content := make([]byte, a.Size())
		if _, err := io.ReadFull(a.Reader(), content); err != nil {
			return mediaItem{}, false
		}
		item.Content = content
		if item.Name == "" {
			item.Name = a.Name
		}
	case isLink(p.URL):
		item.URL = p.URL
	default:
		return mediaItem{}, false
	}
	return item, true
}

// fileOf returns a file for v1, which derives the format from the name's extension.
func fileOf(t envelope.PartType, item mediaItem) mediaItem {
	if item.Name == "" {
		if u, err := url.Parse(item.URL); err == nil && extension(u.Path) == item.Format {
			item.Name = path.Base(u.Path)
		} else {
			item.Name = string(t)
		}
	}
	if extension(item.Name) != item.Format {
		item.Name += "." + item.Format
	}
	item.Format = ""
	return item
}

// mediaPart returns the content part of v2 for a file.
func mediaPart(t envelope.PartType, item mediaItem) contentPart {
	switch t {
	case envelope.PartImage:
		return contentPart{Type: "image", Image: []mediaItem{item}}
	case envelope.PartAudio:
		return contentPart{Type: "audio", Audio: []mediaItem{item}}
	}
	return contentPart{Type: "document", Document: []mediaItem{item}}
}

// formatOf returns the first allowed format that the file's name, link, media type or attachment gives, or "".
func formatOf(p *envelope.Part, a *sdk.Attachment, allowed string) string {
	candidates := []string{extension(p.Name)}
	if u, err := url.Parse(p.URL); err == nil {
		candidates = append(candidates, extension(u.Path))
	}
	candidates = append(candidates, formatsOf(p.ContentType)...)
	if a != nil {
		candidates = append(candidates, extension(a.Name))
		candidates = append(candidates, formatsOf(a.ContentType)...)
	}
	for _, format := range candidates {
		if format != "" && strings.Contains(allowed, " "+format+" ") {
			return format
		}
	}
	return ""
}

// formatsOf returns the possible formats of a media type.
func formatsOf(contentType string) []string {
	mediaType, _, _ := strings.Cut(contentType, ";")
	mediaType = strings.ToLower(strings.TrimSpace(mediaType))
	_, subtype, _ := strings.Cut(mediaType, "/")
	return []string{formatByType[mediaType], subtype}
}

func extension(name string) string {
	return strings.ToLower(strings.TrimPrefix(path.Ext(name), "."))
}
