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
)

// formats are the largest lists that the page "Send message v2" has; an agent's settings may allow less. That of
// documents ends with "and so on" there.
var formats = map[string][]string{
	"audio":    {"mp3", "wav"},
	"image":    {"jpg", "jpeg", "png", "gif", "webp"},
	"document": {"pdf", "txt", "docx", "csv", "xlsx", "html", "json", "md", "tex", "ts", "xml"},
}

// wireMedia is one item of an image, audio or document part.
type wireMedia struct {
	URL    *string `json:"url"`
	Base64 *string `json:"base64_content"`
	Format *string `json:"format"`
	Name   *string `json:"name"`
}

// parseMedia takes both forms that the pages show: an array of items, and one item.
func (s *Simulator) parseMedia(kind string, raw json.RawMessage) ([]Media, error) {
	if bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")) {
		raw = json.RawMessage("[" + string(raw) + "]")
	}
	var items []wireMedia
	if len(raw) == 0 {
		return nil, fmt.Errorf("%s: missing", kind)
	}
	if err := s.decode(raw, &items); err != nil {
		return nil, fmt.Errorf("%s: %w", kind, err)
	}
	if len(items) == 0 {
		return nil, fmt.Errorf("%s: empty", kind)
	}
	media := make([]Media, 0, len(items))
	for i, item := range items {
		m, err := s.checkMedia(kind, item)
		if err != nil {
			return nil, fmt.Errorf("%s[%d]: %w", kind, i, err)
		}
		media = append(media, m)
	}
	return media, nil
}

// checkMedia demands a format where the content has no address that could tell it.
func (s *Simulator) checkMedia(kind string, item wireMedia) (Media, error) {
	m, err := source(item.URL, item.Base64)
	if err != nil {
		return m, err
	}
	m.Kind, m.Format, m.Name = kind, value(item.Format), value(item.Name)
	if item.Format == nil && m.URL != "" {
		return m, nil
	}
	allowed := formats[kind]
	if kind == "document" {
		allowed = slices.Concat(allowed, s.o.Formats)
	}
	if !slices.Contains(allowed, m.Format) {
		return m, fmt.Errorf("format: %q, must be one of %q", m.Format, allowed)
	}
	return m, nil
}

// wireFile is one of the files of the older call, which has no member for the format.
type wireFile struct {
	URL    *string `json:"url"`
	Base64 *string `json:"base64_content"`
	Name   string  `json:"name"`
	Width  *int    `json:"width"`
	Height *int    `json:"height"`
}

// media demands a name, which only the older page's images can do without.
func (f wireFile) media(image bool) (Media, error) {
	m, err := source(f.URL, f.Base64)
	if err != nil {
		return m, err
	}
	if f.Name == "" && !image {
		return m, errors.New("name: missing")
	}
	m.Name = f.Name
	ending := extension(f.Name)
	if u, err := url.Parse(m.URL); err == nil && ending == "" {
		ending = extension(u.Path)
	}
	for kind, known := range formats {
		if slices.Contains(known, ending) {
			m.Kind = kind
		}
	}
	if image || f.Width != nil || f.Height != nil {
		m.Kind = "image"
	}
	return m, nil
}

func extension(name string) string { return strings.ToLower(strings.TrimPrefix(path.Ext(name), ".")) }

// source demands exactly one of an absolute address and a content in standard base64.
func source(address, encoded *string) (Media, error) {
	if (address == nil) == (encoded == nil) {
		return Media{}, errors.New("exactly one of url and base64_content is required")
	}
	if encoded != nil {
		data, err := base64.StdEncoding.Strict().DecodeString(*encoded)
		if err != nil {
			return Media{}, fmt.Errorf("base64_content: %w", err)
		}
		if len(data) == 0 {
			return Media{}, errors.New("base64_content: empty")
		}
		return Media{Data: data}, nil
	}
	u, err := url.Parse(*address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return Media{}, fmt.Errorf("url: %q is no absolute http address", *address)
	}
	return Media{URL: *address}, nil
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
