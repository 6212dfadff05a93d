package main

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"path"
	"strings"

	"patchbay/sandbox/aicc"
	"patchbay/sandbox/simulator"
)

// agentName is the name of the agent on the desk page.
const agentName = "Kim"

// deskState is the content of the desk page.
type deskState struct {
	Chats []aicc.Chat `json:"chats"`
	Open  bool        `json:"open"` // within working hours
}

// deskAction executes an action of the agent.
func (s *Sandbox) deskAction(r *simulator.Request, f *form) (any, error) {
	var err error
	switch r.PathValue("action") {
	case "accept":
		err = s.Desk.Accept(f.User, agentName)
	case "say":
		text := strings.TrimSpace(f.Text)
		if text == "" {
			return nil, errors.New("text: missing")
		}
		_, err = s.Desk.Say(f.User, text)
	case "close":
		err = s.Desk.Hangup(f.User)
	case "timeout":
		err = s.Desk.TimeOut(f.User, false)
	case "hours":
		s.Desk.SetOpen(f.Open)
	default:
		return nil, simulator.Refused(http.StatusNotFound, "unknown action, must be accept, say, close, timeout or hours")
	}
	return struct{}{}, deskError(err)
}

// deskPicture sends a picture from the agent's disk.
func (s *Sandbox) deskPicture(r *simulator.Request) (any, error) {
	p, err := readPicture(r)
	if err != nil {
		return nil, err
	}
	if e := p.extension(); e == "gif" || e == "webp" { // downloadFileStream does not support these types
		return nil, errors.New("agents send PNG, JPEG or BMP")
	}
	_, err = s.Desk.SendFile(r.URL.Query().Get("user"), "IMAGE", p.extension(), p.content)
	return struct{}{}, deskError(err)
}

func deskError(err error) error {
	if errors.Is(err, aicc.ErrState) {
		return simulator.Refused(http.StatusConflict, err.Error())
	}
	return err
}

// deskFile serves a file that the customer or the agent sent. Files other than pictures are sent as attachments.
func (s *Sandbox) deskFile(w http.ResponseWriter, r *http.Request) {
	f, ok := s.Desk.File(r.PathValue("id"))
	if !ok {
		http.NotFound(w, r)
		return
	}
	contentType := aicc.ContentType(f.Type)
	if pictureTypes[contentType] == "" {
		w.Header().Set("Content-Disposition", "attachment")
	}
	w.Header().Set("Content-Type", contentType)
	_, _ = w.Write(f.Content) // fails only if the page is closed
}

// deskEvents streams the whole state of the desk, immediately and after each change.
func (s *Sandbox) deskEvents(w http.ResponseWriter, r *http.Request) {
	startStream(w)
	for {
		seen := s.Desk.Events.Len() // read before the chats, so that no change is missed
		if sendEvent(w, seen, deskState{Chats: s.Desk.Chats(), Open: s.Desk.Open()}) != nil {
			return
		}
		if _, err := s.Desk.Events.Next(r.Context(), seen); err != nil {
			return
		}
	}
}

// maxPicture is the maximum size of a picture in bytes. It is the limit of the desk's vendor.
const maxPicture = 2 << 20

// picture is an image that was chosen on a page.
type picture struct {
	name        string
	contentType string
	content     []byte
}

// pictureTypes maps the content types that the pages accept to file extensions. SVG is missing because it can contain
// scripts.
var pictureTypes = map[string]string{
	"image/png": "png", "image/jpeg": "jpg", "image/bmp": "bmp", "image/gif": "gif", "image/webp": "webp",
}

// readPicture reads an image from the body of a call. It detects the content type and takes the name from the query.
func readPicture(r *simulator.Request) (picture, error) {
	if len(r.Body) > maxPicture {
		return picture{}, fmt.Errorf("a picture must have at most %d bytes", maxPicture)
	}
	name := path.Base(cmp.Or(r.URL.Query().Get("name"), "picture"))
	p := picture{name: name, contentType: http.DetectContentType(r.Body), content: r.Body}
	if p.extension() == "" {
		return picture{}, errors.New("a picture must be a PNG, JPEG, GIF, WebP or BMP image")
	}
	return p, nil
}

func (p picture) extension() string { return pictureTypes[p.contentType] }
