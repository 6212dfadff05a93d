package validate_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"patchbay/sdk/settings/validate"
)

const schema = `{
  "type": "object", "additionalProperties": false, "required": ["url"],
  "properties": {
    "url": {"type": "string", "description": "address of the API", "maxLength": 4, "minLength": 1},
    "kind": {"const": "a"},
    "day": {"type": "string", "pattern": "^[0-9]+$"},
    "wait": {"type": "string", "pattern": "^[0-9]+s$", "x-duration": true},
    "mode": {"enum": ["a", 1]},
    "port": {"type": ["integer", "string"], "minimum": 1, "maximum": 2},
    "names": {"type": "array", "minItems": 1, "maxItems": 2, "items": {"type": "string"}},
    "verify": {"type": "object", "additionalProperties": false, "required": ["key"], "properties": {"key": {"type": "string"}}},
    "odd": {"not": {}}
  }
}`

func TestViolations(t *testing.T) {
	v, err := validate.Compile([]byte(schema))
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name   string
		values map[string]any
		want   []string
	}{
		{"valid", map[string]any{"url": "x", "port": 1, "names": []any{"a"}, "verify": map[string]any{"key": "k"}}, nil},
		{"missing", map[string]any{}, []string{"url missing; it is: address of the API"}},
		{"missing below", map[string]any{"url": "x", "verify": map[string]any{}}, []string{"verify.key missing"}},
		{"unknown below", map[string]any{"url": "x", "verify": map[string]any{"key": "k", "kye": "k"}},
			[]string{"verify.kye unknown setting [key]"}},
		{"null", map[string]any{"url": nil}, []string{"url is empty; give it a value or leave it out"}},
		{"type", map[string]any{"url": 5}, []string{"url must be a text, not a number"}},
		{"types", map[string]any{"url": "x", "port": true}, []string{"port must be a whole number or a text, not true or false"}},
		{"item", map[string]any{"url": "x", "names": []any{"a", 1}}, []string{"names.1 must be a text, not a number"}},
		{"too short", map[string]any{"url": ""}, []string{"url must have at least 1 characters"}},
		{"too long", map[string]any{"url": "12345"}, []string{"url must have at most 4 characters"}},
		{"too small", map[string]any{"url": "x", "port": 0}, []string{"port must be at least 1"}},
		{"too large", map[string]any{"url": "x", "port": 3}, []string{"port must be at most 2"}},
		{"too few", map[string]any{"url": "x", "names": []any{}}, []string{"names must have at least 1 entries"}},
		{"too many", map[string]any{"url": "x", "names": []any{"a", "b", "c"}}, []string{"names must have at most 2 entries"}},
		{"constant", map[string]any{"url": "x", "kind": "b"}, []string{"kind must be a"}},
		{"enum", map[string]any{"url": "x", "mode": "s3cret"}, []string{"mode must be one of a, 1"}},
		{"pattern", map[string]any{"url": "x", "day": "s3cret"}, []string{"day does not match the pattern ^[0-9]+$"}},
		{"duration", map[string]any{"url": "x", "wait": "s3cret"},
			[]string{"wait is not a duration; write a number with a unit, such as 30s, 15m or 72h"}},
		{"another rule", map[string]any{"url": "x", "odd": 1}, []string{"odd does not match the adapter's schema"}},
		{"no JSON", map[string]any{"url": func() {}}, []string{" is not JSON"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got []string
			for _, violation := range v.Violations(tc.values) {
				line := violation.Name() + " " + violation.Message
				if violation.Reason == validate.Unknown {
					line += fmt.Sprint(" ", violation.Known)
				}
				got = append(got, line)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestCompileRefusesBadSchemas(t *testing.T) {
	for _, text := range []string{"", "{", `{"type": 5}`, `{"type": "nothing"}`, `{"$ref": "http://example.com/other.json"}`} {
		if _, err := validate.Compile([]byte(text)); err == nil {
			t.Errorf("%q compiles", text)
		}
	}
}
