package recorded

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// redactor replaces the texts of customers, bots and agents by placeholders. A placeholder keeps the texts of the rules'
// conditions that the original contains, because they come from the configuration and decide which rules match.
type redactor struct {
	keep     bool     // keeps all texts
	literals []string // of the conditions
	known    map[string]string
}

// text returns the placeholder of a text. Equal texts have equal placeholders.
func (r *redactor) text(s string) string {
	if r.keep || s == "" || slices.Contains(r.literals, s) {
		return s
	}
	if p, ok := r.known[s]; ok {
		return p
	}
	var words []string
	lower := strings.ToLower(s)
	for _, literal := range r.literals {
		if strings.Contains(lower, strings.ToLower(literal)) {
			words = append(words, literal)
		}
	}
	if r.known == nil {
		r.known = map[string]string{}
	}
	p := strings.Join(append(words, fmt.Sprintf("text %d", len(r.known)+1)), " ")
	r.known[s] = p
	return p
}

// name returns a name if a condition contains it, otherwise "".
func (r *redactor) name(s string) string {
	if r.keep || slices.Contains(r.literals, s) {
		return s
	}
	return ""
}

// attribute returns the placeholder of a vendor attribute's value. A JSON value keeps its members.
func (r *redactor) attribute(s string) string {
	if r.keep {
		return s
	}
	dec := json.NewDecoder(strings.NewReader(s))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil || dec.More() {
		return r.text(s)
	}
	switch v.(type) {
	case map[string]any, []any:
		var out bytes.Buffer
		enc := json.NewEncoder(&out)
		enc.SetEscapeHTML(false)
		if enc.Encode(r.json(v)) == nil {
			return strings.TrimSpace(out.String())
		}
	}
	return r.text(s)
}

// json redacts the texts and numbers in a JSON value.
func (r *redactor) json(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			v[name] = r.json(member)
		}
	case []any:
		for i := range v {
			v[i] = r.json(v[i])
		}
	case string:
		return r.text(v)
	case json.Number:
		return json.Number("0")
	}
	return v
}
