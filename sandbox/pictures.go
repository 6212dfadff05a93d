package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxPicture is the limit of a picture, in bytes: that of the desk's vendor.
const maxPicture = 2 << 20

// picture is an image that was chosen on a page.
type picture struct {
	name        string
	contentType string
	content     []byte
}

// pictureTypes are the kinds of images that pages take, with their extension. SVG is not among them: it can hold
// scripts.
var pictureTypes = map[string]string{
	"image/png": "png", "image/jpeg": "jpg", "image/bmp": "bmp", "image/gif": "gif", "image/webp": "webp",
}

var errPicture = errors.New("not a usable picture")

// readPicture takes an image that is the body of a request; its kind is what its bytes say, its name the query's.
func readPicture(w http.ResponseWriter, r *http.Request) (picture, error) {
	content, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxPicture))
	if err != nil {
		return picture{}, fmt.Errorf("picture with more than %d bytes or broken off: %w", maxPicture, errPicture)
	}
	p := picture{contentType: http.DetectContentType(content), content: content}
	if pictureTypes[p.contentType] == "" {
		return picture{}, fmt.Errorf("want a PNG, JPEG, GIF, WebP or BMP image: %w", errPicture)
	}
	p.name = fileName(r.URL.Query().Get("name"))
	if p.name == "" {
		p.name = "picture." + p.extension()
	}
	return p, nil
}

func (p picture) extension() string { return pictureTypes[p.contentType] }

// fileName returns the last element of a path, without control characters and not longer than 100 bytes.
func fileName(given string) string {
	name := path.Base(strings.ReplaceAll(given, `\`, "/"))
	name = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == utf8.RuneError {
			return -1
		}
		return r
	}, name)
	if name == "." || name == "/" || len(name) > 100 {
		return ""
	}
	return name
}

// chatPicture sends a customer's picture to the gateway.
func (s *Sandbox) chatPicture(w http.ResponseWriter, r *http.Request) {
	user := r.URL.Query().Get("user")
	if !validUser(user) {
		sendProblem(w, http.StatusBadRequest, "user id is missing or not usable")
		return
	}
	p, err := readPicture(w, r)
	if err != nil {
		sendProblem(w, http.StatusBadRequest, err.Error())
		return
	}
	if err := s.sendPicture(r.Context(), user, p, "m-"+rand.Text()); err != nil {
		s.o.Logger.Warn("picture not taken", "error", err)
		sendProblem(w, http.StatusBadGateway, "The gateway did not take the picture: "+err.Error())
		return
	}
	sendJSON(w, http.StatusAccepted, struct{}{})
}

// serveFile sends a file that a stranger chose: as an image, or else only to be saved.
func serveFile(w http.ResponseWriter, contentType string, content []byte) {
	if pictureTypes[contentType] == "" {
		w.Header().Set("Content-Disposition", "attachment")
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(content)))
	// An error here means that the caller left; there is nobody to tell.
	_, _ = w.Write(content)
}
