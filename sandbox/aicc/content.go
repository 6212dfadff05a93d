package aicc

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"patchbay/sandbox/simulator"
)

// maxText is the maximum size of a TEXT message: 1 KB, counted in bytes of UTF-8.
const maxText = 1 << 10

// File types of uploadFileStream. An older page spells bmp as bpm.
var (
	imageTypes  = []string{"jpg", "jpeg", "png", "bmp", "bpm"}
	audioTypes  = []string{"mp3", "aac"}
	videoTypes  = []string{"mp4"}
	uploadTypes = slices.Concat(imageTypes, audioTypes, videoTypes, []string{"txt", "csv"})
)

// fileTypes lists the file types of each media type whose content is "objectKey,extension". With send, the content of
// IMAGE, AUDIO and VIDEO is the object key alone.
var fileTypes = map[string][]string{
	"IMAGE": imageTypes, "AUDIO": audioTypes, "VIDEO": videoTypes, "FILE_IMAGE": imageTypes, "FILE_VIDEO": videoTypes,
}

// content checks the content of a CHAT message of the customer. It returns the id of the file in it, "" for none.
func (s *Simulator) content(m *upLink) (file string, err error) {
	types := fileTypes[m.MediaType]
	switch {
	case m.MediaType == "TEXT" && len(m.Content) > maxText:
		return "", fmt.Errorf("%d bytes, at most %d", len(m.Content), maxText)
	case m.MediaType == "TEXT":
		return "", nil
	case m.MediaType == "FILE":
		return s.described(m.From, m.Content)
	case m.MediaType == "WEBCARD":
		return s.card(m.From, m.Content)
	case !m.async && !strings.HasPrefix(m.MediaType, "FILE_"):
		return m.Content, s.uploaded(m.From, m.Content, types)
	}
	key, extension, ok := strings.Cut(m.Content, ",")
	if !ok || !slices.Contains(types, extension) {
		return "", fmt.Errorf("%q is not objectKey,extension with an extension out of %v", m.Content, types)
	}
	return key, s.uploaded(m.From, key, types)
}

// described checks content of the form "fileName,fileSize,fileId,fileType", with the size in bytes. It returns the file
// id.
func (s *Simulator) described(user, content string) (file string, err error) {
	fields := strings.Split(content, ",")
	if len(fields) != 4 || fields[0] == "" {
		return "", fmt.Errorf("%q is not fileName,fileSize,fileId,fileType", content)
	}
	key, fileType := fields[2], fields[3]
	if err := s.uploaded(user, key, uploadTypes); err != nil {
		return "", err
	}
	f, _ := s.files.Get(key)
	if fields[1] != strconv.Itoa(len(f.Content)) || fileType != f.Type {
		return "", fmt.Errorf("%q is not the uploaded file, a %s of %d bytes", content, f.Type, len(f.Content))
	}
	return key, nil
}

// card checks a JSON object with the fixed members of the page. It must have a redirectUrl or a mediaFileId.
func (s *Simulator) card(user, content string) (file string, err error) {
	var card struct {
		Title         string `json:"title"`
		Description   string `json:"description"`
		MediaFileID   string `json:"mediaFileId"`
		MediaFileType string `json:"mediaFileType"`
		RedirectURL   string `json:"redirectUrl"`
	}
	if err := simulator.Decode([]byte(content), &card); err != nil {
		return "", fmt.Errorf("not the JSON of a card: %w", err)
	}
	switch {
	case card.MediaFileID == "" && card.RedirectURL == "":
		return "", errors.New("neither redirectUrl nor mediaFileId")
	case card.RedirectURL != "" && !simulator.IsWebAddress(card.RedirectURL):
		return "", fmt.Errorf("redirectUrl: %q is no web address", card.RedirectURL)
	case !slices.Contains([]string{"", "img", "img/png", "img/jpg"}, card.MediaFileType):
		return "", fmt.Errorf("mediaFileType: %q, must be img, img/png, img/jpg or empty", card.MediaFileType)
	case card.MediaFileID == "":
		return "", nil
	}
	return card.MediaFileID, s.uploaded(user, card.MediaFileID, imageTypes)
}

// uploaded returns an error unless the customer uploaded the file with this key and its type is one of types.
func (s *Simulator) uploaded(user, key string, types []string) error {
	f, ok := s.files.Get(key)
	if !ok || f.User != user {
		return fmt.Errorf("object key %q does not exist or belongs to another customer", key)
	}
	if !slices.Contains(types, f.Type) {
		return fmt.Errorf("the file is a %s, must be one of %v", f.Type, types)
	}
	return nil
}
