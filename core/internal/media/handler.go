package media

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The write timeout of a download is minDownloadTime plus the time for its bytes on a slow line.
const (
	minDownloadTime   = time.Minute
	minBytesPerSecond = 32 << 10
)

// maxDownloads limits concurrent downloads. Each has an open file and a connection, for minutes if the client is slow.
const maxDownloads = 512

// inlineTypes are the types that browsers display without running code. All other types are served as attachments.
var inlineTypes = []string{
	"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/bmp",
	"audio/mpeg", "audio/mp4", "audio/aac", "audio/ogg", "audio/opus", "audio/wav", "audio/webm", "audio/flac",
	"video/mp4", "video/webm", "video/ogg",
}

// Handler serves links. Request paths start with PathPrefix, without the path of Options.BaseURL. The status is 404 for
// every invalid link, 410 for an expired or evicted item, and 503 above the limit of downloads. Handler reads no
// request body.
func (s *Store) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		recorder := &statusRecorder{ResponseWriter: w, status: http.StatusOK}
		s.serve(recorder, r)
		s.opt.Observer.Served(recorder.status)
	})
}

func (s *Store) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Robots-Tag", "noindex")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		refuse(w, http.StatusMethodNotAllowed, "method not allowed: use GET or HEAD")
		return
	}
	l, ok := parseLink(r.URL.EscapedPath())
	if !ok || !s.validSignature(l) {
		refuse(w, http.StatusNotFound, "not found")
		return
	}
	now := s.opt.Now()
	if l.hasExpired(now) {
		refuse(w, http.StatusGone, "the link has expired")
		return
	}
	s.mu.Lock()
	i := s.items[l.id]
	s.mu.Unlock()
	if i == nil {
		refuse(w, http.StatusGone, "the medium was removed")
		return
	}
	s.serveItem(w, r, i, now)
}

// serveItem responds with the item, or the requested range of it.
func (s *Store) serveItem(w http.ResponseWriter, r *http.Request, i *Item, now time.Time) {
	select {
	case s.downloads <- struct{}{}:
		defer func() { <-s.downloads }()
	default:
		w.Header().Set("Retry-After", "10")
		refuse(w, http.StatusServiceUnavailable, "too many downloads: try again later")
		return
	}
	content, err := i.Open()
	if errors.Is(err, ErrGone) {
		refuse(w, http.StatusGone, "the medium was removed")
		return
	}
	if err != nil {
		s.opt.Logger.Error("cached medium could not be read", "id", i.ID, "error", err)
		refuse(w, http.StatusInternalServerError, "internal error")
		return
	}
	defer content.Close()
	// The listener's write timeout is too short for media. It stays if the writer does not support deadlines.
	_ = http.NewResponseController(w).SetWriteDeadline(
		time.Now().Add(minDownloadTime + time.Duration(i.Size/minBytesPerSecond)*time.Second))
	contentType, disposition := i.ContentType, "attachment"
	switch {
	case slices.Contains(inlineTypes, contentType):
		disposition = "inline"
	case isActive(contentType):
		contentType = opaque
	}
	maxAge := int64(i.Expires.Sub(now) / time.Second)
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Disposition", contentDisposition(disposition, i.Name))
	h.Set("Cache-Control", "private, immutable, max-age="+strconv.FormatInt(maxAge, 10))
	h.Set("Cross-Origin-Resource-Policy", "cross-origin") // chat pages on other sites embed media
	h.Set("ETag", `"`+i.ID+`"`)
	http.ServeContent(w, r, "", i.fetched, content)
}

func refuse(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, text, status)
}

// contentDisposition returns a header by RFC 6266: an ASCII file name for old clients, and the full name if it differs.
func contentDisposition(disposition, name string) string {
	ascii := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || strings.ContainsRune(`"\%;`, r) {
			return '_'
		}
		return r
	}, name)
	out := disposition + `; filename="` + ascii + `"`
	if ascii != name {
		out += "; filename*=UTF-8''" + extValue(name)
	}
	return out
}

// extValue escapes everything except unreserved characters, as RFC 8187 3.2.1 requires.
func extValue(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// statusRecorder records the status of the response.
type statusRecorder struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (r *statusRecorder) WriteHeader(status int) {
	if status >= http.StatusOK { // ignore informational responses
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

// Unwrap supports http.ResponseController.
func (r *statusRecorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
