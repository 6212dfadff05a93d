package adaptertest

import (
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// is reports whether a request is this step, by its method and address.
func (s *step) is(method, target string) bool { return s.method == method && matches(s.target, target) }

// difference says what of a request is not as the step says. Header fields that the step does not name are free.
func (s *step) difference(r *http.Request, body []byte, base string) string {
	for _, f := range s.header {
		got := strings.ReplaceAll(strings.Join(r.Header.Values(f.name), ", "), base, vendorMark)
		if strings.EqualFold(f.name, "Host") {
			got = r.Host
		}
		if !matches(f.value, got) {
			return fmt.Sprintf("header %s: is %q, expected %q", f.name, got, f.value)
		}
	}
	return bodyDifference(s.body, []byte(strings.ReplaceAll(string(body), base, vendorMark)))
}

// requestText is a request for searching.
func requestText(r *http.Request, target string, body []byte) string {
	var b strings.Builder
	b.WriteString(r.Method + " " + target + "\n")
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		b.WriteString(name + ": " + strings.Join(r.Header[name], ", ") + "\n")
	}
	b.WriteString("\n")
	b.Write(body)
	return b.String()
}

// answer returns the header and the body that the exam data give.
func (s *step) answer(base string) (http.Header, []byte) {
	h := http.Header{}
	for _, f := range s.answerHeader {
		h.Add(f.name, strings.ReplaceAll(f.value, vendorMark, base))
	}
	return h, []byte(strings.ReplaceAll(string(s.answerBody), vendorMark, base))
}

func writeAnswer(w http.ResponseWriter, s *step, base string) {
	h, body := s.answer(base)
	maps.Copy(w.Header(), h)
	w.WriteHeader(s.status)
	_, _ = w.Write(body) // a caller that has gone notices by itself
}

// answers makes a disturbance of a status, a header and a body.
func answers(status int, body string, header ...string) disturbance {
	return func(w http.ResponseWriter, _ *http.Request, _ *step, _ string) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

// resets drops the connection after the request was read.
func resets(w http.ResponseWriter, _ *http.Request, _ *step, _ string) {
	c, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}

// truncates announces the whole answer and gives half of it.
func truncates(w http.ResponseWriter, _ *http.Request, s *step, base string) {
	c, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer c.Close()
	h, body := s.answer(base)
	h.Set("Content-Length", strconv.Itoa(len(body)+1)) // one more, for answers without a body
	fmt.Fprintf(rw, "HTTP/1.1 %d %s\r\n", s.status, http.StatusText(s.status))
	_ = h.Write(rw)
	_, _ = rw.WriteString("\r\n")
	_, _ = rw.Write(body[:len(body)/2])
	_ = rw.Flush()
}

// holds waits until the stage is opened, and then plays the data. A caller that goes away ends the waiting.
func (s *stage) holds(w http.ResponseWriter, r *http.Request, st *step, base string) {
	select {
	case <-s.release:
		writeAnswer(w, st, base)
	case <-r.Context().Done():
	}
}

// silence never answers.
func silence(_ http.ResponseWriter, r *http.Request, _ *step, _ string) { <-r.Context().Done() }
