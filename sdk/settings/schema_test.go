package settings_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"patchbay/sdk/settings"
)

// foreign is a schema with parts of JSON Schema that Of does not generate.
const foreign = `{
  "type": "object", "required": ["url"],
  "$defs": {
    "key": {"type": "string", "x-secret": true},
    "alias": {"$ref": "#/$defs/key"},
    "tree": {"type": "object", "properties": {"leaf": {"type": ["string", "null"], "default": "x"}, "below": {"$ref": "#/$defs/tree"}}}
  },
  "properties": {
    "url": {"type": "string", "x-vendor-address": true},
    "key": {"$ref": "#/$defs/alias"},
    "keys": {"type": "array", "items": {"$ref": "#/$defs/key"}},
    "named": {"type": "object", "additionalProperties": {"$ref": "#/$defs/key"}},
    "open": {"type": "object", "additionalProperties": true},
    "ratio": {"type": "number", "minimum": 0.5, "default": 1e3},
    "other": {"$ref": "https://example.com/other.json"},
    "tree": {"$ref": "#/$defs/tree"},
    "verify": {"type": "object", "required": ["secret"], "properties": {"secret": {"type": "string"}, "window": {"type": "string", "default": "1m"}}}
  }
}`

func parse(t *testing.T, text string) *settings.Schema {
	t.Helper()
	s, err := settings.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestParseResolvesReferences(t *testing.T) {
	s := parse(t, foreign)
	for _, path := range []string{"key", "keys 3", "named anything"} {
		if got := s.At(strings.Fields(path)...); got == nil || !got.Secret {
			t.Errorf("%s = %+v, want a secret", path, got)
		}
	}
	if got := s.At("tree", "below", "below", "leaf"); !got.Has("null") || !got.Has("string") {
		t.Errorf("leaf = %+v", got)
	}
	if got := s.At("other"); got.Ref == "" {
		t.Errorf("a reference to another document is gone: %+v", got)
	}
	for _, path := range []string{"none", "open anything", "url deeper", "none deeper still"} {
		if got := s.At(strings.Fields(path)...); got != nil {
			t.Errorf("%s = %+v, want nothing", path, got)
		}
	}
}

func TestParseRefusesOtherDocuments(t *testing.T) {
	for _, text := range []string{"", "{", "[]", `{"type": 5}`, `{"properties": []}`, `{"properties": {"a": 1}}`,
		`{"properties": {"a": {"properties": {"b": []}}}}`, `{"additionalProperties": 1}`} {
		if s, err := settings.Parse([]byte(text)); err == nil {
			t.Errorf("%q = %+v", text, s)
		}
	}
}

func TestParseReadsWhatTextWrites(t *testing.T) {
	want := string(schemaText(t))
	got, err := parse(t, want).Text()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAllVisitsParentsFirstAndEnds(t *testing.T) {
	var names, required []string
	for p := range parse(t, foreign).All() {
		if strings.HasPrefix(p.Name(), "tree.below.below") {
			continue
		}
		names = append(names, p.Name())
		if p.Required {
			required = append(required, p.Name())
		}
	}
	want := []string{"url", "key", "keys", "named", "open", "ratio", "other", "tree", "tree.leaf", "tree.below", "tree.below.leaf", "verify",
		"verify.secret", "verify.window"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"url", "verify.secret"}, required); diff != "" {
		t.Errorf("required (-want +got):\n%s", diff)
	}
	for range parse(t, foreign).All() {
		break
	}
}

func TestAddDefaultsCompletesObjects(t *testing.T) {
	s := parse(t, strings.ReplaceAll(foreign, `"below": {"$ref": "#/$defs/tree"}`, `"below": {"type": "string"}`))
	for _, tc := range []struct{ name, in, want string }{
		{"nothing given", `{}`, `{"ratio":1e3,"tree":{"leaf":"x"}}`},
		{"an object begun", `{"verify":{"secret":"s"},"ratio":2}`, `{"ratio":2,"tree":{"leaf":"x"},"verify":{"secret":"s","window":"1m"}}`},
		{"a value of another type", `{"tree":[],"verify":"x","ratio":null}`, `{"ratio":null,"tree":[],"verify":"x"}`},
	} {
		if got := addDefaults(t, s, tc.in); got != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
		}
	}
	if got := addDefaults(t, parse(t, foreign), "{}"); !strings.Contains(got, `"below":{"below"`) {
		t.Errorf("a schema that contains itself: %s", got)
	}
}

func addDefaults(t *testing.T, s *settings.Schema, object string) string {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(object))
	dec.UseNumber()
	var values map[string]any
	if err := dec.Decode(&values); err != nil {
		t.Fatal(err)
	}
	s.AddDefaults(values)
	out, err := json.Marshal(values)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
