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

// Time that a download may take: at least a minute, and what a slow line needs.
const (
	leastDownload         = time.Minute
	slowestBytesPerSecond = 32 << 10
)

// maxDownloads bounds what is served at once: each download has a file open beside its connection, which a slow caller
// keeps for minutes.
const maxDownloads = 512

// shown are the types that browsers show as they are, with nothing in them that runs. All others are downloads.
var shown = []string{
	"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/bmp",
	"audio/mpeg", "audio/mp4", "audio/aac", "audio/ogg", "audio/opus", "audio/wav", "audio/webm", "audio/flac",
	"video/mp4", "video/webm", "video/ogg",
}

// Handler serves links, which begin with PathPrefix. Path prefixes of Options.BaseURL are not expected in requests. What
// is no link of this store's is 404, whatever is wrong with it; what has expired, or had to make room, is 410; what can't be
// served beside all others now is 503. It reads no request body.
func (s *Store) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := &answer{ResponseWriter: w, status: http.StatusOK}
		s.serve(a, r)
		s.opt.Observer.Served(a.status)
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
	if !ok || !s.genuine(l) {
		refuse(w, http.StatusNotFound, "there is nothing here")
		return
	}
	now := s.opt.Now()
	if l.expired(now) {
		refuse(w, http.StatusGone, "this link has expired")
		return
	}
	s.mu.Lock()
	i := s.items[l.id]
	s.mu.Unlock()
	if i == nil {
		refuse(w, http.StatusGone, "this is no longer kept")
		return
	}
	s.send(w, r, i, now)
}

// send answers with the item's bytes, or the part of them that is asked for.
func (s *Store) send(w http.ResponseWriter, r *http.Request, i *Item, now time.Time) {
	select {
	case s.downloads <- struct{}{}:
		defer func() { <-s.downloads }()
	default:
		w.Header().Set("Retry-After", "10")
		refuse(w, http.StatusServiceUnavailable, "too many downloads at once: come again later")
		return
	}
	content, err := i.Open()
	if errors.Is(err, ErrGone) {
		refuse(w, http.StatusGone, "this is no longer kept")
		return
	}
	if err != nil {
		s.opt.Logger.Error("a medium could not be read", "id", i.ID, "error", err)
		refuse(w, http.StatusInternalServerError, "internal error")
		return
	}
	defer content.Close()
	// The listener's own time for an answer is meant for short ones. Where it can't be changed, it holds.
	_ = http.NewResponseController(w).SetWriteDeadline(
		time.Now().Add(leastDownload + time.Duration(i.Size/slowestBytesPerSecond)*time.Second))
	contentType, how := i.ContentType, "attachment"
	switch {
	case slices.Contains(shown, contentType):
		how = "inline"
	case active(contentType):
		contentType = opaque
	}
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Disposition", disposition(how, i.Name))
	h.Set("Cache-Control", "private, immutable, max-age="+strconv.FormatInt(int64(i.Expires.Sub(now)/time.Second), 10))
	h.Set("Cross-Origin-Resource-Policy", "cross-origin") // a chat's page elsewhere may show it
	h.Set("ETag", `"`+i.ID+`"`)
	http.ServeContent(w, r, "", i.fetched, content)
}

func refuse(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, text, status)
}

// disposition is a Content-Disposition header by RFC 6266: a name in ASCII for old clients, and the real one.
func disposition(how, name string) string {
	plain := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || strings.ContainsRune(`"\%;`, r) {
			return '_'
		}
		return r
	}, name)
	out := how + `; filename="` + plain + `"`
	if plain != name {
		out += "; filename*=UTF-8''" + extValue(name)
	}
	return out
}

// extValue encodes by RFC 8187 3.2.1: everything but unreserved characters is escaped.
func extValue(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// answer notes the status.
type answer struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) {
	if status >= http.StatusOK { // not those that come ahead of the answer
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController find what is below.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }
