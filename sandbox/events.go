package main

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// startStream begins a stream of server-sent events.
func startStream(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	_ = http.NewResponseController(w).Flush() // fails only if the page is closed
}

// sendEvent writes one event. JSON has no raw line breaks, so data is one line.
func sendEvent(w http.ResponseWriter, id int, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode event: %w", err)
	}
	if _, err := fmt.Fprintf(w, "id: %d\ndata: %s\n\n", id, data); err != nil {
		return err
	}
	return http.NewResponseController(w).Flush()
}
