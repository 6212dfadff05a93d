package config

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"patchbay/core/internal/finding"
	"patchbay/core/internal/state"
)

var update = flag.Bool("update", false, "write the golden files")

// canary is a part of each secret in the test data. No output may contain it.
const canary = "canary-7Yd2"

var testEnviron = []string{"SECRET=" + canary, "SECRET_2=x" + canary, "PORT=8080", "EMPTY=", "TIMEOUT=soon-" + canary}

// report returns the output of a check.
func report(c *Config, err error) string {
	var b strings.Builder
	write := func(prefix string, list []Problem) {
		for _, p := range list {
			if p.Code == "" || p.Code.IsWarning() != (prefix != "") {
				panic("no code, or one of another severity: " + p.String())
			}
			fmt.Fprintf(&b, "%s%s\n", prefix, p)
			if p.Excerpt.Line != "" {
				fmt.Fprintf(&b, "    %s\n    %s\n", p.Excerpt.Line, p.Excerpt.Marker())
			}
		}
	}
	if problems, ok := errors.AsType[*Problems](err); ok {
		write("", problems.List)
		return b.String()
	}
	b.WriteString("ok\n")
	write("warning: ", c.Warnings)
	return b.String()
}

func TestFilesHaveTheProblemsOfTheirGoldenFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) < 10 {
		t.Fatalf("test data: %v, %v", files, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			environ := testEnviron
			if extra, err := os.ReadFile(strings.TrimSuffix(file, ".yaml") + ".env"); err == nil {
				environ = append(slices.Clip(environ), strings.Fields(string(extra))...)
			}
			got := report(Load(Options{Path: file, Environ: environ}))
			got = strings.ReplaceAll(got, filepath.Dir(file)+"/", "")
			if strings.Contains(got, canary) {
				t.Errorf("the output contains a secret:\n%s", got)
			}
			compareGolden(t, strings.TrimSuffix(file, ".yaml")+".golden", got)
		})
	}
}

func compareGolden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got)\n%s", file, diff)
	}
}

func load(t *testing.T, yaml string, environ ...string) *Config {
	t.Helper()
	c, err := Load(Options{Path: "testdata/memory.yaml", Data: []byte(yaml), Environ: append(environ, testEnviron...)})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestMissingFile(t *testing.T) {
	_, err := Load(Options{Path: "testdata/none.yaml", Environ: testEnviron})
	p, ok := errors.AsType[*Problems](err)
	if !ok || len(p.List) != 1 || p.Error() != "testdata/none.yaml: cannot be read: no such file or directory; use --config or PATCHBAY_CONFIG to name another file [file-unreadable]" {
		t.Errorf("error = %v", err)
	}
}

func FuzzLoad(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.yaml")
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte("a: &a [*a]"))
	f.Add([]byte("? {a: b}\n: c"))
	f.Add([]byte("<<: [{a: b}, 1]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Load(Options{Path: "testdata/fuzz.yaml", Data: data, Environ: testEnviron})
		for i := 0; c != nil && i < len(c.Channels); i++ {
			name := c.Channels[i].Name
			if got := c.Usable(name); err == nil && got != UsableChannel {
				t.Errorf("a configuration loads with the unusable channel %q: %d", name, got)
			}
			c.CheckSettings(name, []byte(testSchema))
			if _, err := redactedSettings(c, name); err != nil {
				t.Error(err)
			}
		}
		if err == nil {
			return
		}
		p, ok := errors.AsType[*Problems](err)
		if !ok || len(p.List) == 0 {
			t.Fatalf("an error without problems: %v", err)
		}
		if strings.Contains(err.Error(), canary) && !strings.Contains(string(data), canary) {
			t.Errorf("the output contains a secret: %v", err)
		}
	})
}

func TestEveryFormOfTheFileIsLoaded(t *testing.T) {
	c, err := Load(Options{Path: "testdata/good.yaml", Environ: append(slices.Clip(testEnviron),
		"PATCHBAY_STORE__DIR=other", "PATCHBAY_CHANNELS__WEB__DELIVERY__CONCURRENCY=9", "PATCHBAY_LOG__FORMAT=text")})
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	compareGolden(t, "testdata/good.json", string(b)+"\n")
	web, _ := c.Channel("web")
	if got := string(web.Settings.JSON()); got != `{"account":"0041771234567","token":"`+canary+`"}` {
		t.Errorf("settings = %s", got)
	}
	if c.Table == nil || c.Table.Rules() != 4 {
		t.Errorf("table = %+v", c.Table)
	}
}

func TestDefaults(t *testing.T) {
	c := load(t, "adapters: {native: {command: bin/native}}\nchannels: {faq: {adapter: native, role: bot}}\n")
	b, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	compareGolden(t, "testdata/defaults.json", string(b)+"\n")
}

func TestHistoryIsLimitedToThatOfConversations(t *testing.T) {
	for n, fits := range map[int]bool{0: true, state.MaxHistory: true, state.MaxHistory + 1: false} {
		c, err := Load(Options{Path: "m.yaml", Environ: testEnviron, Data: fmt.Appendf(nil,
			"conversations: {history: %d}\nadapters: {bot: {command: bin/bot}}\nchannels: {faq: {adapter: bot, role: bot}}\n", n)})
		if fits != (err == nil) || fits && c.Conversations.History != n {
			t.Errorf("history %d: %v", n, err)
		}
	}
}

func TestSettingsHaveTheirPosition(t *testing.T) {
	c, err := Load(Options{Path: "testdata/good.yaml", Environ: append(slices.Clip(testEnviron), "PATCHBAY_LISTEN=:1")})
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ path, want string }{
		{"channels web settings account", "good.yaml:18:54"},
		{"channels web settings", "good.yaml:18:5"},
		{"channels web settings verify mode", "good.yaml:18:5"},
		{"channels web", "good.yaml:11:3"},
		{"channels app settings account", "good.yaml:18:54"},
		{"routes 1 say", "good.yaml:42:10"},
		{"routes 0 event 1", "good.yaml:32:22"},
		{"routes 9", "good.yaml:30:1"},
		{"nothing", "good.yaml:1:1"},
		{"listen", "environment PATCHBAY_LISTEN"},
	} {
		if got := c.root.find(strings.Fields(tc.path)...).place().String(); got != strings.Replace(tc.want, "good", "testdata/good", 1) {
			t.Errorf("%s is at %s, want %s", tc.path, got, tc.want)
		}
	}
}

func TestProblemsOfAdaptersHavePositions(t *testing.T) {
	c := load(t, settingsHead+"      names: [a, b]\n      verify: {key: x}\n")
	for _, tc := range []struct{ setting, want string }{
		{"names[1]", "testdata/memory.yaml:8:18: channels.faq.settings.names[1]: is wrong [invalid-setting]"},
		{"verify.key", "testdata/memory.yaml:9:21: channels.faq.settings.verify.key: is wrong [invalid-setting]"},
		{"verify.mode", "testdata/memory.yaml:9:7: channels.faq.settings.verify.mode: is wrong [invalid-setting]"},
		{"", "testdata/memory.yaml:7:5: channels.faq.settings: is wrong [invalid-setting]"},
	} {
		if got := c.SettingProblem(finding.InvalidSetting, "faq", tc.setting, "is wrong").String(); got != tc.want {
			t.Errorf("got %s, want %s", got, tc.want)
		}
	}
}

func TestShippedConfigurationLoads(t *testing.T) {
	const file = "../../../config.yaml"
	c, err := Load(Options{Path: file, Environ: []string{"HOME=/"}})
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Warnings) > 0 {
		t.Errorf("warnings: %v", c.Warnings)
	}
	if got := c.Adapters["aicc"].Command; got != "../../../bin/aicc" {
		t.Errorf("command = %s", got)
	}
	var names []string
	for _, ch := range c.Channels {
		names = append(names, ch.Name+" "+string(ch.Role)+" "+ch.Owner)
	}
	if diff := cmp.Diff([]string{"livechat customer faq", "faq bot ", "desk agent "}, names); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	desk, _ := c.Channel("desk")
	var settings struct {
		Verify struct {
			SecretKey string `json:"secret_key"`
		}
		TokenURL string `json:"token_url"`
	}
	if err := json.Unmarshal(desk.Settings.JSON(), &settings); err != nil {
		t.Fatal(err)
	}
	if n := len(settings.Verify.SecretKey); n != 43 {
		t.Errorf("the push key has %d characters, AICC's have 43", n)
	}
	if want := "http://127.0.0.1:8070/aicc/apigovernance/api/oauth/tokenByAkSk"; settings.TokenURL != want {
		t.Errorf("token_url = %s", settings.TokenURL)
	}
}

func TestByteSize(t *testing.T) {
	for _, tc := range []struct {
		text string
		want ByteSize
		form string
	}{
		{"512MiB", 512 << 20, "512MiB"}, {"8 GiB", 8 << 30, "8GiB"}, {"1000", 1000, "1000B"}, {"1kB", 1000, "1000B"},
		{"2048", 2048, "2KiB"}, {"0", 0, "0B"}, {"5B", 5, "5B"},
	} {
		got, err := ParseByteSize(tc.text)
		if err != nil || got != tc.want || got.String() != tc.form {
			t.Errorf("%s = %d (%s), %v", tc.text, got, got, err)
		}
	}
	for _, bad := range []string{"", "-1", "+1", "1.5GiB", "GiB", "9999999999GiB", "1gb", "0x10"} {
		if got, err := ParseByteSize(bad); err == nil {
			t.Errorf("%q = %d", bad, got)
		}
	}
}
