package config

import (
	"fmt"
	"strings"
	"testing"
)

func TestEffectiveValuesHaveTheirSource(t *testing.T) {
	const file = `
listen: ${env:PORT}
adapters: {native: {command: "${env:SECRET}", args: [--key, s3cret, "${file:x}"], env: ["A=s3cret"]}}
conversations: {owner: faq, close_after: 48h}
channels:
  web:
    adapter: native
    role: customer
    allow: [10.0.0.0/8]
    settings: {token: s3cret, url: "https://x", secret: "${env:SECRET:-s3cret}", more: {deep: s3cret}}
  faq: {adapter: native, role: bot, settings: {url: y}}
  other: {adapter: unknown, role: bot, settings: {url: s3cret}}
routes: [{name: a, say: Hello}]
`
	schema := `{"properties": {"token": {"type": "string", "x-secret": true}, "url": {"type": "string"}, "secret": {"type": "string"},
		"retries": {"type": "integer", "default": 3}}}`
	c, _ := Load(Options{Path: "m.yaml", Data: []byte(file), NoSecrets: true,
		Environ: append(testEnviron, "PATCHBAY_LOG__LEVEL=debug")})
	var lines []string
	for _, e := range c.Effective(map[string][]byte{"native": []byte(schema)}) {
		lines = append(lines, fmt.Sprintf("%s = %s (%s %s)", e.Key, e.Value, e.Source, e.Place))
	}
	got := strings.Join(lines, "\n") + "\n"
	if strings.Contains(got, "s3cret") || strings.Contains(got, canary) {
		t.Errorf("a secret in\n%s", got)
	}
	compareGolden(t, "testdata/effective.golden", got)
}
