package fault

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// maxRequest bounds a request body that has to be kept while its call hangs.
const maxRequest = 64 << 20

// HugeBytes is the padding of a Huge fault that names no size.
const HugeBytes = 16 << 20

// Wrap returns next with the faults of s that are for endpoint. Without a fault it costs one
// atomic load.
func (s *Set) Wrap(endpoint string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, ok := s.Take(endpoint, Status, Slow, Hang, Reset, Drop, Truncate, ContentType, Huge)
		if !ok {
			next.ServeHTTP(w, r)
			return
		}
		switch f.Kind {
		case Status:
			refuse(w, f)
		case Slow, Hang:
			s.delay(w, r, f, next)
		case Reset:
			Break(w)
		default:
			spoil(w, r, f, next)
		}
	})
}

func refuse(w http.ResponseWriter, f Fault) {
	status := f.Status
	if status == 0 {
		status = http.StatusInternalServerError
	}
	f.Postpone(w.Header())
	http.Error(w, http.StatusText(status), status)
}

// Postpone sets Retry-After in header, if f has one.
func (f Fault) Postpone(header http.Header) {
	if f.RetryAfter > 0 {
		seconds := (f.RetryAfter + time.Second - 1) / time.Second
		header.Set("Retry-After", strconv.Itoa(int(seconds)))
	}
}

// delay reads the body first: only then does net/http notice that the caller left.
func (s *Set) delay(w http.ResponseWriter, r *http.Request, f Fault, next http.Handler) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil {
		http.Error(w, "body not readable", http.StatusBadRequest)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if f.Kind == Hang {
		err = s.Hold(r.Context())
	} else {
		err = Sleep(r.Context(), f.Delay)
	}
	if err != nil {
		Break(w)
		return
	}
	next.ServeHTTP(w, r)
}

// spoil lets next do its work and then damages the answer.
func spoil(w http.ResponseWriter, r *http.Request, f Fault, next http.Handler) {
	kept := &answer{header: http.Header{}, status: http.StatusOK}
	next.ServeHTTP(kept, r)
	if f.Kind == Drop {
		Break(w)
		return
	}
	for name, values := range kept.header {
		w.Header()[name] = values
	}
	body := kept.body.Bytes()
	switch f.Kind {
	case ContentType:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
	case Huge:
		body = Pad(body, f.Bytes)
	}
	w.Header().Set("Content-Length", strconv.Itoa(max(len(body), 1)))
	if f.Kind == Truncate {
		body = body[:len(body)/2]
	}
	w.WriteHeader(kept.status)
	w.Write(body)
	if f.Kind == Truncate {
		_ = http.NewResponseController(w).Flush() // fails only if the peer was faster
		panic(http.ErrAbortHandler)               // net/http's way to end a connection in the middle of a body
	}
}

// answer keeps what a handler writes.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) WriteHeader(status int)      { a.status = status }
func (a *answer) Write(b []byte) (int, error) { return a.body.Write(b) }

// Pad returns a JSON object with n bytes (0 means HugeBytes) of padding in a field of its own;
// what is no object gets blanks behind it.
func Pad(body []byte, n int) []byte {
	if n == 0 {
		n = HugeBytes
	}
	trimmed := bytes.TrimRight(body, " \n")
	if len(trimmed) < 2 || trimmed[0] != '{' || trimmed[len(trimmed)-1] != '}' {
		return append(bytes.Clone(body), bytes.Repeat([]byte(" "), n)...)
	}
	inner := trimmed[:len(trimmed)-1]
	out := make([]byte, 0, len(inner)+n+16)
	out = append(out, inner...)
	if len(bytes.TrimSpace(inner)) > 1 {
		out = append(out, ',')
	}
	out = append(out, `"padding":"`...)
	out = append(out, bytes.Repeat([]byte("x"), n)...)
	return append(out, `"}`...)
}

// Break drops the connection with a TCP reset if it can, else by aborting the handler. What was written and not
// flushed is lost.
func Break(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // fails only if the peer was faster
	}
	conn.Close()
}
