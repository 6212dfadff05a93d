package main

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"path"

	"patchbay/sandbox/simulator"
)

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
