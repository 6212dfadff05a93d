package simulator

import (
	"bytes"
	"cmp"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"time"
)

// serve handles a call of endpoint with next, subject to its faults.
func (s *Faults) serve(w http.ResponseWriter, r *http.Request, endpoint string, next func(http.ResponseWriter)) {
	f, _ := s.Take(endpoint, commonFaults...)
	switch f.Kind {
	case "":
		next(w)
	case Status:
		f.setRetryAfter(w.Header())
		status := cmp.Or(f.Status, http.StatusInternalServerError)
		http.Error(w, http.StatusText(status), status)
	case Slow, Hang:
		if s.Wait(r.Context(), f) != nil {
			Abort(w)
			return
		}
		next(w)
	case Reset:
		Abort(w)
	default:
		damageResponse(w, f, next)
	}
}

// setRetryAfter sets the header Retry-After, rounded up to whole seconds, if the fault has a RetryAfter.
func (f Fault) setRetryAfter(header http.Header) {
	if f.RetryAfter > 0 {
		header.Set("Retry-After", strconv.Itoa(int((f.RetryAfter+time.Second-1)/time.Second)))
	}
}

// damageResponse runs next and damages its response.
func damageResponse(w http.ResponseWriter, f Fault, next func(http.ResponseWriter)) {
	recorded := httptest.NewRecorder()
	next(recorded)
	if f.Kind == Drop {
		Abort(w)
		return
	}
	maps.Copy(w.Header(), recorded.Header())
	body := recorded.Body.Bytes()
	switch f.Kind {
	case ContentType:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
	case Huge:
		body = pad(body, f.Bytes)
	}
	w.Header().Set("Content-Length", strconv.Itoa(max(len(body), 1)))
	if f.Kind == Truncate {
		body = body[:len(body)/2]
	}
	w.WriteHeader(recorded.Code)
	w.Write(body)
	if f.Kind == Truncate {
		_ = http.NewResponseController(w).Flush() // fails only if the caller has disconnected
		panic(http.ErrAbortHandler)               // ends the connection in the middle of the body
	}
}

// pad returns n spaces and body, or 16 MiB of spaces if n is 0. JSON allows leading spaces.
func pad(body []byte, n int) []byte {
	return append(bytes.Repeat([]byte(" "), cmp.Or(n, 16<<20)), body...)
}

// Abort ends the connection with a TCP reset. If the connection cannot be hijacked, Abort panics with
// http.ErrAbortHandler instead. Output that was not flushed is lost.
func Abort(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // fails only if the caller has disconnected
	}
	conn.Close()
}
