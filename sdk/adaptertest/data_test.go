package adaptertest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseInbound(t *testing.T) {
	in, err := parseInbound("hello",
		[]byte("# A comment.\n#another\n\nPOST /hooks/a?b=c HTTP/1.1\nHost: h.example:8080\nX-Two: a: b\n\n{\"a\":\n\n1}\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := &inbound{name: "hello", method: "POST", target: "/hooks/a?b=c", host: "h.example:8080",
		header: []field{{"X-Two", "a: b"}},
		body:   []byte("{\"a\":\n\n1}")}
	if d := cmp.Diff(want, in, cmp.AllowUnexported(inbound{}, field{})); d != "" {
		t.Error(d)
	}
}

func TestParseExchange(t *testing.T) {
	_, err := parseExchange("text", []byte(`# ignored
### deliver
{"thread": "t"}

### request once
POST /token

### answer
200
Content-Type: text/plain

t

### request effect
PUT /m?x={any}
A: b

### not a block? no, it is one
`))
	if err == nil || !strings.Contains(err.Error(), `block 5 (not a block? no, it is one): unknown`) {
		t.Errorf("error %v", err)
	}
	x, err := parseExchange("text", []byte("### deliver\n{\"thread\": \"t\"}\n\n### request once\nPOST /token\n\n### answer\n200\nContent-Type: text/plain\n\nt\n\n"+
		"### request\nPUT /m?x={any}\nA: b\n\n#### no block\n\n### answer\n204\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := &exchange{name: "text", action: "deliver", call: json.RawMessage(`{"thread": "t"}`), steps: []*step{
		{once: true, method: "POST", target: "/token", status: 200, answerHeader: []field{{"Content-Type", "text/plain"}},
			answerBody: []byte("t")},
		{effect: true, method: "PUT", target: "/m?x={any}", header: []field{{"A", "b"}}, body: []byte("#### no block"),
			status: 204},
	}}
	if d := cmp.Diff(want, x, cmp.AllowUnexported(exchange{}, step{}, field{}), cmp.Transformer("text",
		func(b []byte) string { return string(b) })); d != "" {
		t.Error(d)
	}
}

func TestParseMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"":                                      "block 1 has no name",
		"### request\nGET /\n\n### answer\n200": "has no block ### deliver",
		"### deliver\nno":                       "not valid JSON",
		"### deliver\n{}\n\n### deliver\n{}":    "a second call",
		"### deliver\n{}\n\n### request\nPOST /a":                         "has no answer",
		"### deliver\n{}\n\n### request\nPOST":                            "is not a request line",
		"### deliver\n{}\n\n### request twice\nPOST /a":                   `"twice" is unknown`,
		"### deliver\n{}\n\n### answer\n200":                              "has no request before it",
		"### open\n{}\n\n### request\nGET /\n\n### answer\nfine":          "is not a status",
		"### open\n{}\n\n### request\nGET /\nnonsense\n\n### answer\n200": "is not a header field",
	} {
		if _, err := parseExchange("x", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
	for text, want := range map[string]string{
		"":                  "is not a request line",
		"POST hooks":        "is not a request line",
		"GET /a\nno header": "is not a header field",
	} {
		if _, err := parseInbound("x", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("POST / HTTP/1.1\nA: b\n\nbody")
	f.Add("### deliver\n{}\n\n### request once\nPOST /\nA: b\n\nbody\n\n### answer\n200\n\nx")
	f.Fuzz(func(t *testing.T, text string) {
		if in, err := parseInbound("x", []byte(text)); err == nil && (in.method == "" || !strings.HasPrefix(in.target, "/")) {
			t.Errorf("%q: %s %s", text, in.method, in.target)
		}
		x, err := parseExchange("x", []byte(text))
		if err != nil {
			return
		}
		effects := 0
		for _, s := range x.steps {
			if s.effect {
				effects++
			}
			if s.status == 0 {
				t.Errorf("%q: a request without an answer", text)
			}
		}
		if len(x.steps) > 0 && effects == 0 {
			t.Errorf("%q: no request has the effect", text)
		}
	})
}

func TestMatches(t *testing.T) {
	for _, tc := range []struct {
		pattern, text string
		want          bool
	}{
		{"a", "a", true}, {"a", "b", false}, {"{any}", "", true}, {"a{any}", "abc", true}, {"{any}c", "abc", true},
		{"a{any}c", "ac", true}, {"a{any}c", "abd", false}, {"a{any}b{any}c", "a-b-c", true}, {"a{any}b{any}c", "a-c", false},
		{"ab{any}ba", "aba", false},
	} {
		if got := matches(tc.pattern, tc.text); got != tc.want {
			t.Errorf("matches(%q, %q) = %v", tc.pattern, tc.text, got)
		}
	}
}

func TestBodyDifference(t *testing.T) {
	for _, tc := range []struct{ want, got, difference string }{
		{`{"a":1,"b":[true,null]}`, ` { "b": [true, null], "a": 1 }`, ""},
		{`{"a":"{any}"}`, `{"a":{"x":[]}}`, ""},
		{`{"a":"x-{any}"}`, `{"a":"x-1"}`, ""},
		{`{"a":1}`, `{"a":2}`, "body.a: is 2, expected 1"},
		{`{"a":1}`, `{}`, "body.a: missing, expected 1"},
		{`{}`, `{"a":1}`, "body.a: is 1, expected nothing"},
		{`[1]`, `[1,2]`, "body: has 2 items, expected 1"},
		{`[1,2]`, `[1]`, "body: has 1 items, expected 2"},
		{`{"a":[]}`, `{"a":{}}`, "body.a: is {}, expected an array"},
		{`1`, `no`, `body: is "no", expected JSON`},
		{"a\nb", "a\r\nb\r\n", ""},
		{"a{any}b", "a\x00\x01b", ""},
		{"words", "word", `body: is "word", expected "words"`},
		{"", "x", `body: is "x", expected ""`},
	} {
		if got := bodyDifference([]byte(tc.want), []byte(tc.got)); got != tc.difference {
			t.Errorf("%s against %s: %q, want %q", tc.got, tc.want, got, tc.difference)
		}
	}
}

func TestPlaceholdersAreKeptAndMade(t *testing.T) {
	now := time.Now().UTC().Format(time.RFC3339Nano)
	text := `{"{any}": "` + now + `", "id": "x-77", "at": "2020-01-01T00:00:00Z", "list": ["a", "` + now + `"]}`
	former := map[string]any{"id": "x-{any}", "at": "{any}", "list": []any{"b-{any}"}}
	got, err := (*exam)(nil).withPlaceholders([]byte(text), former)
	if err != nil {
		t.Fatal(err)
	}
	want := "{\n  \"{any}\": \"{any}\",\n  \"id\": \"x-{any}\",\n  \"at\": \"{any}\",\n  \"list\": [\n    \"a\",\n    \"{any}\"\n  ]\n}\n"
	if string(got) != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func TestLoadMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"settings: {}":                                  "role: missing",
		"role: bot\nroll: 1":                            "field roll not found",
		"role: bot\ncredentials: [{}]":                  "write one of header, query and body",
		"role: bot\neffect: nothing":                    "there is no out/nothing.http",
		"role: bot\ncredentials: [{body: a, query: b}]": "write one of header, query and body",
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, examFile), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := loadChannels(&Options{Data: dir}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
}

func TestSchema(t *testing.T) {
	s, err := compileSchema([]byte(`{"type":"object","required":["a"],"additionalProperties":false,"properties":{
		"a":{"type":"string","x-vendor-address":true},"b":{"type":"object","required":["c"],"properties":{"c":{"type":"string","x-secret":true}}},
		"d":{"type":"object","properties":{"e":{"type":"integer","default":3}}},"f":{"type":"boolean","default":false}}}`))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"b.c"}, s.paths(func(n *node) bool { return n.Secret })); d != "" {
		t.Error(d)
	}
	settings := map[string]any{}
	s.root.withDefaults(settings)
	if d := cmp.Diff(map[string]any{"d": map[string]any{"e": 3.0}, "f": false}, settings); d != "" {
		t.Error(d)
	}
	for _, tc := range []struct {
		settings map[string]any
		want     string
	}{
		{map[string]any{"a": "x"}, ""},
		{map[string]any{}, "a"},
		{map[string]any{"a": 1}, "a"},
		{map[string]any{"a": "x", "b": map[string]any{}}, "b.c"},
		{map[string]any{"a": "x", "z": 1}, "z"},
	} {
		got := strings.Join(s.violations(tc.settings), " ")
		if tc.want == "" && got != "" || !strings.Contains(" "+got+" ", " "+tc.want+" ") && tc.want != "" {
			t.Errorf("%v: violations %q, want %q", tc.settings, got, tc.want)
		}
	}
	for _, bad := range []string{"", "[]", `{"type":"nonsense"}`, `{"$ref":"https://example.com/schema"}`} {
		if _, err := compileSchema([]byte(bad)); err == nil {
			t.Errorf("%q was taken for a schema", bad)
		}
	}
}
