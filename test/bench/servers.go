package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// serve runs a handler on a free port, prints the address on stdout, and returns when ctx ends.
func serve(ctx context.Context, h http.Handler) error {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(ln.Addr().String())
	srv := &http.Server{Handler: h}
	go func() { <-ctx.Done(); _ = srv.Close() }()
	if err := srv.Serve(ln); err != http.ErrServerClosed {
		return err
	}
	return nil
}

// mark comes before the sending time, in nanoseconds, in every message; 19 digits follow.
var mark = []byte("sent-at-")

// sink takes the messages. It simulates as much of GPTBots as the gateway calls, and takes the forwarder's calls.
type sink struct {
	mu        sync.Mutex
	latencies []time.Duration
	opened    int
	last      time.Time
}

func serveSink(ctx context.Context) error {
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
	mux.HandleFunc("GET /reset", func(http.ResponseWriter, *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.latencies = nil
	})
	mux.HandleFunc("GET /stats", func(w http.ResponseWriter, _ *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		_ = json.NewEncoder(w).Encode(stats{Count: len(s.latencies), Opened: s.opened, P50: quantile(s.latencies, .5), P99: quantile(s.latencies, .99), Last: s.last})
	})
	return serve(ctx, mux)
}

// stats are the counts of the sink since it was reset.
type stats struct {
	Count, Opened int
	P50, P99      time.Duration
	Last          time.Time
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

// serveForwarder is the reference: it reads a request, sends its body on, and answers when that was taken.
func serveForwarder(ctx context.Context, target string) error {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}}
	return serve(ctx, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
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
