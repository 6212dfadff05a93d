package native

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// maxDownload bounds what is read of a link, in bytes.
const maxDownload = 64 << 20

// File is a medium by reference: in a customer's call, and in an answer.
type File struct {
	Type        string `json:"type"` // image, audio, video or file
	URL         string `json:"url"`
	Text        string `json:"text,omitempty"`
	ContentType string `json:"contentType,omitempty"`
	Name        string `json:"name,omitempty"`
	Size        int64  `json:"size,omitempty"` // bytes
}

var fileTypes = []string{"image", "audio", "video", "file"}

// files reads the media of an answer.
func files(media []Media) ([]File, error) {
	var out []File
	for i, raw := range media {
		var f File
		if err := json.Unmarshal(raw, &f); err != nil {
			return nil, fmt.Errorf("payload.media[%d]: %w", i, err)
		}
		if err := f.check(); err != nil {
			return nil, fmt.Errorf("payload.media[%d].%w", i, err)
		}
		out = append(out, f)
	}
	return out, nil
}

func (f File) check() error {
	if !slices.Contains(fileTypes, f.Type) {
		return fmt.Errorf("type %q, want one of %q", f.Type, fileTypes)
	}
	u, err := url.Parse(f.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("url %q, want an absolute http address", f.URL)
	}
	if f.Size < 0 {
		return fmt.Errorf("size %d, want bytes", f.Size)
	}
	return nil
}

// uploaded is a file that the website serves.
type uploaded struct {
	contentType string
	data        []byte
}

// FileRequest is one call for a file of ours.
type FileRequest struct {
	At     time.Time
	Method string
	Path   string // as AddFile returned it
	Header http.Header
	Found  bool
}

// AddFile has the website serve a file that its customer sends, and returns the path of its address: what stands before
// it depends on where Handler is mounted. An empty contentType is not sent.
func (s *Simulator) AddFile(name, contentType string, data []byte) string {
	path := "/files/" + rand.Text() + "/" + url.PathEscape(name)
	s.uploads.Store(path, uploaded{contentType, data})
	return path
}

// RemoveFile has the website forget a file: its path is answered with 404 from now on.
func (s *Simulator) RemoveFile(path string) { s.uploads.Delete(path) }

func (s *Simulator) serveFile(w http.ResponseWriter, r *http.Request) {
	path := r.URL.EscapedPath()
	if i := strings.LastIndex(path, "/files/"); i > 0 {
		path = path[i:]
	}
	found, ok := s.uploads.Load(path)
	s.Fetched.Append(FileRequest{At: time.Now(), Method: r.Method, Path: path, Header: r.Header.Clone(), Found: ok})
	if !ok {
		http.NotFound(w, r)
		return
	}
	f := found.(uploaded)
	w.Header()["Content-Type"] = nil // net/http would guess one
	if f.contentType != "" {
		w.Header().Set("Content-Type", f.contentType)
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.data))
}

// Downloaded is what a link led to.
type Downloaded struct {
	URL    string
	Status int
	Header http.Header
	Data   []byte
}

// ContentType is what the other side said that it is.
func (d Downloaded) ContentType() string { return d.Header.Get("Content-Type") }

// Download reads a link of an answer as a customer's browser does: without any credentials. It notes what came, and
// returns an error if that is not a whole file with status 200.
func (s *Simulator) Download(ctx context.Context, link string) (Downloaded, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, link, http.NoBody)
	if err != nil {
		return Downloaded{}, fmt.Errorf("download: %w", err)
	}
	resp, err := s.o.Client.Do(r)
	if err != nil {
		return Downloaded{}, fmt.Errorf("download: %w", err)
	}
	defer resp.Body.Close()
	d := Downloaded{URL: link, Status: resp.StatusCode, Header: resp.Header}
	d.Data, err = io.ReadAll(io.LimitReader(resp.Body, maxDownload+1))
	s.Downloads.Append(d)
	if err != nil {
		return d, fmt.Errorf("download %s: %w", link, err)
	}
	if len(d.Data) > maxDownload {
		return d, fmt.Errorf("download %s: more than %d bytes", link, maxDownload)
	}
	if d.Status != http.StatusOK {
		return d, fmt.Errorf("download %s: status %d", link, d.Status)
	}
	return d, nil
}
