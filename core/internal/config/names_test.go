package config

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"patchbay/core/internal/route"
)

func TestUndeclaredNamesHaveTheirPositions(t *testing.T) {
	c := load(t, `
adapters: {native: {command: bin/native}}
channels: {web: {adapter: native, role: customer, owner: faq}, faq: {adapter: native, role: bot}}
routes:
  - name: gold
    when: |
      text == "a" &&
        attr("teir") == "gold"
    set: {tier: gold}
    say:
      default: >-
        Hello
        {{attr "nmae"}}
      de: Hallo
`)
	want := []string{
		`testdata/memory.yaml:8:14: routes[0].when: no rule sets the attribute teir, and no adapter in use declares it; ` +
			`its value is always "" (did you mean "tier"?) [unknown-attribute]`,
		`testdata/memory.yaml:13:9: routes[0].say.default: no rule sets the attribute nmae, and no adapter in use declares ` +
			`it; its value is always "" (did you mean "name"?) [unknown-attribute]`,
	}
	var got []string
	for _, p := range c.CheckNames(route.Declared{Attributes: map[string]string{"name": "the name"}}) {
		got = append(got, p.String())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
