package webhook

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestDecodeJSONLimitsNesting(t *testing.T) {
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	tests := []struct {
		name, body string
		ok         bool
	}{
		{"deepest", deep(64), true},
		{"too deep", deep(65), false},
		{"much too deep", deep(100_000), false},
		{"wide", "[" + strings.Repeat("{},", 500) + "{}]", true},
		{"brackets in a string", `"` + strings.Repeat("[{", 100) + `"`, true},
		{"brackets behind an escaped quote", `"\"` + strings.Repeat("[", 100) + `"`, true},
		{"brackets behind an escaped backslash", `["\\",` + deep(64) + `]`, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var v any
			if f := DecodeJSON([]byte(tt.body), &v, "at"); (f == nil) != tt.ok {
				t.Errorf("got %+v, want accepted: %v", f, tt.ok)
			}
		})
	}
}

func TestDecodeJSONAbbreviatesLongFields(t *testing.T) {
	name := strings.Repeat("字", 10_000)
	var v any
	f := DecodeJSON([]byte(`{"`+name+`":1,"`+name+`":1}`), &v, "")
	if f == nil {
		t.Fatal("a repeated name was accepted")
	}
	if len(f.Field) > maxFieldBytes+len("…") || !utf8.ValidString(f.Field) ||
		!strings.HasPrefix(name, strings.TrimSuffix(f.Field, "…")) {
		t.Errorf("field %q", f.Field)
	}
}
