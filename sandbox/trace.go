package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// traceWithin bounds how long printTrace waits for a message's deliveries to end.
const traceWithin = 3 * time.Second

// traceEvery is how often it looks meanwhile.
const traceEvery = 25 * time.Millisecond

// trace is the answer of the gateway's GET /api/trace, as far as the demo shows it.
type trace struct {
	Conversations []struct {
		Entries []hop
		Waiting []waiting `json:"pending"`
	}
}

// hop is one step in a conversation. Fields that do not apply are empty.
type hop struct {
	At       time.Time
	Seq      uint64 // of the gateway's record; steps of one record happened at once
	What     string `json:"step"`
	Channel  string
	Envelope string
	VendorID string `json:"vendor_id"`
	Kind     string
	Delivery string
	Rule     string
	Detail   string
}

// waiting is a delivery that has not ended.
type waiting struct {
	Delivery, Channel string
	Why               string `json:"reason"`
}

// printTrace asks the gateway's admin listener where the message with this id went, and prints each hop. While
// deliveries of the message are under way it waits for their end, a few seconds at most. It prints nothing if the
// gateway knows no trace of it.
func printTrace(ctx context.Context, client *http.Client, out io.Writer, admin, id string) error {
	tick := time.NewTicker(traceEvery)
	defer tick.Stop()
	late := time.NewTimer(traceWithin)
	defer late.Stop()
	for patient := true; ; {
		t, err := askTrace(ctx, client, admin, id)
		if err != nil {
			return err
		}
		m := journeyOf(t, id)
		if len(m.open) == 0 || !patient {
			return m.print(out)
		}
		select {
		case <-tick.C:
		case <-late.C:
			patient = false
		case <-ctx.Done():
			return fmt.Errorf("wait for the deliveries of %s: %w", id, ctx.Err())
		}
	}
}

// askTrace makes one call; a message that the gateway does not know has an empty trace.
func askTrace(ctx context.Context, client *http.Client, admin, id string) (trace, error) {
	address := admin + "/api/trace?id=" + url.QueryEscape(id)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return trace{}, fmt.Errorf("ask for the trace of %s: %w", id, err)
	}
	resp, err := client.Do(r)
	if err != nil {
		return trace{}, fmt.Errorf("ask for the trace of %s: %w", id, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusNotFound {
		return trace{}, nil
	}
	if resp.StatusCode != http.StatusOK {
		return trace{}, fmt.Errorf("trace of %s: status %d: %w", id, resp.StatusCode, errTrace)
	}
	var t trace
	if err := json.NewDecoder(io.LimitReader(resp.Body, 4<<20)).Decode(&t); err != nil {
		return trace{}, fmt.Errorf("read the trace of %s: %w", id, err)
	}
	return t, nil
}

var errTrace = errors.New("the gateway gave no trace")
