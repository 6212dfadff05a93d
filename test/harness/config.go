package harness

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Config describes a configuration file. The zero value has three channels (livechat, faq, desk) and Routes.
type Config struct {
	Store    string              // folder of the log; default: one in the test's temporary folder
	Cap      string              // store.cap; default 8GiB
	Without  []string            // channels to leave out
	Extra    map[string][]string // lines for a channel: `delivery: {timeout: 1s}`
	Verify   string              // how desk authenticates AICC; default Signature
	Settings map[string][]string // lines for the settings of a channel: `mode: blocking`
	Define   map[string]string   // additional or replaced channels: YAML without the name and indentation
	Programs map[string]string   // paths of replaced adapter programs, by adapter name
	Listen   string              // host:port of the webhook listener; default: an unused one
	Limits   []string            // top-level lines: `limits: {opened_per_minute: 0}`, `log: {level: debug}`
	Routes   string              // the list below routes; default Routes; "[]" is none
	// Conversations is the value of conversations. Default: {history: 20, bounces: 0}.
	Conversations string
}

// Values of Verify. Bearer needs no signature, for tests that make AICC's calls.
const (
	Signature = `{mode: signature, secret_key: "${env:AICC_PUSH_KEY}"}`
	Bearer    = `{mode: bearer, token: "${env:AICC_PUSH_KEY}"}`
)

// Routes are the rules that most tests need.
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

// channels are the default channels. The settings come last, so that Config.text can append lines.
var channels = map[string]string{
	"livechat": `    adapter: native
    role: customer
    owner: faq
    allow: [127.0.0.0/8]
    allow_links: [127.0.0.0/8]
    settings:
      organization: d8ai
      chatbot: d8ai_chatbot
      access_token: ${env:NATIVE_ACCESS_TOKEN}
      reply_url: ${env:LIVECHAT_URL}/replies
      reply_token: ${env:NATIVE_REPLY_TOKEN}
`,
	"faq": `    adapter: botwebhook
    role: bot
    title: Assistant
    allow: [127.0.0.0/8]
    settings:
      base_url: ${env:GPTBOTS_URL}
      api_key: ${env:GPTBOTS_API_KEY}
      webhook_token: ${env:GPTBOTS_WEBHOOK_TOKEN}
`,
	"desk": `    adapter: aicc
    role: agent
    title: Service team
    allow: [127.0.0.0/8]
    settings:
      base_url: ${env:AICC_URL}
      token_url: ${env:AICC_URL}/apigovernance/api/oauth/tokenByAkSk
      app_key: ${env:AICC_APP_KEY}
      app_secret: ${env:AICC_APP_SECRET}
      channel_id: "` + DeskChannel + `"
`,
}

// adapters are the adapters of the default channels.
var adapters = map[string]string{"livechat": "native", "faq": "botwebhook", "desk": "aicc"}

// text renders the file. Store must be set.
func (c *Config) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "listen: 127.0.0.1:0\nadmin: {listen: 127.0.0.1:0}\nstore: {dir: %q, cap: %s}\n", c.Store, cmp.Or(c.Cap, "8GiB"))
	for _, l := range c.Limits {
		fmt.Fprintln(&b, l)
	}
	fmt.Fprintf(&b, "conversations: %s\n", cmp.Or(c.Conversations, "{history: 20, bounces: 0}"))
	names := slices.DeleteFunc([]string{"livechat", "faq", "desk"}, func(n string) bool {
		return slices.Contains(c.Without, n) || c.Define[n] != ""
	})
	b.WriteString("adapters:\n")
	for channel, name := range adapters {
		if slices.Contains(names, channel) || len(c.Define) > 0 {
			fmt.Fprintf(&b, "  %s: {command: %q}\n", name, cmp.Or(c.Programs[name], Binary(name)))
		}
	}
	b.WriteString("channels:\n")
	for _, n := range slices.Sorted(maps.Keys(c.Define)) {
		fmt.Fprintf(&b, "  %s:\n    %s\n", n, strings.ReplaceAll(strings.TrimSpace(c.Define[n]), "\n", "\n    "))
	}
	for _, n := range names {
		fmt.Fprintf(&b, "  %s:\n%s", n, channels[n])
		for _, l := range c.Settings[n] {
			fmt.Fprintf(&b, "      %s\n", l)
		}
		if n == "desk" {
			fmt.Fprintf(&b, "      verify: %s\n", cmp.Or(c.Verify, Signature))
		}
		for _, l := range c.Extra[n] {
			fmt.Fprintf(&b, "    %s\n", l)
		}
	}
	fmt.Fprintf(&b, "routes: %s\n", cmp.Or(c.Routes, Routes))
	return b.String()
}
