package config

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestUnknownValuesFitTheSchema(t *testing.T) {
	const file = `
      base_url: ${env:NONE}
      port: ${env:NONE}
      strict: ${env:NONE}
      window: ${env:NONE}
      mode: ${env:NONE}
      phone: ${env:NONE}
      api_key: ${env:ABSENT}
`
	c, err := Load(Options{Path: "m.yaml", Data: []byte(settingsHead + file), Environ: testEnviron, NoSecrets: true})
	if err != nil {
		t.Fatal(err)
	}
	if problems := c.CheckSettings("faq", []byte(testSchema)); len(problems) > 0 {
		t.Errorf("problems of unknown values: %v", problems)
	}
	complete, err := c.CompleteSettings("faq", []byte(testSchema))
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(complete, &got); err != nil {
		t.Fatal(err)
	}
	if phone, key := got["phone"], got["api_key"]; phone == key || len(fmt.Sprint(phone)) != placeholderLength {
		t.Errorf("placeholders %q and %q, want different ones for different references", phone, key)
	}
	delete(got, "phone")
	delete(got, "api_key")
	want := map[string]any{
		"base_url": "https://unset.invalid", "port": 1.0, "strict": true, "window": "1s", "mode": "signature",
		"retry": map[string]any{"times": 3.0},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("values (-want +got)\n%s", diff)
	}
}
