package adaptertest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Placeholders of exam data.
const (
	// vendorMark stands for the fault server's base URL.
	vendorMark = "{vendor}"
	// anyMark stands for any text, alone for any JSON value.
	anyMark = "{any}"
)

// matches reports whether text is what pattern says, where anyMark stands for any text.
func matches(pattern, text string) bool {
	pieces := strings.Split(pattern, anyMark)
	if len(pieces) == 1 {
		return pattern == text
	}
	rest, ok := strings.CutPrefix(text, pieces[0])
	if !ok {
		return false
	}
	last := pieces[len(pieces)-1]
	for _, p := range pieces[1 : len(pieces)-1] {
		i := strings.Index(rest, p)
		if i < 0 {
			return false
		}
		rest = rest[i+len(p):]
	}
	return strings.HasSuffix(rest, last)
}

// difference says where got is not what want says, "" if nowhere. Both are what encoding/json makes of any.
func difference(path string, want, got any) string {
	at := path
	if at == "" {
		at = "the whole"
	}
	switch w := want.(type) {
	case string:
		if w == anyMark {
			return ""
		}
		g, ok := got.(string)
		if !ok || !matches(w, g) {
			return fmt.Sprintf("%s: is %s, expected %s", at, shown(got), shown(want))
		}
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			return fmt.Sprintf("%s: is %s, expected an object", at, shown(got))
		}
		return objectDifference(path, w, g)
	case []any:
		g, ok := got.([]any)
		if !ok {
			return fmt.Sprintf("%s: is %s, expected an array", at, shown(got))
		}
		for i := range w {
			if i >= len(g) {
				return fmt.Sprintf("%s: has %d items, expected %d", at, len(g), len(w))
			}
			if d := difference(joined(path, fmt.Sprint(i)), w[i], g[i]); d != "" {
				return d
			}
		}
		if len(g) > len(w) {
			return fmt.Sprintf("%s: has %d items, expected %d", at, len(g), len(w))
		}
	default:
		if want != got {
			return fmt.Sprintf("%s: is %s, expected %s", at, shown(got), shown(want))
		}
	}
	return ""
}

func objectDifference(path string, want, got map[string]any) string {
	for _, k := range slices.Sorted(maps.Keys(want)) {
		g, ok := got[k]
		if !ok {
			return fmt.Sprintf("%s: missing, expected %s", joined(path, k), shown(want[k]))
		}
		if d := difference(joined(path, k), want[k], g); d != "" {
			return d
		}
	}
	for _, k := range slices.Sorted(maps.Keys(got)) {
		if _, ok := want[k]; !ok {
			return fmt.Sprintf("%s: is %s, expected nothing", joined(path, k), shown(got[k]))
		}
	}
	return ""
}

func joined(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// shown is a JSON value for a finding.
func shown(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	if len(b) > 200 {
		b = append(b[:200], "…"...)
	}
	return string(b)
}

// bodyDifference compares bodies: as JSON if want is JSON, else as text with any line ends.
func bodyDifference(want, got []byte) string {
	var w, g any
	if decodeJSON(want, &w) == nil {
		if err := decodeJSON(got, &g); err != nil {
			return fmt.Sprintf("body: is %.200q, expected JSON", got)
		}
		return difference("body", w, g)
	}
	plain := func(b []byte) string {
		return strings.TrimRight(strings.ReplaceAll(string(b), "\r\n", "\n"), "\n")
	}
	if !matches(plain(want), plain(got)) {
		return fmt.Sprintf("body: is %.300q, expected %.300q", got, want)
	}
	return ""
}

// decodeJSON reads one JSON value and keeps numbers as they are written.
func decodeJSON(b []byte, into *any) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	if err := dec.Decode(into); err != nil {
		return err
	}
	if dec.More() {
		return fmt.Errorf("more than one JSON value")
	}
	return nil
}
