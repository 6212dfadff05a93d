package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"

	"patchbay/sandbox/gateway"
	"patchbay/sandbox/simulator"
)

var errNoTrace = errors.New("the gateway returned no trace")

// printTrace prints the trail of the message with this vendor id, with the times since its acceptance. It reads the
// trail from the gateway's admin listener, and waits up to three seconds for pending deliveries.
func printTrace(ctx context.Context, out io.Writer, admin, id string) error {
	deadline := time.Now().Add(3 * time.Second)
	for {
		steps, pending, err := traceOf(ctx, admin, id)
		if err != nil {
			return fmt.Errorf("trace of %s: %w", id, err)
		}
		if len(pending) == 0 || time.Now().After(deadline) {
			for _, s := range steps {
				since := float64(s.At.Sub(steps[0].At)) / float64(time.Millisecond)
				text := strings.Fields(strings.Join([]string{s.Step, s.Kind, s.Channel, s.Rule, s.Detail}, " "))
				fmt.Fprintf(out, "      | %9s %s\n", fmt.Sprintf("%+.1f ms", since), strings.Join(text, " "))
			}
			for _, d := range pending {
				fmt.Fprintf(out, "      | %9s pending for %s\n", "", d.Channel)
			}
			return nil
		}
		if err := simulator.Sleep(ctx, 25*time.Millisecond); err != nil {
			return fmt.Errorf("wait for the deliveries of %s: %w", id, err)
		}
	}
}

// traceOf returns the steps of a message and its pending deliveries. The steps are the decisions in the message's
// record up to the next accepted message, the steps of the deliveries that these decisions queued, and the other steps
// of the message's envelope.
func traceOf(ctx context.Context, admin, id string) ([]gateway.Entry, []gateway.PendingDelivery, error) {
	found, err := gateway.Trace(ctx, admin, url.Values{"id": {id}})
	if err != nil {
		return nil, nil, err
	}
	for _, c := range found {
		first := slices.IndexFunc(c.Entries, func(s gateway.Entry) bool { return s.Step == "accepted" && s.VendorID == id })
		if first < 0 {
			continue
		}
		var steps []gateway.Entry
		deliveries, decided := map[string]bool{}, true
		for i, s := range c.Entries[first:] {
			decided = decided && s.Seq == c.Entries[first].Seq && (i == 0 || s.Step != "accepted")
			if decided || deliveries[s.Delivery] || s.Envelope == c.Entries[first].Envelope {
				steps = append(steps, s)
				deliveries[s.Delivery] = s.Delivery != ""
			}
		}
		pending := slices.DeleteFunc(c.Pending, func(d gateway.PendingDelivery) bool { return !deliveries[d.Delivery] })
		return steps, pending, nil
	}
	return nil, nil, errNoTrace
}
