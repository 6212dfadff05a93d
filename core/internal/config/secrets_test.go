package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestSecretsHaveNoLineEnds covers all sources of a secret.
func TestSecretsHaveNoLineEnds(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{
		"good": canary + "\r\n", "bom": "\ufeff" + canary, "lines": canary + "\nx\n", "first": "\n" + canary,
		"nul": canary + "\x00", "utf16": "\xff\xfec\x00a\x00",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	environ := append(slices.Clip(testEnviron), "LINE="+canary+"\n", "CR="+canary+"\r", "MARK=\ufeff"+canary)
	for _, tc := range []struct{ name, adapter, setting, want string }{
		{"good file", "", "${file:good}", ""},
		{"file with a mark", "", "${file:bom}", "file bom contains a byte order mark"},
		{"file with lines", "", "${file:lines}", "file lines contains a line end"},
		{"file with an empty line", "", "${file:first}", "file first contains a line end"},
		{"file with NUL", "", "${file:nul}", "file nul contains a control character"},
		{"file in UTF-16", "", "${file:utf16}", "file utf16 contains a control character"},
		{"variable with a line end", "", "${env:LINE}", "environment variable LINE contains a line end"},
		{"variable with a carriage return", "", "${env:CR}", "environment variable CR contains a line end"},
		{"variable with a mark", "", "x${env:MARK}", "environment variable MARK contains a byte order mark"},
		{"literal with a line end", "", "|\n        " + canary, "api_key: contains a line end"},
		{"literal with a mark", "", `"\ufeff` + canary + `"`, "api_key: contains a byte order mark"},
		{"variable of the plugin", `, env: ["TOKEN=${env:LINE}"]`, "x", "environment variable LINE contains a line end"},
		{"argument of the plugin", `, args: ["${file:bom}"]`, "x", "file bom contains a byte order mark"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			yaml := strings.Replace(settingsHead, "bin/bot", "bin/bot"+tc.adapter, 1) +
				"      base_url: http://x\n      api_key: " + tc.setting + "\n"
			c, err := Load(Options{Path: filepath.Join(dir, "m.yaml"), Data: []byte(yaml), Environ: environ})
			got := report(c, err)
			for _, p := range c.CheckSettings("faq", []byte(strings.Replace(testSchema, `, "pattern": "^[A-Za-z0-9-]+$"`, "", 1))) {
				got += p.String() + "\n"
			}
			if tc.want == "" && got != "ok\n" || !strings.Contains(got, tc.want) {
				t.Errorf("got %swant %s", got, tc.want)
			}
			if strings.Contains(got, canary) {
				t.Errorf("the output contains a secret: %s", got)
			}
		})
	}
	t.Run("PATCHBAY variable", func(t *testing.T) {
		got := report(Load(Options{Path: "m.yaml", Data: []byte(settingsHead + "      a: b\n"),
			Environ: []string{"PATCHBAY_CHANNELS__FAQ__OWNER=desk\n"}}))
		if !strings.Contains(got, "environment PATCHBAY_CHANNELS__FAQ__OWNER: channels.faq.owner: contains a line end") {
			t.Error(got)
		}
	})
}

func TestSecretsAreTheValuesOfReferences(t *testing.T) {
	c := load(t, strings.Replace(settingsHead, "bin/bot}", `"${env:FOLDER:-/opt/plugins}/bot", env: ["TOKEN=${env:SECRET}"], args: ["-p=${env:PORT}"]}`, 1)+`
      base_url: ${env:HOST:-https://127.0.0.1:8070}/x
      hook: ${env:HOOK:-https://x/hook/1}
      api_key: literal
      list: [{deep: "a-${env:SECRET_2}-${env:KEY:-fallback-key}"}]
`)
	got := c.Secrets()
	slices.Sort(got)
	want := []string{"8080", canary, "fallback-key", "https://x/hook/1", "x" + canary}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
