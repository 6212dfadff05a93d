package adaptertest

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
)

// vendor is the exam's fault server: it plays whatever vendor the exam data describe, and misbehaves on command. It is
// safe for concurrent use.
type vendor struct {
	base     string
	listener net.Listener
	server   *http.Server
	served   chan struct{}
	conns    atomic.Int64 // opened so far

	mu    sync.Mutex
	stage *stage
}

func newVendor() (*vendor, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start the fault server: %w", err)
	}
	v := &vendor{base: "http://" + l.Addr().String(), listener: l, served: make(chan struct{})}
	v.server = &http.Server{Handler: v, ConnState: func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			v.conns.Add(1)
		}
	}}
	go func() {
		defer close(v.served)
		_ = v.server.Serve(l) // returns ErrServerClosed after close
	}()
	return v, nil
}

// close ends the server with all its connections, and frees handlers that wait.
func (v *vendor) close() {
	v.play(nil)
	_ = v.server.Close()
	<-v.served
}

// play makes s what requests meet from now on, and ends the waiting of the former stage's.
func (v *vendor) play(s *stage) *stage {
	v.mu.Lock()
	former := v.stage
	v.stage = s
	v.mu.Unlock()
	if former != nil {
		former.open()
	}
	return s
}

// maxVendorBody is the most that the fault server reads of a request.
const maxVendorBody = 64 << 20

// ServeHTTP implements http.Handler.
func (v *vendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxVendorBody))
	if err != nil {
		return
	}
	v.mu.Lock()
	s := v.stage
	v.mu.Unlock()
	if s == nil {
		http.Error(w, "the exam is not playing anything", http.StatusNotFound)
		return
	}
	s.serve(w, r, strings.ReplaceAll(r.RequestURI, v.base, vendorMark), body, v.base)
}
