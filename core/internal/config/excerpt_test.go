package config

import (
	"errors"
	"strings"
	"testing"
)

// excerpts returns the lines and carets of the problems in a file.
func excerpts(t *testing.T, yaml string) string {
	t.Helper()
	_, err := Load(Options{Path: "m.yaml", Data: []byte(yaml), Environ: testEnviron})
	problems, ok := errors.AsType[*Problems](err)
	if !ok {
		t.Fatalf("error = %v", err)
	}
	var out []string
	for _, p := range problems.List {
		if strings.HasSuffix(p.Message, "missing; name at least one channel") || p.Path == "channels" || p.Path == "adapters" {
			continue
		}
		out = append(out, p.Excerpt.Line, p.Excerpt.Marker())
	}
	return strings.Join(out, "\n")
}

func TestExcerptsHideValuesThatCanBeSecrets(t *testing.T) {
	for _, tc := range []struct{ name, yaml, want string }{
		{"plain", "listen: 80\n", "listen: 80\n        ^"},
		{"wide characters", "routes: [{name: a, say: 客服, x: 1}]\n", "routes: [{name: a, say: 客服, x: 1}]\n                              ^"},
		{"values in the line", "adapters: {a: {command: b, args: [s3cret, \"s3 cret\"], c: d}}\n",
			"adapters: {a: {command: b, args: [***, ***], c: d}}\n                                             ^"},
		{"a value that is a reference", "adapters: {a: {command: b, env: ['A=${env:SECRET}'], c: d}}\n",
			"adapters: {a: {command: b, env: [A=${env:SECRET}], c: d}}\n                                                   ^"},
		{"the end of a value of several lines",
			"adapters: {a: {command: b, args: [\"first s3cret\n  second s3cret\"], c: d}}\n",
			"***], c: d}}\n      ^"},
		{"an anchor", "x: &x s3cret\nadapters: {a: {command: b, args: [*x]}}\n", "x: ***\n^"},
		{"no YAML", "channels:\n  a:\n    settings:\n      key: s3cret: x\n", "key: ******: *\n           ^"},
		{"no YAML elsewhere", "listen: a: b\n", "listen: a: b\n         ^"},
		{"a long line", "listen: " + strings.Repeat("x", 200) + "\n", "listen: " + strings.Repeat("x", 91) + "…\n        ^"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := excerpts(t, tc.yaml)
			if !strings.HasPrefix(got, tc.want) {
				t.Errorf("excerpt\n%s\nwant\n%s", got, tc.want)
			}
			if strings.Contains(got, "s3") {
				t.Errorf("a secret in\n%s", got)
			}
		})
	}
}

func TestUnknownValuesOfReferencesAreNoProblems(t *testing.T) {
	const yaml = `
listen: ${env:NONE}
conversations: {owner: "${env:NONE}"}
adapters: {x: {command: "${env:NONE}/x", env: ["A=${env:NONE}"], args: ["${file:none}"]}, y: {command: y, env: ["A=${env:NONE}"]}}
channels:
  faq: {adapter: y, role: bot, settings: {key: "${env:NONE}", url: "${env:NONE}/x", more: {deep: "${file:none}"}}}
  web: {adapter: y, role: customer, path: "${env:NONE}"}
`
	c, err := Load(Options{Path: "m.yaml", Data: []byte(yaml), Environ: testEnviron, NoSecrets: true})
	if err != nil {
		t.Fatal(err)
	}
	if c.Usable("faq") != UsableChannel || c.Usable("web") != UsableSettings || c.UsableAdapter("x") {
		t.Errorf("usable: faq %v, web %v, adapter x %v", c.Usable("faq"), c.Usable("web"), c.UsableAdapter("x"))
	}
	if len(c.Adapters["y"].Env) != 0 {
		t.Errorf("environment = %v", c.Adapters["y"].Env)
	}
	schema := `{"type": "object", "properties": {"key": {"type": "integer"}, "url": {"type": "string", "pattern": "^https://"},
		"more": {"type": "object", "properties": {"deep": {"type": "string", "minLength": 100}}}}}`
	if problems := c.CheckSettings("faq", []byte(schema)); len(problems) > 0 {
		t.Errorf("problems = %v", problems)
	}
	for setting, want := range map[string]bool{"key": true, "more": true, "more.deep": true, "": true, "none": false} {
		if got := c.IsUnset("faq", setting); got != want {
			t.Errorf("%q: unset %v", setting, got)
		}
	}
	bad := strings.Replace(yaml, "role: bot", "role: bott", 1)
	if _, err := Load(Options{Path: "m.yaml", Data: []byte(bad), Environ: testEnviron, NoSecrets: true}); err == nil {
		t.Error("a mistake is not found")
	}
}
