package conformance

import (
	_ "embed"
	"slices"
	"strconv"
	"strings"
	"time"
)

//go:embed cases.yaml
var casesText []byte

// cases are what the suite does to each adapter; see cases.yaml.
var cases = readYAML[struct {
	Faults, Prepare, Fetch, Subscribe []fault
	Answers, Bodies, Values           []string
	Odd                               []oddity
}]("cases.yaml", casesText)

// fault is something that the vendor does to a request, and the kinds of errors that are right then.
type fault struct {
	Check  string
	What   string
	Do     string // silence, reset, or an answer with these:
	Status int
	Body   string
	Header map[string]string
	Limit  time.Duration // of the call
	Kinds  []string
	Open   []string // further kinds where the call only opens a conversation
	After  time.Duration
}

// react plays the fault.
func (f *fault) react() reaction {
	switch f.Do {
	case "silence":
		return silence
	case "reset":
		return resets
	}
	return answers(f.Status, f.Body, f.Header)
}

// expect expects a kind of error that is right for the fault.
func (f *fault) expect(p *probe, a act, got *outcome) {
	kinds := f.Kinds
	if a.action == "open" {
		kinds = append(slices.Clone(kinds), f.Open...)
	}
	p.expect(slices.Contains(kinds, got.kind()), "%s gave %s, expected %s", a, got, strings.Join(kinds, " or "))
	if f.After > 0 && got.Error != nil {
		after, _ := time.ParseDuration(got.Error.After) // 0 if there is none
		p.expect(after > f.After-time.Second/10, "%s: the error waits %q, expected %s", a, got.Error.After, f.After)
	}
}

// oddity changes a delivery to something odd and allowed. A text like y*40 is repeated.
type oddity struct {
	What       string
	Set        map[string]any // members of the delivery
	Envelope   map[string]any // members of its envelope
	Text       string         // of each text part
	Attributes string         // the value of each attribute
}

// apply changes the JSON of a delivery.
func (o *oddity) apply(delivery map[string]any) {
	e, _ := delivery["envelope"].(map[string]any)
	for name, v := range o.Set {
		delivery[name] = repeated(v)
	}
	for name, v := range o.Envelope {
		e[name] = repeated(v)
	}
	parts, _ := e["parts"].([]any)
	for _, part := range parts {
		if part, _ := part.(map[string]any); o.Text != "" && part["type"] == "text" {
			part["text"] = o.Text
		}
	}
	if attributes, _ := e["attributes"].(map[string]any); o.Attributes != "" {
		for name := range attributes {
			attributes[name] = o.Attributes
		}
	}
}

// repeated returns a copy of v in which texts like y*40 are repeated.
func repeated(v any) any {
	switch v := v.(type) {
	case string:
		text, count, _ := strings.Cut(v, "*")
		if n, err := strconv.Atoi(count); err == nil {
			return strings.Repeat(text, n)
		}
	case map[string]any:
		out := map[string]any{}
		for name := range v {
			out[name] = repeated(v[name])
		}
		return out
	}
	return v
}
