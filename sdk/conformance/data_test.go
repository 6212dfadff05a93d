package conformance

import (
	"bytes"
	"encoding/json"
	"net/http"
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
		header: http.Header{"X-Two": {"a: b"}}, body: []byte("{\"a\":\n\n1}")}
	if d := cmp.Diff(want, in, cmp.AllowUnexported(inbound{})); d != "" {
		t.Error(d)
	}
}

func TestParseExchange(t *testing.T) {
	x, err := parseExchange("text",
		[]byte("# ignored\n### deliver\n{\"thread\": \"t\"}\n\n### request once\nPOST /token\n\n### response\n200\n"+
			"Content-Type: text/plain\n\nt\n\n### request\nPUT /m?x={any}\nA: b\n\n#### no block\n\n### response\n204\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := &exchange{name: "text", action: "deliver", call: json.RawMessage(`{"thread": "t"}`), steps: []*step{
		{once: true, method: "POST", target: "/token", header: http.Header{}, status: 200,
			responseHeader: http.Header{"Content-Type": {"text/plain"}}, responseBody: []byte("t")},
		{effect: true, method: "PUT", target: "/m?x={any}", header: http.Header{"A": {"b"}}, body: []byte("#### no block"),
			status: 204, responseHeader: http.Header{}},
	}}
	if d := cmp.Diff(want, x, cmp.AllowUnexported(exchange{}, step{}), cmp.Transformer("text",
		func(b []byte) string { return string(b) })); d != "" {
		t.Error(d)
	}
}

func TestParseMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"": "begin the file with one block",
		"### request\nGET /\n\n### response\n200":                           "begin the file with one block",
		"### deliver\n{\n no}":                                              "not valid JSON in line 3 of the block: invalid character 'n'",
		"### deliver\n{}\n\n### deliver\n{}":                                "begin the file with one block",
		"### deliver\n{}\n\n### request\nPOST /a":                           "has no response",
		"### deliver\n{}\n\n### request\nPOST":                              "is not a request line",
		"### deliver\n{}\n\n### request twice\nPOST /a":                     "(request twice): not expected here",
		"### deliver\n{}\n\n### response\n200":                              "not expected here",
		"### open\n{}\n\n### request\nGET /\n\n### response\nfine":          "is not a status",
		"### open\n{}\n\n### request\nGET /\nnonsense\n\n### response\n200": "a blank line ends the header",
	} {
		if _, err := parseExchange("x", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
	for text, want := range map[string]string{
		"":                  "is not a request line",
		"POST hooks":        "is not a request line",
		"GET /a\nno header": "a blank line ends the header",
	} {
		if _, err := parseInbound("x", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("POST / HTTP/1.1\nA: b\n\nbody")
	f.Add("### deliver\n{}\n\n### request once\nPOST /\nA: b\n\nbody\n\n### response\n200\n\nx")
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
				t.Errorf("%q: a request without a response", text)
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
	for _, tc := range []struct {
		want, got string
		same      bool
	}{
		{`{"a":1,"b":[true,null]}`, ` { "b": [true, null], "a": 1 }`, true},
		{`{"a":"{any}"}`, `{"a":{"x":[]}}`, true},
		{`{"a":"x-{any}"}`, `{"a":"x-1"}`, true},
		{`{"a":"x-{any}"}`, `{"a":"y-1"}`, false},
		{`{"a":1}`, `{"a":2}`, false},
		{`{"a":1}`, `{}`, false},
		{`{}`, `{"a":1}`, false},
		{`[1]`, `[1,2]`, false},
		{`{"a":[]}`, `{"a":{}}`, false},
		{`1`, `no`, false},
		{"a\nb", "a\r\nb\r\n", true},
		{"a{any}b", "a\x00\x01b", true},
		{"words", "word", false},
		{"", "x", false},
	} {
		if got := (&step{body: []byte(tc.want)}).difference(&http.Request{}, []byte(tc.got)); (got == "") != tc.same {
			t.Errorf("%s against %s: %q", tc.got, tc.want, got)
		}
	}
}

func TestPlaceholdersAreKeptAndMade(t *testing.T) {
	now := time.Now().UTC().Format(time.RFC3339Nano)
	v := map[string]any{"id": "x-77", "at": "2020-01-01T00:00:00Z", "now": now, "list": []any{"a", now}}
	former := map[string]any{"id": "x-{any}", "at": "{any}", "list": []any{"b-{any}"}}
	want := map[string]any{"id": "x-{any}", "at": "{any}", "now": "{any}", "list": []any{"a", "{any}"}}
	if d := cmp.Diff(any(want), withPlaceholders(v, former)); d != "" {
		t.Error(d)
	}
}

func TestLoadMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"settings: {}":                                  "role: missing",
		"role: bot\nroll: 1":                            "field roll not found",
		"role: bot\ncredentials: [{}]":                  "write one of header, query and body",
		"role: bot\neffect: nothing":                    "channel.yaml: effect: there is no out/nothing.http",
		"role: bot\nenums: [typ]":                       "channel.yaml: enums: no body in in/*.http has the member typ",
		"role: bot\ncredentials: [{body: a, query: b}]": "write one of header, query and body",
		"role: bot\nsign: {}":                           "write a command that signs",
		"role: bot\nsign: {command: [x], window: 1s}":   "a window of at least 1m0s",
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, channelFile), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := loadChannels(dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
}

func TestMistakesInMessagesNameTheirFile(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "out"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{channelFile: "role: bot", "out/typing.http": "### deliver\n{]"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, err := loadChannels(dir)
	want := "read test data: " + dir + "/out/typing.http: block 1 (deliver): not valid JSON in line 2 of the block"
	if err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("error %v, want %q", err, want)
	}
}

func TestFlippedBytesCount(t *testing.T) {
	for _, tc := range []struct {
		text string
		i    int
		want string
	}{
		{"a1", 0, "f1"}, {"f1", 0, "a1"}, {"a1", 1, "a8"}, {"a9", 1, "a0"}, {"Zz", 0, "Az"}, {"Zz", 1, "Za"}, {"-", 0, "q"},
		{"QQ==", 1, "QA=="}, {"QA==", 1, "Qw=="}, {"QQ==", 2, "QQq="},
	} {
		if got := flip(tc.text, tc.i); got != tc.want {
			t.Errorf("flip(%q, %d) = %q, want %q", tc.text, tc.i, got, tc.want)
		}
	}
}

// shellSigner starts a shell script as the signer of a channel with one example.
func shellSigner(t *testing.T, script string) (*signer, *channelData, error) {
	t.Helper()
	d := &channelData{dir: t.TempDir(), Channel: "shop", Sign: &signing{Command: []string{"sh", "-c", script}}}
	d.in = []*inbound{{
		name: "hello", method: "POST", target: "/hooks/a?b=c", host: "h.example", body: []byte("{\"x\":\xff\n}"),
		header: http.Header{"X-Two": {"a", "b"}},
	}}
	s, err := newSigner(t.Context(), d)
	if err == nil {
		t.Cleanup(s.close)
	}
	return s, d, err
}

func TestSignerReadsACallAndAddsItsProof(t *testing.T) {
	s, d, err := shellSigner(t,
		`while head -n 1 > next && test -s next; do mv next got; echo '{"header": {"X-Sum": "1"}, "query": {"sum": "a b"}}'; done`)
	if err != nil {
		t.Fatal(err)
	}
	in := d.in[0]
	p, err := s.prove("shop", in, time.Date(2026, 11, 22, 13, 0, 0, 123456789, time.FixedZone("", 3600)))
	if err != nil {
		t.Fatal(err)
	}
	line, err := os.ReadFile(filepath.Join(d.dir, "got"))
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"channel":"shop","name":"hello","time":"2026-11-22T12:00:00.123Z","unix":1795348800,"method":"POST",` +
		`"host":"h.example","path":"/hooks/a","query":"b=c","header":{"X-Two":"a, b"},"body":"eyJ4Ijr/Cn0="}` + "\n"
	var wanted, got any
	if json.Unmarshal([]byte(want), &wanted) != nil || json.Unmarshal(line, &got) != nil {
		t.Fatalf("line %s", line)
	}
	if d := cmp.Diff(wanted, got); d != "" {
		t.Errorf("line (-want +got):\n%s", d)
	}
	signed := p.addTo(in)
	if signed.target != "/hooks/a?b=c&sum=a+b" || signed.header.Get("X-Sum") != "1" || !signed.signed {
		t.Errorf("signed call %+v", signed)
	}
	if _, err := s.prove("shop", in.withBody(bytes.Repeat([]byte("x"), 2<<20)), time.Now()); err != nil {
		t.Errorf("a large call: %v", err)
	}
	if _, err := s.prove("shop", in.withBody(nil), time.Now()); err != nil {
		t.Fatal(err)
	}
	line, err = os.ReadFile(filepath.Join(d.dir, "got"))
	if err != nil || !strings.Contains(string(line), `"body":""`) {
		t.Errorf("a call without a body: %s (%v), want an empty text", line, err)
	}
}

func TestSignersThatDoNotSign(t *testing.T) {
	const call = `the call was {"body":"eyJ4Ijr/Cn0=","channel":"shop"`
	for _, tc := range []struct{ name, script, want, call string }{
		{"ends", "echo no key >&2; exit 3", "it printed: no key", call},
		{"writes words", "echo hello; cat >/dev/null", `must be a line like`, call},
		{"writes another member", `echo '{"headers":{}}'; cat >/dev/null`, `unknown field "headers"`, call},
		{"adds nothing", `while read -r line; do echo '{}'; done`, "respond with a header or a query", ""},
		{"says why not", `while read -r line; do echo '{"error":"no such key"}'; done`, "it failed: no such key", call},
		{"signs in two ways", `while read -r line; do n=x$n; echo "{\"header\":{\"A\":\"$n\"}}"; done`,
			"derive it from the signed bytes", ""},
		{"is not there", "exec ./nobody", "not found", call},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, _, err := shellSigner(t, tc.script)
			for _, want := range []string{tc.want, "sign in/hello.http", tc.call} {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("error %v, want one with %q", err, want)
				}
			}
		})
	}
}

func TestSilentSignerIsNotAwaitedForLong(t *testing.T) {
	s, d, err := shellSigner(t, `for i in 1 2; do read -r line; echo '{"header":{"A":"1"}}'; done; cat >/dev/null`)
	if err != nil {
		t.Fatal(err)
	}
	s.limit = 10 * time.Millisecond
	if _, err := s.prove("shop", d.in[0], time.Now()); err == nil || !strings.Contains(err.Error(),
		"no response within 10ms") {
		t.Errorf("error %v", err)
	}
}
