package native

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"patchbay/sandbox/simulator"
)

// AddFile adds a customer's file to the website and returns its path, relative to the mount point of Handler. If
// contentType is empty, the response has no Content-Type.
func (s *Simulator) AddFile(name, contentType string, data []byte) string {
	path := "/files/" + rand.Text() + "/" + url.PathEscape(name)
	s.uploads.Put(path, func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Content-Type"] = nil // net/http would guess one
		if contentType != "" {
			w.Header().Set("Content-Type", contentType)
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
	})
	return path
}

func (s *Simulator) file(r *simulator.Request) (any, error) {
	serve, ok := s.uploads.Get(r.URL.EscapedPath())
	if !ok {
		return nil, simulator.Refused(http.StatusNotFound, "no such file")
	}
	return serve, nil
}

// Download reads the file of a link in an answer as a customer's browser does, without credentials. It returns an error
// if the response is not complete or its status is not 200.
func (s *Simulator) Download(ctx context.Context, link string) (data []byte, contentType string, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, link, http.NoBody)
	if err != nil {
		return nil, "", fmt.Errorf("download: %w", err)
	}
	resp, data, err := simulator.Read(s.Client, r)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d", resp.StatusCode)
	}
	if err != nil {
		return data, "", fmt.Errorf("download %s: %w", link, err)
	}
	return data, resp.Header.Get("Content-Type"), nil
}
