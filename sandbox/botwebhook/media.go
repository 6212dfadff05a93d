package botwebhook

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"

	"patchbay/sandbox/simulator"
)

// Media is one item of an image, audio or document part, or one of the files of the older call.
type Media struct {
	Kind   string // image, audio or document; "" if the older call does not tell
	URL    string // either URL or Data is set
	Data   []byte // decoded
	Format string
	Name   string
}

// formats are the longest lists that the page "Send message v2" has. That of documents is open there.
var formats = map[string][]string{
	"audio":    {"mp3", "wav"},
	"image":    {"jpg", "jpeg", "png", "gif", "webp"},
	"document": {"pdf", "txt", "docx", "csv", "xlsx", "html", "json", "md", "tex", "ts", "xml"},
}

// parseMedia reads both forms that the pages show: an array of items, and one item.
func parseMedia(kind string, raw json.RawMessage) ([]Media, error) {
	if bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")) {
		raw = json.RawMessage("[" + string(raw) + "]")
	}
	var items []struct {
		Source
		Format string `json:"format"`
		Name   string `json:"name"`
	}
	if raw == nil {
		return nil, fmt.Errorf("%s: missing", kind)
	}
	if err := simulator.Decode(raw, &items); err != nil {
		return nil, fmt.Errorf("%s: %w", kind, err)
	}
	if len(items) == 0 {
		return nil, fmt.Errorf("%s: empty", kind)
	}
	var media []Media
	for i, item := range items {
		m, err := item.media()
		if err == nil && !(item.Format == "" && m.URL != "") && !slices.Contains(formats[kind], item.Format) {
			err = fmt.Errorf("format: %q, must be one of %q", item.Format, formats[kind])
		}
		if err != nil {
			return nil, fmt.Errorf("%s[%d]: %w", kind, i, err)
		}
		m.Kind, m.Format, m.Name = kind, item.Format, item.Name
		media = append(media, m)
	}
	return media, nil
}

// wireFile is one of the files of the older call, which has no member for the format.
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

// Source is where a medium's content is.
type Source struct {
	URL    *string `json:"url"`
	Base64 *string `json:"base64_content"`
}

// media requires exactly one of an absolute address and a content in standard base64.
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
	u, err := url.Parse(*s.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return Media{}, fmt.Errorf("url: %q is no absolute http address", *s.URL)
	}
	return Media{URL: *s.URL}, nil
}
