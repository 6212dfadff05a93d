package sdk

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	jsonv2 "github.com/go-json-experiment/json"
)

func TestSecretNeverPrintsItself(t *testing.T) {
	const value = "hunter2"
	s := NewSecret(value)
	inside := struct {
		Token  Secret
		hidden Secret
		list   []Secret
	}{s, s, []Secret{s}}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("m", "s", s, "p", &s, "in", inside)
	var text bytes.Buffer
	slog.New(slog.NewTextHandler(&text, nil)).Info("m", "s", s, "p", &s, "in", inside)
	std, err := json.Marshal(map[string]any{"s": s, "p": &s, "in": inside})
	if err != nil {
		t.Fatal(err)
	}
	v2, err := jsonv2.Marshal(map[string]any{"s": s, "p": &s})
	if err != nil {
		t.Fatal(err)
	}
	mt, err := s.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	for name, out := range map[string]string{
		"String": s.String(), "GoString": s.GoString(), "MarshalText": string(mt),
		"%v": fmt.Sprintf("%v", s), "%+v": fmt.Sprintf("%+v", inside), "%#v": fmt.Sprintf("%#v", inside),
		"%s": fmt.Sprintf("%s", s), "%q": fmt.Sprintf("%q", s), "%x": fmt.Sprintf("%x", s), "%d": fmt.Sprintf("%d", s),
		"pointer": fmt.Sprintf("%v %+v", &s, &inside), "error": fmt.Errorf("bad %v", s).Error(),
		"slog JSON": log.String(), "slog text": text.String(), "encoding/json": string(std), "json v2": string(v2),
	} {
		if strings.Contains(out, value) || strings.Contains(out, fmt.Sprintf("%x", value)) {
			t.Errorf("%s shows the secret: %s", name, out)
		}
	}
	for _, out := range []string{s.String(), string(mt), fmt.Sprintf("%x", s), string(v2)} {
		if !strings.Contains(out, "[redacted]") {
			t.Errorf("%q instead of [redacted]", out)
		}
	}
	if s.Reveal() != value {
		t.Error("Reveal does not return the value")
	}
}

func TestSecretFromJSON(t *testing.T) {
	var s Secret
	if err := json.Unmarshal([]byte(`"a\"b"`), &s); err != nil || s.Reveal() != `a"b` {
		t.Errorf("%q, %v", s.Reveal(), err)
	}
	err := json.Unmarshal([]byte(`12345`), &s)
	if err == nil || strings.Contains(err.Error(), "12345") {
		t.Errorf("a number: %v", err)
	}
}

func TestSecretsCompare(t *testing.T) {
	for _, tc := range []struct {
		a, b  string
		equal bool
	}{{"x", "x", true}, {"x", "y", false}, {"", "", true}, {"x", "", false}, {"x", "xx", false}} {
		if got := NewSecret(tc.a).Equal(NewSecret(tc.b)); got != tc.equal {
			t.Errorf("%q and %q: %v", tc.a, tc.b, got)
		}
	}
	if !(Secret{}).IsZero() || NewSecret("x").IsZero() {
		t.Error("IsZero is wrong")
	}
}
