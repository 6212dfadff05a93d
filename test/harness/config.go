package harness

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Config is a configuration file in parts. The zero value is the usual one: three channels (livechat, faq, desk) and
// Routes.
type Config struct {
	Store    string              // folder of the log; default: one in the test's temporary folder
	Without  []string            // channels to leave out
	Extra    map[string][]string // lines for a channel beside settings: `delivery: {timeout: 1s}`
	Bots     []string            // lines for the settings of faq: `threads: per_conversation`
	Verify   string              // how desk knows AICC; default Signature
	Settings map[string][]string // lines for the settings of a channel: `mode: blocking`
	// Define has whole channels, in place of the usual ones or beside them; lines of YAML without the channel's name and
	// indentation.
	Define map[string]string
	// Programs are the paths of adapters' programs that are not the usual ones, by the usual program's name.
	Programs map[string]string
	Listen   string   // host:port of the webhook listener; default: one that is free
	Limits   []string // top-level lines: `limits: {opened_per_minute: 0}`, `log: {level: debug}`
	// Conversations is the value of conversations. Default: {history: 20, bounces: 0}.
	Conversations string
	Routes        string // the list below routes; default Routes; "[]" is none
}

// Ways in which desk knows AICC. The second needs no signature, for tests that make AICC's calls themselves.
const (
	Signature = `{mode: signature, secret_key: "${env:AICC_PUSH_KEY}"}`
	Bearer    = `{mode: bearer, token: "${env:AICC_PUSH_KEY}"}`
)

// Routes are the rules that most tests need.
const Routes = `
  - name: ask-for-a-person
    from: customer
    when: owner_role == "bot" && mentions(["agent", "human", "人工", "客服"])
    say: One moment, I am looking for a colleague.
    offer: {to: desk, within: 60s}
  - name: nobody-came
    event: offer_failed
    say: Nobody is free right now; I can go on helping.
  - name: agent-left
    event: disconnected
    from: agent
    say: You are back with the assistant.
    pass: home
`

// channelText is what the file says of a channel, up to its settings.
var channelText = map[string]string{
	"livechat": `    adapter: native
    role: customer
    owner: faq
    allow: [127.0.0.0/8]
    allow_links: [127.0.0.0/8]
`,
	"faq": `    adapter: botwebhook
    role: bot
    allow: [127.0.0.0/8]
`,
	"desk": `    adapter: aicc
    role: agent
    allow: [127.0.0.0/8]
`,
}

var settingsText = map[string]string{
	"livechat": `      organization: d8ai
      chatbot: d8ai_chatbot
      access_token: ${env:NATIVE_ACCESS_TOKEN}
      reply_url: ${env:LIVECHAT_URL}/replies
      reply_token: ${env:NATIVE_REPLY_TOKEN}
`,
	"faq": `      base_url: ${env:GPTBOTS_URL}
      api_key: ${env:GPTBOTS_API_KEY}
      webhook_token: ${env:GPTBOTS_WEBHOOK_TOKEN}
`,
	"desk": `      base_url: ${env:AICC_URL}
      token_url: ${env:AICC_URL}/apigovernance/api/oauth/tokenByAkSk
      app_key: ${env:AICC_APP_KEY}
      app_secret: ${env:AICC_APP_SECRET}
      channel_id: "` + DeskChannel + `"
`,
}

var adapterOf = map[string]string{"livechat": "native", "faq": "botwebhook", "desk": "aicc"}

// text renders the file. Store must be set.
func (c *Config) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "listen: 127.0.0.1:0\nadmin: {listen: 127.0.0.1:0}\nstore: {dir: %q}\n", c.Store)
	for _, l := range c.Limits {
		fmt.Fprintln(&b, l)
	}
	fmt.Fprintf(&b, "conversations: %s\n", cmp.Or(c.Conversations, "{history: 20, bounces: 0}"))
	names := slices.DeleteFunc([]string{"livechat", "faq", "desk"}, func(n string) bool {
		return slices.Contains(c.Without, n) || c.Define[n] != ""
	})
	b.WriteString("adapters:\n")
	for _, n := range []string{"livechat", "faq", "desk"} {
		if slices.Contains(names, n) || len(c.Define) > 0 {
			name := adapterOf[n]
			fmt.Fprintf(&b, "  %s: {command: %q}\n", name, cmp.Or(c.Programs[name], Binary(name)))
		}
	}
	b.WriteString("channels:\n")
	for _, n := range slices.Sorted(maps.Keys(c.Define)) {
		fmt.Fprintf(&b, "  %s:\n    %s\n", n, strings.ReplaceAll(strings.TrimSpace(c.Define[n]), "\n", "\n    "))
	}
	for _, n := range names {
		fmt.Fprintf(&b, "  %s:\n%s", n, channelText[n])
		for _, l := range c.Extra[n] {
			fmt.Fprintf(&b, "    %s\n", l)
		}
		fmt.Fprintf(&b, "    settings:\n%s", settingsText[n])
		for _, l := range c.Settings[n] {
			fmt.Fprintf(&b, "      %s\n", l)
		}
		switch n {
		case "faq":
			for _, l := range c.Bots {
				fmt.Fprintf(&b, "      %s\n", l)
			}
		case "desk":
			fmt.Fprintf(&b, "      verify: %s\n", cmp.Or(c.Verify, Signature))
		}
	}
	fmt.Fprintf(&b, "routes: %s\n", cmp.Or(c.Routes, Routes))
	return b.String()
}
