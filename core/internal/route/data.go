package route

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
)

// data returns the text, number, true or false at a path in an attribute that contains JSON. Names in the path are
// separated by dots. It returns "" if the attribute is not JSON, and if the path leads to nothing, a list or an object.
func (in *input) data(attribute, path string) string {
	value := in.json(attribute)
	for name := range strings.SplitSeq(path, ".") {
		object, ok := value.(map[string]any)
		if !ok {
			return ""
		}
		value = object[name]
	}
	switch v := value.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

// json returns the parsed JSON of an attribute, or nil if the attribute is not JSON. It parses each attribute once for
// all conditions.
func (in *input) json(attribute string) any {
	if value, parsed := in.parsed[attribute]; parsed {
		return value
	}
	if in.parsed == nil {
		in.parsed = map[string]any{}
	}
	var value any
	if text := in.facts.Attributes[attribute]; json.Valid([]byte(text)) {
		d := json.NewDecoder(strings.NewReader(text))
		d.UseNumber() // numbers stay as they are written
		if d.Decode(&value) != nil {
			value = nil
		}
	}
	in.parsed[attribute] = value
	return value
}

// number returns the number that a text contains, 0 if it contains none.
func number(text string) float64 {
	n, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
		return 0
	}
	return n
}
