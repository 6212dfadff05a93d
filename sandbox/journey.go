package main

import (
	"fmt"
	"io"
	"slices"
	"time"
)

// journey is what the trace of a conversation says about one message.
type journey struct {
	hops    []hop
	message string             // its envelope
	queued  map[string]hop     // deliveries that it caused, by id
	open    map[string]bool    // those that have not ended
	why     map[string]waiting // why they have not
}

// journeyOf picks the hops that concern the message with this id, the gateway's or the vendor's. An id that is
// not a message's, such as a customer's, gives all hops.
func journeyOf(t trace, id string) journey {
	m := journey{queued: map[string]hop{}, open: map[string]bool{}, why: map[string]waiting{}}
	for _, c := range t.Conversations {
		for _, w := range c.Waiting {
			m.why[w.Delivery] = w
		}
		at := slices.IndexFunc(c.Entries, func(h hop) bool {
			return h.What == "accepted" && (h.VendorID == id || h.Envelope == id)
		})
		if at < 0 {
			continue
		}
		m.message = c.Entries[at].Envelope
		m.collect(c.Entries[at:])
		return m
	}
	for _, c := range t.Conversations {
		m.hops = append(m.hops, c.Entries...)
		for _, h := range c.Entries {
			if h.What == "queued" {
				m.queued[h.Delivery] = h
			}
		}
	}
	return m
}

// collect takes the steps from the message's acceptance on: what was decided with it, which are those up to the
// next acceptance in its record, and what became of the deliveries that were queued then or later for it.
func (m *journey) collect(steps []hop) {
	together := true
	for i, h := range steps {
		together = together && h.Seq == steps[0].Seq && (i == 0 || h.What != "accepted")
		_, mine := m.queued[h.Delivery]
		if !together && !mine && h.Envelope != m.message && !m.opens(h, steps[i:]) {
			continue
		}
		m.hops = append(m.hops, h)
		switch {
		case h.Delivery == "":
		case h.What == "queued":
			m.queued[h.Delivery], m.open[h.Delivery] = h, true
		case ended[h.What]:
			delete(m.open, h.Delivery)
		}
	}
}

// opens tells whether h is the thread that a delivery of the message opened; the delivery ends in the same record.
func (m *journey) opens(h hop, rest []hop) bool {
	return h.What == "thread" && slices.ContainsFunc(rest, func(end hop) bool {
		d, mine := m.queued[end.Delivery]
		return mine && d.Kind == "open" && end.Seq == h.Seq && end.Channel == h.Channel && end.What == "delivered"
	})
}

// ended are the statuses in which a delivery stays.
var ended = map[string]bool{
	"delivered": true, "fenced": true, "dropped": true, "moved": true, "merged": true,
	"unrouted": true, "dead": true,
}

func (m *journey) print(out io.Writer) error {
	for _, h := range m.hops {
		if text := m.tell(h); text != "" {
			if _, err := fmt.Fprintf(out, "      | %9s %s\n", since(m.hops[0].At, h.At), text); err != nil {
				return err
			}
		}
	}
	for _, h := range m.hops { // in the order in which they were queued
		if m.open[h.Delivery] && h.What == "queued" {
			_, err := fmt.Fprintf(out, "      | %9s still under way to %s: %s\n", "", h.Channel, m.why[h.Delivery].Why)
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func since(start, at time.Time) string {
	return fmt.Sprintf("%+.1f ms", float64(at.Sub(start))/float64(time.Millisecond))
}

// tell says one hop in a few words; "" if another hop says it already.
func (m *journey) tell(h hop) string {
	d := m.queued[h.Delivery]
	switch h.What {
	case "accepted":
		return "accepted from " + h.Channel
	case "opened":
		return "conversation opened, " + h.Detail
	case "routed":
		return "matched rule " + h.Rule
	case "offered":
		return "control offered to " + h.Channel + " " + h.Detail
	case "passed":
		return "control passed to " + h.Channel + " " + h.Detail
	case "held":
		return "held until the offer ends"
	case "thread":
		return "thread " + short(h.VendorID) + " opened at " + h.Channel
	case "queued":
		if h.Kind == "open" {
			return ""
		}
		return m.purpose(h) + "queued for " + h.Channel
	case "delivered":
		if d.Kind == "open" {
			return ""
		}
		return m.purpose(d) + h.What + " to " + h.Channel
	case "retrying":
		return "retrying " + d.Channel + ": " + h.Detail
	}
	return join(h.What, h.Channel, h.Rule, h.Detail)
}

// purpose says what a delivery is for if it is not the message itself.
func (m *journey) purpose(queued hop) string {
	switch {
	case queued.Kind == "transcript":
		return "history "
	case queued.Envelope != m.message && m.message != "":
		return "notice "
	}
	return ""
}

func join(words ...string) string {
	text := ""
	for _, w := range words {
		if w != "" && text != "" {
			text += " "
		}
		text += w
	}
	return text
}

// short cuts a vendor's handle, which is long and says little.
func short(id string) string {
	const shown = 4
	if r := []rune(id); len(r) > 2*shown {
		return string(r[:shown]) + "…"
	}
	return id
}
