package webhook

import (
	"cmp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
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

// Exactly one strict JSON value is accepted.
func TestDecodeJSONSyntax(t *testing.T) {
	const good = `{"a":"x","b":{"c":1}}`
	tests := []struct {
		name, body, field string
		ok                bool
	}{
		{name: "object", body: good, ok: true},
		{name: "surrounding whitespace", body: " \n" + good + "\t", ok: true},
		{name: "unknown member", body: `{"z":1}`, ok: true},
		{name: "different case", body: `{"A":5}`, ok: true},
		{name: "empty", body: ``},
		{name: "blank", body: " \n"},
		{name: "not JSON", body: `a=x`},
		{name: "truncated", body: strings.TrimSuffix(good, "}")},
		{name: "a list", body: `[` + good + `]`},
		{name: "a string", body: `"hello"`},
		{name: "two values", body: good + good},
		{name: "text after the value", body: good + " x"},
		{name: "byte order mark", body: "\ufeff" + good},
		{name: "comment", body: `{/* x */"a":"x"}`},
		{name: "line comment", body: "{// x\n\"a\":\"x\"}"},
		{name: "trailing comma", body: `{"a":"x",}`},
		{name: "single quotes", body: `{'a':'x'}`},
		{name: "not UTF-8", body: "{\"a\":\"\xff\"}"},
		{name: "lone surrogate", body: `{"a":"\udc00"}`, ok: true},
		{name: "raw control character", body: "{\"a\":\"\x01\"}"},
		{name: "member twice", body: `{"a":"x","a":"x"}`, field: "at.a"},
		{name: "member twice, escaped", body: `{"a":"x","\u0061":"x"}`, field: "at.a"},
		{name: "member twice, nested", body: `{"b":{"c":1,"c":1}}`, field: "at.b.c"},
		{name: "unknown member twice", body: `{"z":1,"z":2}`, field: "at.z"},
		{name: "wrong type", body: `{"a":5}`, field: "at.a"},
		{name: "wrong type, nested", body: `{"b":{"c":"x"}}`, field: "at.b.c"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var v struct {
				A string `json:"a"`
				B struct {
					C int64 `json:"c"`
				} `json:"b"`
			}
			f := DecodeJSON([]byte(tt.body), &v, "at")
			if (f == nil) != tt.ok {
				t.Fatalf("got %+v, want success %v", f, tt.ok)
			}
			if f != nil && (f.Message == "" || f.Field != cmp.Or(tt.field, "at")) {
				t.Errorf("got %+v, want field %q", f, cmp.Or(tt.field, "at"))
			}
		})
	}
}

func TestCheckID(t *testing.T) {
	for id, ok := range map[string]bool{"": false, "a": true, "abcd": true, "abcde": false, "a\n": false, "a\x00b": false} {
		if f := CheckID("id", id, 4); (f == nil) != ok || f != nil && f.Field != "id" {
			t.Errorf("CheckID(%q) = %+v, want success %v", id, f, ok)
		}
	}
}

// A message is accepted if the vendor has cut its text between the halves of a surrogate pair.
func TestDecodeJSONReplacesLoneSurrogates(t *testing.T) {
	for written, want := range map[string]string{
		`cut \ud83d`:             "cut \ufffd",
		`\ude00 there`:           "\ufffd there",
		`\ud83d\ude00`:           "\U0001f600",
		`\uD83D\uDE00`:           "\U0001f600",
		`\ud83d\ud83d\ude00`:     "\ufffd\U0001f600",
		`\ude00\ud83d`:           "\ufffd\ufffd",
		`\ud83dx\ude00`:          "\ufffdx\ufffd",
		`\ud83d\n`:               "\ufffd\n",
		`\\ud83d`:                `\ud83d`,
		`\\\ud83d`:               `\` + "\ufffd",
		`\u0041\ud83d\u0042`:     "A\ufffdB",
		`no escapes`:             "no escapes",
		`\u00e9\"\ud83d\ude00\"`: "é\"\U0001f600\"",
	} {
		body := []byte(`{"a":"` + written + `","raw":{"b":"` + written + `"}}`)
		before := string(body)
		var v struct {
			A   string         `json:"a"`
			Raw jsontext.Value `json:"raw"`
		}
		if f := DecodeJSON(body, &v, ""); f != nil || v.A != want {
			t.Errorf("%s: got %q, %+v; want %q", written, v.A, f, want)
		}
		if !v.Raw.IsValid() {
			t.Errorf("%s: the raw value %s is not valid", written, v.Raw)
		}
		if string(body) != before {
			t.Errorf("%s: the body was changed", written)
		}
	}
}

func TestScalarJSON(t *testing.T) {
	for written, want := range map[string]string{
		``: "", `null`: "", `"a"`: "a", `7`: "7", `-7.5`: "-7.5", `202105284494222653`: "202105284494222653", `"\ud83d"`: "\ufffd",
	} {
		if got, f := ScalarJSON(jsontext.Value(written), "id"); f != nil || got != want {
			t.Errorf("ScalarJSON(%s) = %q, %+v; want %q", written, got, f, want)
		}
	}
	for _, written := range []string{`true`, `{}`, `["a"]`} {
		if got, f := ScalarJSON(jsontext.Value(written), "id"); f == nil || f.Field != "id" {
			t.Errorf("ScalarJSON(%s) = %q, %+v; want a fault", written, got, f)
		}
	}
}
