package main

import (
	"io"
	"net/url"
	"path"
	"strings"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

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

// mediaItemOf returns a part as a file of the vendor's: by its bytes if they are attached, else by its link. It returns
// false if the format is not one of the vendor's, it is larger than limit, or there is neither.
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

// fileOf is a file of v1, which has no format: the ending of its name tells it.
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

// mediaPart is a content part of v2 for a part of this type.
func mediaPart(t envelope.PartType, item mediaItem) contentPart {
	switch t {
	case envelope.PartImage:
		return contentPart{Type: "image", Image: []mediaItem{item}}
	case envelope.PartAudio:
		return contentPart{Type: "audio", Audio: []mediaItem{item}}
	}
	return contentPart{Type: "document", Document: []mediaItem{item}}
}

// formatOf returns a file's format if it is one of those allowed: by its name, by its link, or by its media
// type. Otherwise it returns "".
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

// formatsOf returns what a media type may be called.
func formatsOf(contentType string) []string {
	mediaType, _, _ := strings.Cut(contentType, ";")
	mediaType = strings.ToLower(strings.TrimSpace(mediaType))
	_, subtype, _ := strings.Cut(mediaType, "/")
	return []string{formatByType[mediaType], subtype}
}

func extension(name string) string {
	return strings.ToLower(strings.TrimPrefix(path.Ext(name), "."))
}
