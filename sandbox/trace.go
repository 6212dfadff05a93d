package main

import (
	"cmp"
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
	steps   []gateway.Entry
	message string                   // id of its envelope
	queued  map[string]gateway.Entry // its deliveries, by id
	pending map[string]string        // channels of its pending deliveries, by id
}

func traceOf(ctx context.Context, admin, id string) (*trace, error) {
	found, err := gateway.Trace(ctx, admin, url.Values{"id": {id}})
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, errTrace
	}
	m := &trace{queued: map[string]gateway.Entry{}, pending: map[string]string{}}
	for _, c := range found {
		first := slices.IndexFunc(c.Entries, func(s gateway.Entry) bool { return s.Step == "accepted" && s.VendorID == id })
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
func (m *trace) collect(entries []gateway.Entry) {
	m.message = entries[0].Envelope
	decided := true
	for i, s := range entries {
		decided = decided && s.Seq == entries[0].Seq && (i == 0 || s.Step != "accepted")
		_, known := m.queued[s.Delivery]
		if s.Step == "thread" {
			known = slices.ContainsFunc(entries[i:], func(end gateway.Entry) bool {
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
func (m *trace) describe(s gateway.Entry) string {
	d, ok := m.queued[s.Delivery]
	if ok && d.Kind == "open" && (s.Step == "queued" || s.Step == "delivered") {
		return ""
	}
	subject := ""
	if ok && d.Kind == "transcript" {
		subject = "history"
	} else if ok && d.Envelope != m.message {
		subject = "notice"
	}
	text := cmp.Or(stepTexts[s.Step], s.Step+" {channel} {rule} {detail}")
	text = strings.NewReplacer("{subject}", subject, "{channel}", s.Channel, "{rule}", s.Rule, "{detail}", s.Detail,
		"{thread}", fmt.Sprintf("%.4s", s.VendorID)).Replace(text)
	return strings.Join(strings.Fields(text), " ")
}

// stepTexts are the descriptions of steps. A step without one is described by its name.
var stepTexts = map[string]string{
	"accepted": "accepted from {channel}", "routed": "matched rule {rule}", "held": "held until the offer ends",
	"offered": "control offered to {channel} {detail}", "passed": "control passed to {channel} {detail}",
	"thread": "thread {thread}… opened at {channel}",
	"queued": "{subject} queued for {channel}", "delivered": "{subject} delivered to {channel}",
}
