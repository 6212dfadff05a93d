package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// printTrace asks the gateway's admin listener where the message with this id went, and prints each hop.
// It prints nothing if the gateway knows no trace of it.
func printTrace(ctx context.Context, client *http.Client, out io.Writer, admin, id string) error {
	address := admin + "/api/trace?id=" + url.QueryEscape(id)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return fmt.Errorf("ask for the trace of %s: %w", id, err)
	}
	resp, err := client.Do(r)
	if err != nil {
		return fmt.Errorf("ask for the trace of %s: %w", id, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusNotFound {
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, 4<<20))
	if err != nil {
		return fmt.Errorf("read the trace of %s: %w", id, err)
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("trace of %s: status %d: %w", id, resp.StatusCode, errTrace)
	}
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, body, "      | ", "  "); err != nil {
		return fmt.Errorf("trace of %s is no JSON: %w", id, err)
	}
	fmt.Fprintf(out, "      | %s\n", bytes.TrimSpace(pretty.Bytes()))
	return nil
}

var errTrace = errors.New("the gateway gave no trace")
