package native

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"patchbay/sandbox/simulator"
)

// uploaded is a file that the website serves.
type uploaded struct {
	contentType string
	data        []byte
}

// AddFile adds a customer's file to the website and returns its path, relative to the mount point of Handler. If
// contentType is empty, the response has no Content-Type.
func (s *Simulator) AddFile(name, contentType string, data []byte) string {
	path := "/files/" + rand.Text() + "/" + url.PathEscape(name)
	s.uploads.Put(path, uploaded{contentType, data})
	return path
}

func (s *Simulator) file(r *simulator.Request) (any, error) {
	path := r.URL.EscapedPath()
	f, ok := s.uploads.Get(path[strings.LastIndex(path, "/files/"):])
	if !ok {
		return nil, refused(http.StatusNotFound, "no such file")
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Content-Type"] = nil // net/http would guess one
		if f.contentType != "" {
			w.Header().Set("Content-Type", f.contentType)
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.data))
	}), nil
}

// Downloaded is the content behind a link.
type Downloaded struct {
	Status      int
	ContentType string // as the server sent it
	Data        []byte
}

// Download reads a link of an answer as a customer's browser does, without credentials. It returns an error if the
// response is not a complete file with status 200.
func (s *Simulator) Download(ctx context.Context, link string) (Downloaded, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, link, http.NoBody)
	if err != nil {
		return Downloaded{}, fmt.Errorf("download: %w", err)
	}
	resp, err := s.Client.Do(r)
	if err != nil {
		return Downloaded{}, fmt.Errorf("download: %w", err)
	}
	defer resp.Body.Close()
	d := Downloaded{Status: resp.StatusCode, ContentType: resp.Header.Get("Content-Type")}
	d.Data, err = io.ReadAll(io.LimitReader(resp.Body, 64<<20))
	if err == nil && d.Status != http.StatusOK {
		err = fmt.Errorf("status %d", d.Status)
	}
	if err != nil {
		return d, fmt.Errorf("download %s: %w", link, err)
	}
	return d, nil
}
