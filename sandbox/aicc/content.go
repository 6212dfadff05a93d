package aicc

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// maxText is the most that a TEXT message takes: 1 KB, read as bytes of UTF-8.
const maxText = 1 << 10

// File types of uploadFileStream, and those that each media type takes of them. The page of an older date spells bmp as
// bpm.
var (
	imageTypes  = []string{"jpg", "jpeg", "png", "bmp", "bpm"}
	audioTypes  = []string{"mp3", "aac"}
	videoTypes  = []string{"mp4"}
	uploadTypes = slices.Concat(imageTypes, audioTypes, videoTypes, []string{"txt", "csv"})
)

// content checks what a CHAT message of the customer carries. It returns the id of the file that is in it, "" for none,
// and what is wrong, "" for nothing.
func (s *Simulator) content(m upLink, async bool) (file, problem string) {
	switch m.MediaType {
	case "TEXT":
		if len(m.Content) > maxText {
			return "", fmt.Sprintf("%d bytes, at most %d", len(m.Content), maxText)
		}
		return "", ""
	case "IMAGE":
		return s.object(m, async, imageTypes)
	case "AUDIO":
		return s.object(m, async, audioTypes)
	case "VIDEO":
		return s.object(m, async, videoTypes)
	case "FILE_IMAGE":
		return s.typed(m.From, m.Content, imageTypes)
	case "FILE_VIDEO":
		return s.typed(m.From, m.Content, videoTypes)
	case "FILE":
		return s.described(m.From, m.Content)
	}
	return s.card(m.From, m.Content)
}

// object takes what the page send has, the object key alone, or what the page sendAsync has, the key with its extension.
func (s *Simulator) object(m upLink, async bool, types []string) (file, problem string) {
	if async {
		return s.typed(m.From, m.Content, types)
	}
	return m.Content, s.uploaded(m.From, m.Content, types)
}

// typed takes "objectKey,extension".
func (s *Simulator) typed(user, content string, types []string) (file, problem string) {
	key, extension, ok := strings.Cut(content, ",")
	if !ok || !slices.Contains(types, extension) {
		return "", fmt.Sprintf("%q is not objectKey,extension with an extension out of %v", content, types)
	}
	return key, s.uploaded(user, key, types)
}

// described takes "fileName,fileSize,fileId,fileType", the size in bytes.
func (s *Simulator) described(user, content string) (file, problem string) {
	fields := strings.Split(content, ",")
	if len(fields) != 4 || fields[0] == "" {
		return "", fmt.Sprintf("%q is not fileName,fileSize,fileId,fileType", content)
	}
	key, fileType := fields[2], fields[3]
	if problem := s.uploaded(user, key, uploadTypes); problem != "" {
		return "", problem
	}
	f, _ := s.files.get(key)
	if fields[1] != strconv.Itoa(len(f.Content)) {
		return "", fmt.Sprintf("the size is %s, but the file has %d bytes", fields[1], len(f.Content))
	}
	if fileType != f.Type {
		return "", fmt.Sprintf("the type is %s, but the file was uploaded as %s", fileType, f.Type)
	}
	return key, ""
}

// cardKeys are the members of a card, whose structure the page calls fixed.
var cardKeys = []string{"title", "description", "mediaFileId", "mediaFileType", "redirectUrl"}

// card takes a JSON object as text; it needs redirectUrl or mediaFileId, and all else may be empty.
func (s *Simulator) card(user, content string) (file, problem string) {
	var card map[string]*string
	if err := json.Unmarshal([]byte(content), &card); err != nil {
		return "", "not the JSON of a card: " + err.Error()
	}
	values := map[string]string{}
	for key, v := range card {
		if !slices.Contains(cardKeys, key) {
			return "", fmt.Sprintf("a card has no %q", key)
		}
		if v != nil {
			values[key] = *v
		}
	}
	picture, link, kind := values["mediaFileId"], values["redirectUrl"], values["mediaFileType"]
	switch u, err := url.Parse(link); {
	case picture == "" && link == "":
		return "", "neither redirectUrl nor mediaFileId"
	case link != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https"):
		return "", fmt.Sprintf("redirectUrl %q is no web address", link)
	case !slices.Contains([]string{"", "img", "img/png", "img/jpg"}, kind):
		return "", fmt.Sprintf("mediaFileType %q, want img, img/png, img/jpg or nothing", kind)
	case picture == "":
		return "", ""
	}
	return picture, s.uploaded(user, picture, imageTypes)
}

// uploaded says what is wrong with an object key that must be an earlier upload of the same customer.
func (s *Simulator) uploaded(user, key string, types []string) (problem string) {
	f, ok := s.files.get(key)
	switch {
	case !ok || f.User == "":
		return fmt.Sprintf("object key %q was never given out", key)
	case f.User != user:
		return fmt.Sprintf("object key %q was given to another customer", key)
	case !slices.Contains(types, f.Type):
		return fmt.Sprintf("the file is a %s, want one of %v", f.Type, types)
	}
	return ""
}
