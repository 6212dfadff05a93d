package botwebhook

import (
	"encoding/base64"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"patchbay/sandbox/simulator"
)

// Media is one item of an image, audio or document part, or one file of the v1 call.
type Media struct {
	Kind   string // image, audio or document; "" if unknown, in the v1 call
	URL    string // either URL or Data is set
	Data   []byte // decoded from base64
	Format string
	Name   string
}

// formats lists the formats of each kind. The page "Send message v2" has several lists; these are the longest. Its list
// of documents is not complete.
var formats = map[string][]string{
	"audio":    {"mp3", "wav"},
	"image":    {"jpg", "jpeg", "png", "gif", "webp"},
	"document": {"pdf", "txt", "docx", "csv", "xlsx", "html", "json", "md", "tex", "ts", "xml"},
}

// wireMedia is one item of an image, audio or document part.
type wireMedia struct {
	Source
	Format string `json:"format"`
	Name   string `json:"name"`
}

// media returns the item as Media. The format must be one of formats, or empty if the item has an address.
func (w wireMedia) media(kind string) (Media, error) {
	m, err := w.Source.media()
	if err == nil && !(w.Format == "" && m.URL != "") && !slices.Contains(formats[kind], w.Format) {
		err = fmt.Errorf("format: %q, must be one of %q", w.Format, formats[kind])
	}
	m.Kind, m.Format, m.Name = kind, w.Format, w.Name
	return m, err
}

// wireFile is one file of the v1 call, which has no member for the format.
type wireFile struct {
	Source
	Name   string `json:"name"`
	Width  *int   `json:"width"`
	Height *int   `json:"height"`
}

func (f wireFile) media() (Media, error) {
	m, err := f.Source.media()
	if err == nil && f.Name == "" {
		err = errors.New("name: missing")
	}
	m.Name = f.Name
	for kind, known := range formats {
		if slices.Contains(known, strings.ToLower(strings.TrimPrefix(path.Ext(f.Name), "."))) {
			m.Kind = kind
		}
	}
	if f.Width != nil || f.Height != nil {
		m.Kind = "image"
	}
	return m, err
}

// Source contains the address or the content of a medium.
type Source struct {
	URL    *string `json:"url"`
	Base64 *string `json:"base64_content"`
}

// media returns the source as a medium. It must have either an absolute address or content in standard base64.
func (s Source) media() (Media, error) {
	if (s.URL == nil) == (s.Base64 == nil) {
		return Media{}, errors.New("exactly one of url and base64_content is required")
	}
	if s.Base64 != nil {
		data, err := base64.StdEncoding.Strict().DecodeString(*s.Base64)
		if err == nil && len(data) == 0 {
			err = errors.New("empty")
		}
		if err != nil {
			return Media{}, fmt.Errorf("base64_content: %w", err)
		}
		return Media{Data: data}, nil
	}
	if !simulator.IsWebAddress(*s.URL) {
		return Media{}, fmt.Errorf("url: %q is not an absolute http address", *s.URL)
	}
	return Media{URL: *s.URL}, nil
}
