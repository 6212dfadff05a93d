package aicc

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"patchbay/sandbox/simulator"
)

// maxText is the maximum size of a TEXT message in bytes of UTF-8. The page states 1 KB.
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

// checkContent checks the content of a customer's CHAT message. It returns the id of the file, "" if there is none.
func (s *Simulator) checkContent(m *upLink) (file string, err error) {
	types := fileTypes[m.MediaType]
	switch {
	case m.MediaType == "TEXT" && len(m.Content) > maxText:
		return "", fmt.Errorf("%d bytes, at most %d", len(m.Content), maxText)
	case m.MediaType == "TEXT":
		return "", nil
	case m.MediaType == "FILE":
		return s.checkFile(m.From, m.Content)
	case m.MediaType == "WEBCARD":
		return s.checkCard(m.From, m.Content)
	case !m.async && !strings.HasPrefix(m.MediaType, "FILE_"):
		return m.Content, s.checkUpload(m.From, m.Content, types)
	}
	key, extension, ok := strings.Cut(m.Content, ",")
	if !ok || !slices.Contains(types, extension) {
		return "", fmt.Errorf("%q is not objectKey,extension with an extension of %v", m.Content, types)
	}
	return key, s.checkUpload(m.From, key, types)
}

// checkFile checks content of the form "fileName,fileSize,fileId,fileType", with the size in bytes. It returns the id
// of the file.
func (s *Simulator) checkFile(user, content string) (file string, err error) {
	fields := strings.Split(content, ",")
	if len(fields) != 4 || fields[0] == "" {
		return "", fmt.Errorf("%q is not fileName,fileSize,fileId,fileType", content)
	}
	key, fileType := fields[2], fields[3]
	if err := s.checkUpload(user, key, uploadTypes); err != nil {
		return "", err
	}
	f, _ := s.files.Get(key)
	if fields[1] != strconv.Itoa(len(f.Content)) || fileType != f.Type {
		return "", fmt.Errorf("%q is not the uploaded file, a %s of %d bytes", content, f.Type, len(f.Content))
	}
	return key, nil
}

// checkCard checks the JSON object of a card, which must have a redirectUrl or a mediaFileId. It returns the id of the
// file, "" if there is none.
func (s *Simulator) checkCard(user, content string) (file string, err error) {
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
		return "", fmt.Errorf("redirectUrl: %q is not an absolute http address", card.RedirectURL)
	case !slices.Contains([]string{"", "img", "img/png", "img/jpg"}, card.MediaFileType):
		return "", fmt.Errorf("mediaFileType: %q, must be img, img/png, img/jpg or empty", card.MediaFileType)
	case card.MediaFileID == "":
		return "", nil
	}
	return card.MediaFileID, s.checkUpload(user, card.MediaFileID, imageTypes)
}

// checkUpload returns an error unless the customer uploaded the file with this key and its type is one of types.
func (s *Simulator) checkUpload(user, key string, types []string) error {
	f, ok := s.files.Get(key)
	if !ok || f.User != user {
		return fmt.Errorf("object key %q does not exist or belongs to another customer", key)
	}
	if !slices.Contains(types, f.Type) {
		return fmt.Errorf("the file is a %s, must be one of %v", f.Type, types)
	}
	return nil
}
