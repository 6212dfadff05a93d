package main

import (
	"encoding/json"
	"strconv"
	"strings"

	"patchbay/sdk/envelope"
	"patchbay/sdk/text"
)

// uplinkForms parse content forms that are documented only for customers' messages (send, content). AICC returns such
// messages as echoes.
var uplinkForms = map[string]func(m *downlink, content string, polled bool) (envelope.Part, error){
	mediaFile: (*downlink).describedFile,
	mediaFileImage: func(m *downlink, content string, polled bool) (envelope.Part, error) {
		return m.typedFile(envelope.PartImage, content, polled)
	},
	mediaFileVideo: func(m *downlink, content string, polled bool) (envelope.Part, error) {
		return m.typedFile(envelope.PartVideo, content, polled)
	},
}

// describedFile parses fileName,fileSize,fileId,fileType with the size in bytes. The name may contain commas.
func (m *downlink) describedFile(content string, polled bool) (envelope.Part, error) {
	fields := strings.Split(content, ",")
	n := len(fields)
	if n < 4 {
		return envelope.Part{}, invalid("content", "is not fileName,fileSize,fileId,fileType")
	}
	size, err := strconv.ParseInt(strings.TrimSpace(fields[n-3]), 10, 64)
	id := strings.TrimSpace(fields[n-2])
	if err != nil || size < 0 || id == "" {
		return envelope.Part{}, invalid("content", "is not fileName,fileSize,fileId,fileType")
	}
	p := withFileType(m.medium(envelope.PartFile, id, polled), fields[n-1])
	p.Name, p.Size = text.Clip(strings.Join(fields[:n-3], ","), envelope.MaxIDBytes), size
	return p, nil
}

// typedFile parses objectKey,extension.
func (m *downlink) typedFile(t envelope.PartType, content string, polled bool) (envelope.Part, error) {
	i := strings.LastIndexByte(content, ',')
	key := strings.TrimSpace(content[:max(i, 0)])
	if key == "" {
		return envelope.Part{}, invalid("content", "is not objectKey,extension")
	}
	return withFileType(m.medium(t, key, polled), content[i+1:]), nil
}

// withFileType adds the file type that the content states.
func withFileType(p envelope.Part, extension string) envelope.Part {
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

// card parses a WEBCARD: an object, usually in a string. Its picture is a resource id.
func (m *downlink) card() (envelope.Part, error) {
	raw := m.Content
	if s, ok := literalText(raw); ok {
		raw = json.RawMessage(s)
	}
	var c webCard
	if json.Unmarshal(raw, &c) != nil {
		return envelope.Part{}, invalid("content", "is not the JSON object of a card")
	}
	link := string(c.RedirectURL)
	if link != "" && !isLink(link) {
		return envelope.Part{}, invalid("content", "has a redirectUrl that is not an http or https URL")
	}
	if link == "" && c.MediaFileID == "" {
		return envelope.Part{}, invalid("content", "has neither redirectUrl nor mediaFileId")
	}
	p := envelope.Part{
		Type: envelope.PartCard, Name: text.Clip(string(c.Title), envelope.MaxIDBytes), Text: string(c.Description),
		URL: link, Ref: string(c.MediaFileID),
	}
	if t := text.Clip(string(c.MediaFileType), maxAttribute); t != "" {
		p.Attributes = map[string]string{attrFileType: t}
	}
	return p, nil
}

func isLink(s string) bool {
	_, err := envelope.ParseLink(s)
	return err == nil
}
