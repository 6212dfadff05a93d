package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"patchbay/sandbox/gateway"
	"patchbay/sandbox/simulator"
)

// hop is one step in the trail of a conversation, from the gateway's GET /api/trace. Members that do not apply are
// empty.
type hop struct {
	At       time.Time
	Seq      uint64 // number of the record; all steps of a record have the same time
	Step     string
	Channel  string
	Envelope string
	VendorID string `json:"vendor_id"`
	Kind     string
	Delivery string
	Rule     string
	Detail   string
}

var errTrace = errors.New("the gateway returned no trace")

// printTrace prints the trail of the message with this id of the vendor. It reads the trail from the gateway's admin
// listener, and waits up to three seconds for pending deliveries.
func printTrace(ctx context.Context, out io.Writer, admin, id string) error {
	late := time.Now().Add(3 * time.Second)
	for {
		m, err := traceOf(ctx, admin, id)
		if err != nil {
			return fmt.Errorf("trace of %s: %w", id, err)
		}
		if len(m.pending) == 0 || time.Now().After(late) {
			m.print(out)
			return nil
		}
		if err := simulator.Sleep(ctx, 25*time.Millisecond); err != nil {
			return fmt.Errorf("wait for the deliveries of %s: %w", id, err)
		}
	}
}

// trace is the trail of one message.
type trace struct {
	steps   []hop
	message string            // id of its envelope
	queued  map[string]hop    // its deliveries, by id
	pending map[string]string // channels of its pending deliveries, by id
}

func traceOf(ctx context.Context, admin, id string) (*trace, error) {
	status, body, err := gateway.Get(ctx, "http://"+admin+"/api/trace?id="+url.QueryEscape(id))
	if err != nil {
		return nil, err
	}
	if status != http.StatusOK {
		return nil, fmt.Errorf("status %d: %w", status, errTrace)
	}
	var answer struct{ Conversations []struct{ Entries []hop } }
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, err
	}
	m := &trace{queued: map[string]hop{}, pending: map[string]string{}}
	for _, c := range answer.Conversations {
		first := slices.IndexFunc(c.Entries, func(s hop) bool { return s.Step == "accepted" && s.VendorID == id })
		if first >= 0 {
			m.collect(c.Entries[first:])
		}
	}
	return m, nil
}

// ended are the steps that end a delivery.
var ended = []string{"delivered", "fenced", "dropped", "moved", "merged", "unrouted", "dead"}

// collect selects the steps of the message from entries, whose first entry is its acceptance. These steps are the
// decisions of the same record up to the next acceptance, the steps of its deliveries, and the threads that they open.
// A thread is opened in the record that ends the delivery.
func (m *trace) collect(entries []hop) {
	m.message = entries[0].Envelope
	decided := true
	for i, s := range entries {
		decided = decided && s.Seq == entries[0].Seq && (i == 0 || s.Step != "accepted")
		_, known := m.queued[s.Delivery]
		if s.Step == "thread" {
			known = slices.ContainsFunc(entries[i:], func(end hop) bool {
				return m.queued[end.Delivery].Kind == "open" && end.Seq == s.Seq && end.Channel == s.Channel
			})
		}
		if !decided && !known && s.Envelope != m.message {
			continue
		}
		m.steps = append(m.steps, s)
		switch {
		case s.Delivery == "":
		case s.Step == "queued":
			m.queued[s.Delivery], m.pending[s.Delivery] = s, s.Channel
		case slices.Contains(ended, s.Step):
			delete(m.pending, s.Delivery)
		}
	}
}

func (m *trace) print(out io.Writer) {
	for _, s := range m.steps {
		if text := m.describe(s); text != "" {
			since := float64(s.At.Sub(m.steps[0].At)) / float64(time.Millisecond)
			fmt.Fprintf(out, "      | %9s %s\n", fmt.Sprintf("%+.1f ms", since), text)
		}
	}
	for _, channel := range m.pending {
		fmt.Fprintf(out, "      | %9s pending for %s\n", "", channel)
	}
}

// describe returns a short description of a step, or "" if another step covers it.
func (m *trace) describe(s hop) string {
	d, ok := m.queued[s.Delivery]
	if ok && d.Kind == "open" && (s.Step == "queued" || s.Step == "delivered") {
		return ""
	}
	subject := ""
	if ok && d.Kind == "transcript" {
		subject = "history "
	} else if ok && d.Envelope != m.message {
		subject = "notice "
	}
	switch s.Step {
	case "accepted":
		return "accepted from " + s.Channel
	case "routed":
		return "matched rule " + s.Rule
	case "offered":
		return "control offered to " + s.Channel + " " + s.Detail
	case "passed":
		return "control passed to " + s.Channel + " " + s.Detail
	case "held":
		return "held until the offer ends"
	case "thread":
		return fmt.Sprintf("thread %.4s… opened at %s", s.VendorID, s.Channel)
	case "queued":
		return subject + "queued for " + s.Channel
	case "delivered":
		return subject + "delivered to " + s.Channel
	}
	return strings.Join(strings.Fields(s.Step+" "+s.Channel+" "+s.Rule+" "+s.Detail), " ")
}
