package config

import (
	"encoding/json"
	"fmt"
	"patchbay/sdk/settings"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const testSchema = `{
  "$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "additionalProperties": false,
  "required": ["base_url", "api_key"],
  "properties": {
    "base_url": {"type": "string", "x-vendor-address": true, "description": "address of the API"},
    "api_key": {"type": "string", "x-secret": true, "pattern": "^[A-Za-z0-9-]+$"},
    "phone": {"type": "string"},
    "port": {"type": "integer", "minimum": 1},
    "strict": {"type": "boolean", "default": true},
    "window": {"type": "string", "pattern": "^([0-9]+(ns|us|ms|s|m|h))+$", "x-duration": true, "default": "5m"},
    "mode": {"type": "string", "enum": ["signature", "bearer"], "default": "signature"},
    "names": {"type": "array", "items": {"type": "string"}},
    "labels": {"type": "object", "additionalProperties": {"type": "string"}},
    "verify": {"type": "object", "additionalProperties": false, "required": ["secret"],
      "properties": {"secret": {"type": "string", "x-secret": true}, "window": {"type": "string", "default": "1m"}}},
    "retry": {"type": "object", "additionalProperties": false, "properties": {"times": {"type": "integer", "default": 3}}}
  }
}`

const settingsHead = `
adapters: {bot: {command: bin/bot}}
channels:
  faq:
    adapter: bot
    role: bot
    settings:
`

func TestCheckSettings(t *testing.T) {
	for _, tc := range []struct {
		name, yaml string
		want       []string
	}{
		{"good", "      base_url: http://x\n      api_key: ${env:SECRET}\n      port: 80\n", nil},
		{"missing", "      phone: +1\n", []string{
			"m.yaml:7:5: channels.faq.settings.api_key: missing [missing-setting]",
			"m.yaml:7:5: channels.faq.settings.base_url: missing; it is: address of the API [missing-setting]"}},
		{"unknown keys", "      base_url: x\n      api_key: y\n      base_ulr: z\n      verify: {secret: a, secrt: b}\n", []string{
			"m.yaml:10:7: channels.faq.settings.base_ulr: unknown setting (did you mean \"base_url\"?) [unknown-setting]",
			"m.yaml:11:27: channels.faq.settings.verify.secrt: unknown setting (did you mean \"secret\"?) [unknown-setting]"}},
		{"secret of the wrong form", "      base_url: x\n      api_key: ${env:SECRET}_!\n", []string{
			"m.yaml:9:16: channels.faq.settings.api_key: does not match the pattern ^[A-Za-z0-9-]+$ [invalid-setting]"}},
		{"secret of the wrong type", "      base_url: x\n      api_key: [" + canary + "]\n", []string{
			"m.yaml:9:7: channels.faq.settings.api_key: must be a text, not a list [invalid-setting]"}},
		{"types", "      base_url: x\n      api_key: y\n      port: eighty\n      strict: \"true\"\n      names: one\n      mode: beerer\n      window: soon\n", []string{
			"m.yaml:10:13: channels.faq.settings.port: must be a whole number, not a text [invalid-setting]",
			"m.yaml:11:15: channels.faq.settings.strict: must be true or false, not a text [invalid-setting]",
			"m.yaml:12:14: channels.faq.settings.names: must be a list, not a text [invalid-setting]",
			"m.yaml:13:13: channels.faq.settings.mode: must be one of signature, bearer [invalid-setting]",
			"m.yaml:14:15: channels.faq.settings.window: is not a duration; write a number with a unit, such as 30s, 15m or 72h [invalid-setting]"}},
		{"numbers for texts", "      base_url: 7\n      api_key: 12345678\n      phone: 3.5\n      names: [true, -1]\n      labels: {a: 1}\n" +
			"      verify: {secret: 0}\n", []string{
			"m.yaml:8:17: channels.faq.settings.base_url: must be a text, not a number; write it in quotes [invalid-setting]",
			"m.yaml:9:16: channels.faq.settings.api_key: must be a text, not a number; write it in quotes [invalid-setting]",
			"m.yaml:10:14: channels.faq.settings.phone: must be a text, not a number; write it in quotes [invalid-setting]",
			"m.yaml:11:15: channels.faq.settings.names[0]: must be a text, not true or false; write it in quotes [invalid-setting]",
			"m.yaml:11:21: channels.faq.settings.names[1]: must be a text, not a number; write it in quotes [invalid-setting]",
			"m.yaml:12:19: channels.faq.settings.labels.a: must be a text, not a number; write it in quotes [invalid-setting]",
			"m.yaml:13:24: channels.faq.settings.verify.secret: must be a text, not a number; write it in quotes [invalid-setting]"}},
		{"texts that look like numbers", "      base_url: \"7\"\n      api_key: ${env:PORT}\n      phone: 0041771234567\n      names: [0x10, 1_000, v1.0, 2026-01-01]\n", nil},
		{"in a list", "      base_url: x\n      api_key: y\n      names: [a, [b]]\n", []string{
			"m.yaml:10:18: channels.faq.settings.names[1]: must be a text, not a list [invalid-setting]"}},
		{"range", "      base_url: x\n      api_key: y\n      port: 0\n", []string{
			"m.yaml:10:13: channels.faq.settings.port: must be at least 1 [invalid-setting]"}},
		{"empty", "      base_url:\n      api_key: y\n", []string{
			"m.yaml:8:7: channels.faq.settings.base_url: is empty; give it a value or leave it out [invalid-setting]"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, err := Load(Options{Path: "m.yaml", Data: []byte(settingsHead + tc.yaml), Environ: testEnviron})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, p := range c.CheckSettings("faq", []byte(testSchema)) {
				got = append(got, p.String())
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if strings.Contains(strings.Join(got, ""), canary) {
				t.Error("the output contains a secret")
			}
		})
	}
}

func TestCheckSettingsWithBadSchema(t *testing.T) {
	c := load(t, settingsHead+"      a: b\n")
	for _, s := range []string{"", "{", `{"type": 5}`, `{"$ref": "http://example.com/other.json"}`, `{"type": "nothing"}`} {
		if got := c.CheckSettings("faq", []byte(s)); len(got) != 1 {
			t.Errorf("schema %q: %v", s, got)
		}
	}
	if got := c.CheckSettings("none", []byte("{}")); len(got) != 1 {
		t.Errorf("unknown channel: %v", got)
	}
}

func TestCompleteSettings(t *testing.T) {
	c := load(t, settingsHead+`      base_url: ${env:HOST:-http://127.0.0.1}:${env:PORT}/x
      api_key: ${env:SECRET}
      phone: 0041771234567
      port: ${env:PORT}
      names: [1e3, 0x10, yes, 007, "${env:SECRET_2}"]
      labels: {a: 1_000, b: true}
      retry:
`)
	got, err := c.CompleteSettings("faq", []byte(testSchema))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"api_key":"canary-7Yd2","base_url":"http://127.0.0.1:8080/x","labels":{"a":"1_000","b":"true"},"mode":"signature",` +
		`"names":["1e3","0x10","yes","007","xcanary-7Yd2"],"phone":"0041771234567","port":8080,"retry":{"times":3},"strict":true,"window":"5m"}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("complete (-want +got)\n%s", diff)
	}
	got, err = redactedSettings(c, "faq")
	if err != nil {
		t.Fatal(err)
	}
	want = `{"api_key":"${env:SECRET}","base_url":"${env:HOST:-…}:${env:PORT}/x","labels":{"a":"1_000","b":"true"},"mode":"signature",` +
		`"names":["1e3","0x10","yes","007","${env:SECRET_2}"],"phone":"0041771234567","port":"${env:PORT}","retry":{"times":3},"strict":true,"window":"5m"}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("redacted (-want +got)\n%s", diff)
	}
	// Without a schema, leading zeros are also kept.
	want = `{"api_key":"canary-7Yd2","base_url":"http://127.0.0.1:8080/x","labels":{"a":"1_000","b":true},` +
		`"names":["1e3","0x10","yes","007","xcanary-7Yd2"],"phone":"0041771234567","port":"8080","retry":null}`
	ch, _ := c.Channel("faq")
	if diff := cmp.Diff(want, strings.Replace(string(ch.Settings.JSON()), `1e3,`, `"1e3",`, 1)); diff != "" {
		t.Errorf("without schema (-want +got)\n%s", diff)
	}
}

func TestFormattingShowsNoSecrets(t *testing.T) {
	c := load(t, strings.Replace(settingsHead, "{command: bin/bot}", `{command: bin/bot, env: ["TOKEN=${env:SECRET}"]}`, 1)+
		"      api_key: ${env:SECRET}\n      literal: "+canary+"\n      list: [{deep: \"x-${env:SECRET}\"}]\n")
	ch, _ := c.Channel("faq")
	type holder struct{ ch Channel }
	for _, v := range []any{c, *c, ch, *ch, ch.Settings, &ch.Settings, c.Adapters, c.Channels, c.Adapters["bot"], holder{*ch}} {
		out := fmt.Sprintf("%v %+v %#v %s %q %x", v, v, v, v, v, v)
		b, err := json.Marshal(v)
		if err != nil {
			t.Errorf("%T: %v", v, err)
		}
		if hex := fmt.Sprintf("%x", canary); strings.Contains(out+string(b), canary) || strings.Contains(out, hex) {
			t.Errorf("%T prints a secret:\n%s\n%s", v, out, b)
		}
	}
	if got := string(ch.Settings.Redacted()); got != `{"api_key":"${env:SECRET}","list":[{"deep":"x-${env:SECRET}"}],"literal":"[redacted]"}` {
		t.Errorf("redacted: %s", got)
	}
	if got := c.Adapters["bot"].Env[0]; got != "TOKEN="+canary {
		t.Errorf("the plugin gets %q", got)
	}
}

// redactedSettings returns a channel's settings as `patchbay config show` shows them.
func redactedSettings(c *Config, channel string) ([]byte, error) {
	schema, err := settings.Parse([]byte(testSchema))
	if err != nil {
		return nil, err
	}
	out, err := c.complete(channel, schema, true)
	return marshal(out), err
}
