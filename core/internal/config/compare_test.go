package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const comparedFile = `
listen: 127.0.0.1:8080
store: {dir: ./data, cap: 1GiB}
adapters: {native: {command: bin/native}, bot: {command: bin/bot, args: ["${env:KEY}"]}, extra: {command: bin/x}}
channels:
  web: {adapter: native, role: customer, owner: faq, settings: {a: 1, b: [x, y]}}
  faq: {adapter: bot, role: bot, settings: {key: "${env:KEY}"}}
conversations: {history: 20}
routes:
  - {name: one, when: text == "1", say: Hello}
  - {name: two, when: text == "2", drop: true}
`

func loadReplaced(t *testing.T, key string, replace ...string) *Config {
	t.Helper()
	text := strings.NewReplacer(replace...).Replace(comparedFile)
	c, err := Load(Options{Path: "c.yaml", Data: []byte(text), Environ: []string{"KEY=" + key}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestChanges(t *testing.T) {
	base := loadReplaced(t, "key-one")
	for name, tt := range map[string]struct {
		key     string
		replace []string
		want    Changes
	}{
		"nothing, another layout": {"key-one", []string{`{a: 1, b: [x, y]}`, `{b: ["x", y], a: 1}`}, Changes{}},
		"a secret": {"key-two", nil, Changes{
			Adapters: Difference{Changed: []string{"bot"}}, Channels: Difference{Changed: []string{"faq"}},
		}},
		"entries": {"key-one", []string{"extra: {", "more: {", "name: one", "name: three", `drop: true`, `drop: true, event: message`}, Changes{
			Adapters: Difference{Added: []string{"more"}, Removed: []string{"extra"}},
			Routes:   Difference{Added: []string{"three"}, Removed: []string{"one"}, Changed: []string{"two"}},
		}},
		"order": {"key-one", []string{"name: one", "name: two", "name: two", "name: one"}, Changes{
			Routes: Difference{Changed: []string{"two", "one"}}, Order: true,
		}},
		"a number as a text": {"key-one", []string{"a: 1", `a: "1"`}, Changes{Channels: Difference{Changed: []string{"web"}}}},
		"another setting":    {"key-one", []string{"history: 20", "history: 5"}, Changes{Settings: []string{"conversations.history"}}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, base.Changes(loadReplaced(t, tt.key, tt.replace...))); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRemovedSettingIsAChange(t *testing.T) {
	owner := loadReplaced(t, "key-one", "history: 20", "history: 20, owner: faq")
	base := loadReplaced(t, "key-one")
	want := Changes{Settings: []string{"conversations.owner"}}
	for _, got := range []Changes{base.Changes(owner), owner.Changes(base)} {
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("changes (-want +got):\n%s", diff)
		}
	}
}

func TestFixedSettings(t *testing.T) {
	base := loadReplaced(t, "key-one")
	if p := base.NeedRestart(loadReplaced(t, "key-two", "name: one", "name: three")); len(p) != 0 {
		t.Errorf("problems %v of settings that may change", p)
	}
	next := loadReplaced(t, "key-one", ":8080", ":8081", "1GiB", "2GiB", "role: bot", "role: agent")
	got := (&Problems{base.NeedRestart(next)}).Error()
	for _, want := range []string{
		"c.yaml:2:9: listen: cannot change while the gateway runs", "c.yaml:3:27: store.cap: cannot change",
		"channels.faq.role: the role of a channel cannot change",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("problems:\n%s\nwant %q", got, want)
		}
	}
}

func TestSameAdapter(t *testing.T) {
	base := loadReplaced(t, "key-one")
	for name, tt := range map[string]struct {
		key          string
		replace      []string
		native, bots bool
	}{
		"nothing":           {"key-one", nil, true, true},
		"a secret":          {"key-two", nil, true, false},
		"a core setting":    {"key-one", []string{"owner: faq", "owner: faq, delivery: {timeout: 3s}"}, true, true},
		"a setting":         {"key-one", []string{"a: 1", "a: 2"}, false, true},
		"a renamed channel": {"key-one", []string{"faq", "help"}, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			next := loadReplaced(t, tt.key, tt.replace...)
			if a, b := base.SameAdapter(next, "native"), base.SameAdapter(next, "bot"); a != tt.native || b != tt.bots {
				t.Errorf("the same: native %v, bot %v; want %v, %v", a, b, tt.native, tt.bots)
			}
			if a, b := base.SameSettings(next, "web"), base.SameSettings(next, "faq"); a != tt.native || b != tt.bots {
				t.Errorf("the same settings: web %v, faq %v; want %v, %v", a, b, tt.native, tt.bots)
			}
		})
	}
	program := loadReplaced(t, "key-one", "bin/native", "bin/other")
	if base.SameAdapter(program, "native") || !base.SameSettings(program, "web") {
		t.Error("with another program, the adapter is the same, or the settings of its channel are not")
	}
	if base.SameAdapter(base, "unknown") {
		t.Error("an unknown adapter is the same")
	}
}
