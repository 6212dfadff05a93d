package recorded

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"patchbay/core/internal/route"
	"patchbay/sdk/envelope"
	"patchbay/sdk/text"
)

// redactor replaces the texts of customers, bots and agents by placeholders. A placeholder keeps the texts of the rules'
// conditions that the original contains, because they come from the configuration and decide which rules match.
type redactor struct {
	keep     bool      // keeps all texts
	literals []string  // of the conditions
	numbers  []float64 // in the conditions, sorted
	known    map[string]string
	buckets  func(channel, customer string) []int64
}

func newRedactor(keep bool, rules *route.Table) redactor {
	return redactor{keep: keep, literals: rules.Literals(), numbers: rules.Numbers(), buckets: rules.Buckets()}
}

// text returns the placeholder of a text. Equal texts have equal placeholders.
func (r *redactor) text(s string) string {
	if r.keep || text.IsBlank(s) || slices.Contains(r.literals, s) {
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

// maxTries is the maximum number of ids that senderID tries. With two different calls of bucket() in the rules, one of
// 10,000 ids has the same values.
const maxTries = 100_000

// senderID returns the placeholder of a sender's id. It is the id itself if a condition contains it. For a customer, it
// is an id with the same value of each bucket() in the rules. It returns "" if no condition depends on the id, or if it
// finds no such id.
func (r *redactor) senderID(channel string, e *envelope.Envelope) string {
	id := cmp.Or(e.Sender.ID, e.Thread)
	want := r.buckets(channel, id)
	if name := r.name(id); name != "" || e.Sender.Role != envelope.RoleCustomer || len(want) == 0 {
		return name
	}
	for i := range maxTries {
		if try := fmt.Sprintf("customer-%d", i+1); slices.Equal(r.buckets(channel, try), want) {
			return try
		}
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
		return r.number(v)
	}
	return v
}

// number returns a number that compares with all numbers of the conditions as the original does.
func (r *redactor) number(n json.Number) json.Number {
	value, err := n.Float64()
	if err != nil || len(r.numbers) == 0 {
		return "0"
	}
	i, equal := slices.BinarySearch(r.numbers, value)
	switch {
	case equal:
	case i == 0:
		value = r.numbers[0] - 1
	case i == len(r.numbers):
		value = r.numbers[i-1] + 1
	default:
		value = (r.numbers[i-1] + r.numbers[i]) / 2
	}
	return json.Number(strconv.FormatFloat(value, 'f', -1, 64))
}
