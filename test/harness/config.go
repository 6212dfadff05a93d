package harness

import (
	_ "embed"
	"slices"
	"strings"
	"text/template"
)

// Config describes a configuration file. The zero value means the channels livechat, faq and desk, and the rules
// Routes.
type Config struct {
	Store    string              // folder of the log; default: one in the test's temporary folder
	Cap      string              // store.cap; default 8GiB
	Omit     []string            // names of channels to omit
	Extra    map[string][]string // lines for a channel: `delivery: {timeout: 1s}`
	Verify   string              // value of the setting verify of desk; default: a signature
	Settings map[string][]string // lines for a channel's settings: `mode: blocking`
	Define   map[string]string   // additional or replaced channels: YAML without the name and without indentation
	Programs map[string]string   // paths of replaced adapter programs, by adapter name
	Listen   string              // host:port of the public listener; default: an unused address
	Limits   []string            // top-level lines: `limits: {opened_per_minute: 0}`, `log: {level: debug}`
	Routes   string              // the list below routes; default Routes; "[]" means no rules
	// Conversations is the value of conversations; default {history: 20, bounces: 0}.
	Conversations string
}

// Bearer is a value of Config.Verify that requires a bearer token, for tests that make AICC's calls themselves.
const Bearer = `{mode: bearer, token: "${env:AICC_PUSH_KEY}"}`

// Routes is the list of rules for most tests.
const Routes = `
  - name: ask-for-an-agent
    from: customer
    when: owner_role == "bot" && mentions(["agent", "human", "人工", "客服"])
    say: One moment, I am looking for an agent.
    offer: {to: desk, within: 60s}
  - name: no-agent
    event: offer_failed
    say: No agent is free right now; I can continue to help.
  - name: agent-left
    event: disconnected
    from: agent
    say: You are back with the assistant.
    pass: home
`

//go:embed config.yaml.tmpl
var configText string

var configTemplate = template.Must(template.New("config.yaml").Option("missingkey=zero").Funcs(template.FuncMap{
	"binary": Binary, "contains": slices.Contains[[]string], "routes": func() string { return Routes },
	"indent": func(s string) string { return strings.ReplaceAll("\n"+strings.TrimSpace(s), "\n", "\n    ") },
}).Parse(configText))

// text renders the file. Store must be set.
func (c *Config) text() string {
	var b strings.Builder
	if err := configTemplate.Execute(&b, c); err != nil {
		panic(err) // the template is wrong
	}
	return b.String()
}
