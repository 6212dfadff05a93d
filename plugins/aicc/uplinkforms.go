package main

import (
	"encoding/json"
	"net/url"
	"strconv"
	"strings"

	"patchbay/sdk/envelope"
)

// uplinkForms read the contents that are described for what customers send (send, content). They come down where AICC
// repeats it.
var uplinkForms = map[string]func(m *downlink, content string, polled bool) (envelope.Part, error){
	mediaFile: (*downlink).describedFile,
	mediaFileImage: func(m *downlink, content string, polled bool) (envelope.Part, error) {
		return m.typedFile(envelope.PartImage, content, polled)
	},
	mediaFileVideo: func(m *downlink, content string, polled bool) (envelope.Part, error) {
		return m.typedFile(envelope.PartVideo, content, polled)
	},
}

// describedFile reads fileName,fileSize,fileId,fileType, the size in bytes. The name may hold commas of its own.
func (m *downlink) describedFile(content string, polled bool) (envelope.Part, error) {
	fields := strings.Split(content, ",")
	n := len(fields)
	if n < 4 {
		return envelope.Part{}, wrong("content", "not fileName,fileSize,fileId,fileType")
	}
	size, err := strconv.ParseInt(strings.TrimSpace(fields[n-3]), 10, 64)
	id := strings.TrimSpace(fields[n-2])
	if err != nil || size < 0 || id == "" {
		return envelope.Part{}, wrong("content", "not fileName,fileSize,fileId,fileType")
	}
	p := typed(m.medium(envelope.PartFile, id, polled), fields[n-1])
	p.Name, p.Size = clip(strings.Join(fields[:n-3], ","), envelope.MaxIDBytes), size
	return p, nil
}

// typedFile reads objectKey,extension.
func (m *downlink) typedFile(t envelope.PartType, content string, polled bool) (envelope.Part, error) {
	i := strings.LastIndexByte(content, ',')
	key := strings.TrimSpace(content[:max(i, 0)])
	if key == "" {
		return envelope.Part{}, wrong("content", "not objectKey,extension")
	}
	return typed(m.medium(t, key, polled), content[i+1:]), nil
}

// typed adds the type of a file that its message names.
func typed(p envelope.Part, extension string) envelope.Part {
	ext := cleanExtension(extension)
	if ext == "" {
		return p
	}
	if p.Attributes == nil {
		p.Attributes = map[string]string{}
	}
	p.Attributes[attrFileType], p.ContentType = ext, contentTypeOf(ext)
	return p
}

// card reads a WEBCARD: an object, as a rule inside of a string. Its picture is a resource id.
func (m *downlink) card() (envelope.Part, error) {
	raw := m.Content
	if s, ok := literalText(raw); ok {
		raw = json.RawMessage(s)
	}
	var c webCard
	if json.Unmarshal(raw, &c) != nil {
		return envelope.Part{}, wrong("content", "not the JSON object of a card")
	}
	link := string(c.RedirectURL)
	if link != "" && !isLink(link) {
		return envelope.Part{}, wrong("content", "redirectUrl is no web address")
	}
	if link == "" && c.MediaFileID == "" {
		return envelope.Part{}, wrong("content", "a card with neither redirectUrl nor mediaFileId")
	}
	p := envelope.Part{
		Type: envelope.PartCard, Name: clip(string(c.Title), envelope.MaxIDBytes), Text: string(c.Description), URL: link,
		Ref: string(c.MediaFileID),
	}
	if kind := clip(string(c.MediaFileType), maxAttribute); kind != "" {
		p.Attributes = map[string]string{attrFileType: kind}
	}
	return p, nil
}

// maxLink bounds links that are passed on, in bytes.
const maxLink = 4 << 10

func isLink(s string) bool {
	u, err := url.Parse(s)
	return err == nil && len(s) <= maxLink && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}
