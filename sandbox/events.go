package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// heartbeat is how often a silent stream sends a comment, so that proxies keep it open.
const heartbeat = 15 * time.Second

// stream is a stream of server-sent events.
type stream struct {
	w    http.ResponseWriter
	rc   *http.ResponseController
	beat time.Duration
}

func newStream(w http.ResponseWriter) *stream {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no")
	return &stream{w: w, rc: http.NewResponseController(w), beat: heartbeat}
}

// send writes one event. JSON has no raw line breaks, so data is one line.
func (s *stream) send(id int, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode event: %w", err)
	}
	if _, err := fmt.Fprintf(s.w, "id: %d\ndata: %s\n\n", id, data); err != nil {
		return err
	}
	return s.rc.Flush()
}

// wait calls next until it returns something, and sends a comment after each heartbeat.
func wait[T any](ctx context.Context, s *stream, next func(context.Context) (T, error)) (T, error) {
	for {
		beat, cancel := context.WithTimeout(ctx, s.beat)
		got, err := next(beat)
		cancel()
		if err == nil || ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) {
			return got, err
		}
		if _, err := fmt.Fprint(s.w, ":\n\n"); err != nil {
			return got, err
		}
		if err := s.rc.Flush(); err != nil {
			return got, err
		}
	}
}
