package plugin

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"patchbay/sdk/protocol/pluginpb"
)

// leakedToken is a secret that needs escapes in URLs and in JSON.
const leakedToken = `canary/"7+Yd2 <x>`

// leakParts lists parts of the token in all its forms. No output may contain them.
var leakParts = []string{`canary/"`, `canary/\"`, "canary%2F", "Yd2"}

// runWithSecret starts a host of the hostile adapter with a secret setting.
func runWithSecret(t *testing.T) *runningHost {
	t.Helper()
	r := run(t, "", func(o *Options) { o.Env = append(o.Env, "KEY=environ-secret"); o.Secrets = []string{"environ-secret"} })
	r.ready()
	values, err := json.Marshal(map[string]string{"token": leakedToken})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Describe(r.ctx()); err != nil {
		t.Fatal(err)
	}
	if resp, err := r.Configure(r.ctx(), &pluginpb.ChannelConfig{Name: "c", Role: "bot", Settings: values}); err != nil ||
		resp.GetError() != nil {
		t.Fatal(err, resp.GetError())
	}
	return r
}

func checkNoLeak(t *testing.T, where, text string) {
	t.Helper()
	for _, part := range leakParts {
		if strings.Contains(text, part) {
			t.Errorf("%s contains the secret: %s", where, text)
		}
	}
}

func checkRedacted(t *testing.T, where, text string) {
	t.Helper()
	if checkNoLeak(t, where, text); !strings.Contains(text, redacted) {
		t.Errorf("%s is not redacted: %s", where, text)
	}
}

func asJSON(t *testing.T, m proto.Message) string {
	t.Helper()
	b, err := protojson.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestResultsShowNoSecrets(t *testing.T) {
	r := runWithSecret(t)
	for _, path := range []string{"/leak", "/leak-cut"} {
		received, err := r.receiveAt(r.ctx(), path, "x")
		if err != nil {
			t.Fatal(err)
		}
		checkRedacted(t, "the refusal of a webhook", asJSON(t, received))
		delivered, err := r.Deliver(r.ctx(), send(t, path, "k"))
		if err != nil {
			t.Fatal(err)
		}
		checkRedacted(t, "the error of a delivery", asJSON(t, delivered))
	}
	delivered, err := r.Deliver(r.ctx(), send(t, "/leak-degraded", "k"))
	if err != nil {
		t.Fatal(err)
	}
	checkRedacted(t, "the degraded note", delivered.GetDegraded())
	received, err := r.receiveAt(r.ctx(), "/env", "x")
	if err != nil || !strings.Contains(string(received.GetResponse().GetBody()), "environ-secret") {
		t.Errorf("the response for the vendor changed: %s %v", received.GetResponse().GetBody(), err)
	}
}

func TestLogShowsNoSecrets(t *testing.T) {
	r := runWithSecret(t)
	if _, err := r.receiveAt(r.ctx(), "/leak-log", "x"); err != nil {
		t.Fatal(err)
	}
	r.logs.find(t, "leaked "+redacted, nil)
	r.logs.find(t, "stray output", func(m map[string]string) bool { return m["text"] == "stray "+redacted })
	r.logs.find(t, "stray output", func(m map[string]string) bool { return m["text"] == "printed "+redacted })
	r.logs.find(t, "stray output", func(m map[string]string) bool { return strings.HasPrefix(m["text"], "xxxx") })
	checkNoLeak(t, "the log", r.logText())
}

func TestCrashShowsNoSecrets(t *testing.T) {
	r := runWithSecret(t)
	for _, path := range []string{"/leak-crash", "/leak-exit"} {
		_, err := r.receiveAt(r.ctx(), path, "x")
		given, ok := errors.AsType[*GivenUpError](err)
		if !ok {
			t.Fatalf("no error that gives up: %v", err)
		}
		checkNoLeak(t, "the error", fmt.Sprintf("%+v %v", given, err))
		checkNoLeak(t, "the status", r.Status().LastError)
		checkRedacted(t, "the body", given.Redact(escapeJSON(leakedToken, true)))
	}
	checkNoLeak(t, "the log", r.logText())
}

func (r *runningHost) logText() string {
	r.logs.mu.Lock()
	defer r.logs.mu.Unlock()
	return fmt.Sprint(r.logs.records)
}

func TestRedact(t *testing.T) {
	var r redactor
	if got := r.redact("nothing is known"); got != "nothing is known" {
		t.Error(got)
	}
	r.add("seven77", "eight888", "eight888-and-longer", `q"uote\d/+&é`)
	r.addSettings([]byte(testSecretSchema),
		[]byte(`{"open":"open-value","token":"deep-token","list":[{"key":"list-secret"}],"any":{"b":"map-secret"}}`))
	for in, want := range map[string]string{
		"seven77 is short":                  "seven77 is short",
		"eight888 eight888-and-longer":      "[redacted] [redacted]",
		"cut: eight888-and-l":               "cut: [redacted]",
		"cut: deep-tok…":                    "cut: [redacted]…",
		"open-value deep-tokens":            "open-value [redacted]s",
		"list-secret,map-secret":            "[redacted],[redacted]",
		url.QueryEscape(`q"uote\d/+&é`):     "[redacted]",
		url.PathEscape(`q"uote\d/+&é`):      "[redacted]",
		`{"k":"q\"uote\\d/+\u0026é"}`:       `{"k":"[redacted]"}`,
		fmt.Sprintf("%q", `q"uote\d/+&é`):   `"[redacted]"`,
		"deep-token deep-token deep-token.": "[redacted] [redacted] [redacted].",
	} {
		if got := r.redact(in); got != want {
			t.Errorf("redact(%q) = %q, want %q", in, got, want)
		}
	}
}

const testSecretSchema = `{"type":"object","properties":{
  "open":{"type":"string"},"token":{"type":"string","x-secret":true},
  "list":{"type":"array","items":{"type":"object","properties":{"key":{"type":"string","x-secret":true}}}},
  "any":{"type":"object","additionalProperties":{"type":"string","x-secret":true}}}}`
