package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
	"time"
)

// mark precedes the sending time in every message: 19 digits, in nanoseconds since 1970.
var mark = []byte("sent-at-")

// sink receives the messages of the gateway and of the forwarder. It simulates the calls of GPTBots that the gateway
// makes.
type sink struct {
	*httptest.Server
	mu        sync.Mutex
	latencies []time.Duration
	opened    int
	last      time.Time
}

// newSink returns a sink that listens.
func newSink() *sink {
	s := &sink{}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/conversation", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		s.mu.Lock()
		s.opened++
		id := s.opened
		s.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"conversation_id":"%024x"}`, id)
	})
	mux.HandleFunc("POST /v2/conversation/message", s.arrive)
	mux.HandleFunc("POST /forwarded", s.arrive)
	s.Server = httptest.NewServer(mux)
	return s
}

// reset clears the latencies and returns the number of conversations opened so far.
func (s *sink) reset() (opened int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.latencies = nil
	return s.opened
}

// await waits until n messages have arrived since the reset. It returns their latencies and the time of the last.
func (s *sink) await(ctx context.Context, n int) ([]time.Duration, time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		s.mu.Lock()
		latencies, last := slices.Clone(s.latencies), s.last
		s.mu.Unlock()
		if len(latencies) >= n {
			return latencies, last, nil
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return nil, last, fmt.Errorf("%d messages were accepted, %d arrived within a minute", n, len(latencies))
		}
	}
}

func (s *sink) arrive(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	at := bytes.LastIndex(body, mark)
	if at >= 0 && len(body) >= at+len(mark)+19 {
		if sent, err := strconv.ParseInt(string(body[at+len(mark):at+len(mark)+19]), 10, 64); err == nil {
			s.mu.Lock()
			s.latencies = append(s.latencies, now.Sub(time.Unix(0, sent)))
			s.last = now
			s.mu.Unlock()
		}
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write([]byte(`{}`))
}

// serveForwarder runs the reference program and prints its address. It posts the body of each request to target and
// then responds.
func serveForwarder(target string) error {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(ln.Addr())
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}}
	return http.Serve(ln, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		resp, err := client.Post(target, "application/json", bytes.NewReader(body))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{}`))
	}))
}
