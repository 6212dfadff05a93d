package main

import (
	"net/http"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"patchbay/sandbox/simulator"
)

// maxPicture is the limit of a picture, in bytes: that of the desk's vendor.
const maxPicture = 2 << 20

// picture is an image that was chosen on a page.
type picture struct {
	name        string
	contentType string
	content     []byte
}

// pictureTypes are the types of images that pages take, with their extensions. SVG is not among them: it can contain
// scripts.
var pictureTypes = map[string]string{
	"image/png": "png", "image/jpeg": "jpg", "image/bmp": "bmp", "image/gif": "gif", "image/webp": "webp",
}

// readPicture reads an image that is the body of a call. Its type is detected, its name is in the query.
func readPicture(r *simulator.Request) (picture, error) {
	if len(r.Body) > maxPicture {
		return picture{}, badRequest("a picture must have at most %d bytes", maxPicture)
	}
	p := picture{contentType: http.DetectContentType(r.Body), content: r.Body}
	if p.extension() == "" {
		return picture{}, badRequest("a picture must be a PNG, JPEG, GIF, WebP or BMP image")
	}
	p.name = fileName(r.URL.Query().Get("name"))
	if p.name == "" {
		p.name = "picture." + p.extension()
	}
	return p, nil
}

func (p picture) extension() string { return pictureTypes[p.contentType] }

// fileName returns the last element of a path without control characters, "" if it is longer than 100 bytes.
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
