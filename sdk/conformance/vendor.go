package conformance

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// vendor is a fault server: it responds as its script says. It is safe for concurrent use.
type vendor struct {
	base   string // URL
	server *http.Server
	served sync.WaitGroup
	conns  atomic.Int64 // opened so far

	mu     sync.Mutex
	script *script
}

func newVendor(host string) (*vendor, error) {
	l, err := net.Listen("tcp", host+":0")
	if err != nil {
		return nil, fmt.Errorf("start the fault server: %w", err)
	}
	v := &vendor{base: "http://" + l.Addr().String(), script: &script{}}
	v.server = &http.Server{Handler: v, ConnState: func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			v.conns.Add(1)
		}
	}}
	v.served.Go(func() { _ = v.server.Serve(l) }) // returns ErrServerClosed after close
	return v, nil
}

// close ends the server with its connections.
func (v *vendor) close() {
	_ = v.server.Close()
	v.served.Wait()
}

// follow makes s the script for all requests from now on.
func (v *vendor) follow(s *script) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.script = s
}

// ServeHTTP implements http.Handler.
func (v *vendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	const maxBody = 64 << 20
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return
	}
	v.mu.Lock()
	s := v.script
	v.mu.Unlock()
	switch st := s.take(r, body); {
	case st == nil:
		http.Error(w, "the test data do not have this request", http.StatusNotFound)
	case st.effect && s.effect != nil:
		s.effect(w, r, st)
	case !st.effect && s.prepare != nil:
		s.prepare(w, r, st)
	default:
		writeResponse(w, r, st)
	}
}

// reaction responds to a request instead of the test data.
type reaction func(w http.ResponseWriter, r *http.Request, s *step)

// script is the behavior of the fault server. It has the steps of an exchange, whose order is checked if it is strict.
// effect responds instead of the step with the effect, prepare instead of the others. Other requests get status 404.
type script struct {
	steps   []*step
	strict  bool
	effect  reaction
	prepare reaction

	mu       sync.Mutex
	next     int // index in steps of the next step
	problems []string
	effects  int // requests that had the effect, or would have had it
	keyed    int // effects with an idempotency key
	texts    strings.Builder
}

// take finds the step of a request, and notes differences.
func (s *script) take(r *http.Request, body []byte) *step {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(&s.texts, "%s %s\n", r.Method, r.RequestURI)
	_ = r.Header.Write(&s.texts)
	s.texts.Write(body)
	found, problem := s.find(r.Method, r.RequestURI), ""
	if found == nil {
		problem = "not expected here"
	} else if s.strict {
		problem = found.difference(r, body)
	}
	if problem != "" {
		s.problems = append(s.problems, fmt.Sprintf("%s %s: %s", r.Method, r.RequestURI, problem))
	}
	if found != nil && found.effect {
		s.effects++
		if r.Header.Get("Idempotency-Key") != "" {
			s.keyed++
		}
	}
	return found
}

// find returns the step of a request: the next one, or if the script is not strict, any that fits.
func (s *script) find(method, target string) (found *step) {
	for i, st := range s.steps {
		fits := st.method == method && matches(st.target, target)
		switch {
		case i >= s.next && fits:
			s.next = i + 1
			return st
		case s.strict && i >= s.next && !st.once:
			return nil
		case !s.strict && fits:
			found = st
		}
	}
	return found
}

func (s *script) report() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.problems
	for _, st := range s.steps[s.next:] {
		if s.strict && !st.once {
			out = append(out, fmt.Sprintf("%s %s: was not made", st.method, st.target))
		}
	}
	return out
}

// count returns the number of requests with the effect. If keys is true, requests with an idempotency key count as one.
func (s *script) count(keys bool) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !keys {
		return s.effects
	}
	return s.effects - max(s.keyed-1, 0)
}

func (s *script) requestText() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.texts.String()
}

// difference describes how a request differs from the step. It ignores header fields that the step does not name.
func (s *step) difference(r *http.Request, body []byte) string {
	for name, want := range s.header {
		got := strings.Join(r.Header.Values(name), ", ")
		if name == "Host" {
			got = r.Host
		}
		if w := strings.Join(want, ", "); !matches(w, got) {
			return fmt.Sprintf("header %s: is %q, expected %q", name, got, w)
		}
	}
	plain := func(b []byte) string { return strings.TrimRight(strings.ReplaceAll(string(b), "\r\n", "\n"), "\n") }
	if want, err := decodeJSON(s.body); err == nil {
		if got, err := decodeJSON(body); err == nil {
			return difference(want, got)
		}
	} else if matches(plain(s.body), plain(body)) {
		return ""
	}
	return fmt.Sprintf("the body is %.300q, expected %.300q", body, s.body)
}

func writeResponse(w http.ResponseWriter, _ *http.Request, s *step) {
	maps.Copy(w.Header(), s.responseHeader)
	w.WriteHeader(s.status)
	_, _ = w.Write(s.responseBody) // fails only if the caller has left
}

func respond(status int, body string, header map[string]string) reaction {
	return func(w http.ResponseWriter, _ *http.Request, s *step) {
		for name, value := range header {
			w.Header().Set(name, value)
		}
		status := cmp.Or(status, s.status)
		if status == http.StatusNoContent && body != "" {
			status = http.StatusOK // a response with 204 has no body
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func resetConn(w http.ResponseWriter, _ *http.Request, _ *step) {
	c, _, _ := http.NewResponseController(w).Hijack() // works for HTTP/1
	_ = c.(*net.TCPConn).SetLinger(0)
	_ = c.Close()
}

func truncate(w http.ResponseWriter, _ *http.Request, s *step) {
	maps.Copy(w.Header(), s.responseHeader)
	w.Header().Set("Content-Length", strconv.Itoa(len(s.responseBody)+1)) // one more, for responses without a body
	w.WriteHeader(s.status)
	_, _ = w.Write(s.responseBody[:len(s.responseBody)/2])
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

func neverRespond(_ http.ResponseWriter, r *http.Request, _ *step) { <-r.Context().Done() }

// onFirstRequest applies react to the first request that is not optional. The others get their usual responses.
func onFirstRequest(react reaction) reaction {
	var once sync.Once
	return func(w http.ResponseWriter, r *http.Request, s *step) {
		write := writeResponse
		if !s.once {
			once.Do(func() { write = react })
		}
		write(w, r, s)
	}
}
