package adaptertest

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchbay/sdk/webhook"
)

// shellSigner starts a script as the signer of a channel that has one example.
func shellSigner(t *testing.T, script string) *exam {
	t.Helper()
	d := &channelData{dir: t.TempDir(), Prefix: "/gw", Sign: &signing{Command: []string{"sh", "-c", script}}, in: []*inbound{{
		name: "hello", method: "POST", target: "/hooks/a?b=c", host: "h.example", body: []byte("{\"x\":\xff\n}"),
		header: []field{{"X-Two", "a"}, {"X-Two", "b"}},
	}}}
	s, err := newSigner(d)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.close)
	return &exam{ctx: t.Context(), data: d, vendor: &vendor{base: "http://vendor"}, signer: s}
}

func TestSignerReadsACallAndAddsItsProof(t *testing.T) {
	x := shellSigner(t, `while head -n 1 > next && test -s next; do mv next got; echo '{"header": {"X-Sum": "1"}, "query": {"sum": "a b"}}'; done`)
	if err := x.checkSigner(); err != nil {
		t.Fatal(err)
	}
	in := x.data.in[0]
	p, err := x.prove(in, time.Date(2026, 11, 22, 13, 0, 0, 123456789, time.FixedZone("", 3600)))
	if err != nil {
		t.Fatal(err)
	}
	line, err := os.ReadFile(filepath.Join(x.data.dir, "got"))
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"name":"hello","time":"2026-11-22T12:00:00.123Z","unix":1795348800,"method":"POST","host":"h.example",` +
		`"path":"/gw/hooks/a","query":"b=c","header":{"X-Two":"a, b"},"body":"eyJ4Ijr/Cn0="}` + "\n"
	if d := cmp.Diff(want, string(line)); d != "" {
		t.Errorf("line (-want +got):\n%s", d)
	}
	signed := p.of(in)
	if signed.target != "/hooks/a?b=c&sum=a+b" || httpHeader(signed.header).Get("X-Sum") != "1" || !signed.signed {
		t.Errorf("signed call %+v", signed)
	}
	big := in.with(bytes.Repeat([]byte("x"), 2<<20))
	if _, err := x.prove(big, time.Now()); err != nil {
		t.Errorf("a large call: %v", err)
	}
}

func TestSignersThatDoNotSign(t *testing.T) {
	for _, tc := range []struct{ name, script, want string }{
		{"ends", "echo no key >&2; exit 3", "ended: it must read until the end of its input; it printed: no key"},
		{"closes its output", "echo why >&2; exec >&-; cat", "ended"},
		{"writes words", "echo hello; cat >/dev/null", `wrote "hello": it must be a line like`},
		{"writes another member", `echo '{"headers":{}}'; cat >/dev/null`, `unknown field "headers"`},
		{"writes a field that can't be sent", `echo '{"header":{"A b":"1"}}'; cat >/dev/null`, "which can't be sent"},
		{"adds nothing", `while read -r line; do echo '{}'; done`, "neither header nor query"},
		{"says why not", `while read -r line; do echo '{"error":"no such key"}'; done`, "said: no such key"},
		{"signs in two ways", `while read -r line; do n=x$n; echo "{\"header\":{\"A\":\"$n\"}}"; done`, "make a nonce from what is signed"},
		{"never ends its line", "cat /dev/zero", "a line of more than"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			x := shellSigner(t, tc.script)
			err := x.checkSigner()
			if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), "sign in/hello.http: ") {
				t.Errorf("error %v, want one with %q", err, tc.want)
			}
		})
	}
}

func TestSignerThatIsSilentIsNotAwaitedForLong(t *testing.T) {
	x := shellSigner(t, "cat >/dev/null")
	x.signer.(*signerProgram).limit = 10 * time.Millisecond
	if err := x.checkSigner(); err == nil || !strings.Contains(err.Error(), "gave no answer within 10ms") {
		t.Errorf("error %v", err)
	}
	if _, err := x.prove(x.data.in[0], time.Now()); !errors.Is(err, x.unsigned) {
		t.Errorf("it was asked again: %v", err)
	}
}

func TestSignerIsNotAwaitedWhenTheExamEnds(t *testing.T) {
	x := shellSigner(t, "cat >/dev/null")
	ctx, cancel := context.WithCancel(t.Context())
	x.ctx = ctx
	time.AfterFunc(10*time.Millisecond, cancel)
	if err := x.checkSigner(); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestSignerThatIsNotThere(t *testing.T) {
	d := &channelData{dir: t.TempDir(), Sign: &signing{Command: []string{"./nobody"}}}
	if _, err := newSigner(d); err == nil || !strings.Contains(err.Error(), `start the signer "./nobody" in `) {
		t.Errorf("error %v", err)
	}
}

// What a signature is for decides what is altered.
func TestForgeriesFollowWhatIsSigned(t *testing.T) {
	in := &inbound{name: "hello", method: "POST", target: "/hooks/a", host: "h", body: []byte(`{"text":"Hi","n":7}`),
		header: []field{{"Content-Type", "application/json"}}}
	bodyAlone := &signing{Scheme: schemeHMAC, Secret: "s", Header: "X-Signature"}
	standard := &signing{Scheme: schemeStandard, Secret: "whsec_ZXhhbS1zZWNyZXQtb2YtdGhlLXByb3h5LTAwMDE=", Window: 5 * time.Minute}
	for _, tc := range []struct {
		name string
		sign *signing
		want map[string]int // of forgeries in a group
	}{
		{"body", bodyAlone, map[string]int{"missing": 1, "signature": 2 + 1 + 2 + len(in.body)}},
		// Of four other times each: all of it, then with each of time and signature, but not the id, of now.
		{"body and time", standard, map[string]int{"missing": 1, "signature": 2 + 1 + 2 + len(in.body), "time": 4 * 3}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if err := tc.sign.prepare(); err != nil {
				t.Fatal(err)
			}
			x := &exam{ctx: t.Context(), data: &channelData{Sign: tc.sign}, vendor: &vendor{base: "http://vendor"}, signer: tc.sign}
			list, err := x.signedForgeries(in)
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]int{}
			for _, f := range list {
				got[f.group]++
				if !f.call.signed {
					t.Errorf("%s: would be signed anew", f.what)
				}
				_, err := webhook.Verify(httpHeader(f.call.header), f.call.body, tc.sign.keys, time.Now(), tc.sign.Window)
				if tc.sign == standard && err == nil {
					t.Errorf("%s: is no forgery", f.what)
				}
			}
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Errorf("forgeries (-want +got):\n%s", d)
			}
		})
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
	if got := reversedWord("auth-v2/k1/abc123=="); got != "auth-v2/k1/321cba==" {
		t.Error(got)
	}
}
