package main

import (
	"cmp"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

func TestEndpointDependsOnRoleAndSettings(t *testing.T) {
	const api = "https://api.gptbots.ai"
	link := &sdk.Capabilities{Parts: agentParts, History: true, Media: sdk.MediaLink, MediaBytes: 10 << 20}
	stream := &sdk.Capabilities{Parts: agentParts, History: true, Media: sdk.MediaStream, MediaBytes: 1000}
	open := `{"base_url":"https://api.gptbots.ai","api_key":"k"}`
	bot := func(path string) sdk.Endpoint { return endpoint(sdk.ThreadsPerEpoch, link, "", "msg", path) }
	dead := bot("/webhooks/botwebhook/faq")
	dead.Unknown = "dead"
	tests := []struct {
		name, channel string
		role          envelope.Role
		settings      string
		want          sdk.Endpoint
		warns         []string // paths
	}{
		{name: "defaults", settings: botJSON(api), want: bot("/webhooks/botwebhook/faq")},
		{name: "no token", settings: extend(open, `"threads":"per_conversation"`),
			want:  endpoint(sdk.ThreadsPerConversation, link, "", "msg", "/webhooks/botwebhook/faq"),
			warns: []string{"webhook_token"}},
		{name: "auth none", settings: extend(open, `"auth":"none"`), want: bot("/webhooks/botwebhook/faq")},
		{name: "odd name", channel: "a/{b}", settings: botJSON(api), want: bot("/webhooks/botwebhook/a%2F%7Bb%7D")},
		{name: "blocking", settings: extend(botJSON(api), `"mode":"blocking"`), want: dead},
		{name: "streaming", settings: extend(botJSON(api), `"mode":"streaming","api":"v1"`), want: dead},
		{name: "media as bytes", settings: extend(botJSON(api), `"media":"base64","media_bytes":1000`),
			want: endpoint(sdk.ThreadsPerEpoch, stream, "", "msg", "/webhooks/botwebhook/faq")},
		{name: "hand-off", role: envelope.RoleCustomer, settings: botJSON(api),
			want: endpoint(sdk.ThreadsPerConversation, &sdk.Capabilities{
				Parts:  []envelope.PartType{envelope.PartText},
				Events: []envelope.Kind{envelope.KindClosed, envelope.KindDisconnected},
			}, "", "message", "/webhooks/botwebhook/faq/conversation/establish", "/webhooks/botwebhook/faq/chat",
				"/webhooks/botwebhook/faq/conversation/close")},
		{name: "hand-off, no token", role: envelope.RoleCustomer, channel: "chat", settings: open,
			want: endpoint(sdk.ThreadsPerConversation, &sdk.Capabilities{
				Parts:  []envelope.PartType{envelope.PartText},
				Events: []envelope.Kind{envelope.KindClosed, envelope.KindDisconnected},
			}, "", "message", "/webhooks/botwebhook/chat/conversation/establish", "/webhooks/botwebhook/chat/chat",
				"/webhooks/botwebhook/chat/conversation/close"),
			warns: []string{"webhook_token"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ch := channelOf(cmp.Or(tt.role, envelope.RoleBot), tt.settings, nil)
			ch.Name = cmp.Or(tt.channel, ch.Name)
			got, err := newAdapter().Configure(t.Context(), ch)
			if err != nil {
				t.Fatal(err)
			}
			if diff := gocmp.Diff(tt.want, got); diff != "" {
				t.Errorf("endpoint (-want +got):\n%s", diff)
			}
			var warns []string
			for _, p := range newAdapter().Validate(ch) {
				if !p.Warning {
					t.Errorf("an accepted channel has a problem: %v", p)
				}
				warns = append(warns, p.Path)
			}
			if diff := gocmp.Diff(tt.warns, warns); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
		})
	}
}

func endpoint(threads sdk.ThreadMode, caps *sdk.Capabilities, unknown, member string, patterns ...string) sdk.Endpoint {
	ep := sdk.Endpoint{
		Refusal: sdk.Refusal{ContentType: "application/json", Body: `{"code":{{status}},"` + member + `":"{{text}}"}`},
		Threads: threads, Capabilities: caps, Unknown: unknown,
	}
	for _, p := range patterns {
		ep.Paths = append(ep.Paths, sdk.Path{Pattern: p, Methods: []string{"POST"}, ContentTypes: []string{"application/json"}})
	}
	return ep
}

func TestInvalidSettings(t *testing.T) {
	good := botJSON("https://api-sg.gptbots.ai")
	tests := []struct {
		name, settings string
		role           envelope.Role
		want           []string // paths of the problems
	}{
		{name: "good", settings: good},
		{name: "good, with a path", settings: botJSON("http://proxy.internal:8080/gptbots/")},
		{name: "empty", settings: `{}`, want: []string{"base_url", "api_key"}},
		{name: "agent", settings: good, role: envelope.RoleAgent, want: []string{"role"}},
		{name: "observer", settings: good, role: envelope.RoleObserver, want: []string{"role"}},
		{name: "unknown setting", settings: strings.Replace(good, "api_key", "apikey", 1), want: []string{""}},
		{name: "no scheme", settings: botJSON("api-sg.gptbots.ai"), want: []string{"base_url"}},
		{name: "other scheme", settings: botJSON("wss://api-sg.gptbots.ai"), want: []string{"base_url"}},
		{name: "not an address", settings: botJSON("https://%zz"), want: []string{"base_url"}},
		{name: "credentials", settings: botJSON("https://u:p@api-sg.gptbots.ai"), want: []string{"base_url"}},
		{name: "query", settings: botJSON("https://api-sg.gptbots.ai?x=1"), want: []string{"base_url"}},
		{name: "empty query", settings: botJSON("https://api-sg.gptbots.ai?"), want: []string{"base_url"}},
		{name: "fragment", settings: botJSON("https://api-sg.gptbots.ai#x"), want: []string{"base_url"}},
		{name: "key with a newline", settings: strings.Replace(good, testKey, `k\n`, 1), want: []string{"api_key"}},
		{name: "token with a newline", settings: strings.Replace(good, testToken, `t\n`, 1), want: []string{"webhook_token"}},
		{name: "token with a space", settings: strings.Replace(good, testToken, ` t`, 1), want: []string{"webhook_token"}},
		{name: "unknown threads", settings: extend(good, `"threads":"per_day"`), want: []string{"threads"}},
		{name: "unknown mode", settings: extend(good, `"mode":"polling"`), want: []string{"mode"}},
		{name: "unknown version", settings: extend(good, `"api":"v3"`), want: []string{"api"}},
		{name: "unknown media", settings: extend(good, `"media":"stream"`), want: []string{"media"}},
		{name: "unknown scheme", settings: extend(good, `"auth":"digest"`), want: []string{"auth"}},
		{name: "media_bytes 0", settings: extend(good, `"media_bytes":0`), want: []string{"media_bytes"}},
		{name: "media_bytes above the maximum", settings: extend(good, `"media_bytes":20971521`),
			want: []string{"media_bytes"}},
		{name: "bearer without a token", settings: strings.Replace(extend(good, `"auth":"bearer"`), testToken, "", 1),
			want: []string{"webhook_token"}},
		{name: "basic without a token", settings: strings.Replace(extend(good, `"auth":"basic"`), testToken, "", 1),
			want: []string{"webhook_token"}},
		{name: "none with a token", settings: extend(good, `"auth":"none"`), want: []string{"auth"}},
		{name: "bearer", settings: extend(good, `"auth":"bearer"`)},
		{name: "basic", settings: extend(good, `"auth":"basic"`)},
		{name: "all settings of role bot",
			settings: extend(good, `"mode":"streaming","media":"base64","short_term_memory":false,`+
				`"long_term_memory":true,"knowledge":{"data_ids":[],"group_ids":["g"]},"custom_variables":{"a b":""},`+
				`"corner_citation":true`)},
		{name: "v1 with settings of v2", settings: extend(good, `"api":"v1","knowledge":{"group_ids":[]},`+
			`"custom_variables":{"a":"b"},"corner_citation":false`), want: []string{"custom_variables", "corner_citation", "knowledge.group_ids"}},
		{name: "variable without a name", settings: extend(good, `"custom_variables":{"":"b"}`),
			want: []string{"custom_variables"}},
		{name: "two ids in one", settings: extend(good, `"knowledge":{"data_ids":["a,b"]}`),
			want: []string{"knowledge.data_ids"}},
		{name: "empty id", settings: extend(good, `"knowledge":{"group_ids":[""]}`), want: []string{"knowledge.group_ids"}},
		{name: "role bot with settings of role customer", settings: extend(good, `"send_key":false,"waiting_limit":"90s"`),
			want: []string{"send_key", "waiting_limit"}},

		{name: "hand-off", settings: extend(good, `"send_key":false,"waiting_limit":"90s","auth":"basic"`),
			role: envelope.RoleCustomer},
		{name: "hand-off without waiting time", settings: extend(good, `"waiting_limit":"0s"`), role: envelope.RoleCustomer,
			want: []string{"waiting_limit"}},
		{name: "hand-off with a waiting time of days", settings: extend(good, `"waiting_limit":"48h"`),
			role: envelope.RoleCustomer,
			want: []string{"waiting_limit"}},
		{name: "role customer with settings of role bot", role: envelope.RoleCustomer,
			settings: extend(good, `"mode":"blocking","api":"v1","media":"base64","media_bytes":5,"threads":"per_conversation",`+
				`"short_term_memory":true,"long_term_memory":true,"knowledge":{},"custom_variables":{"a":"b"},"corner_citation":true`),
			want: []string{"mode", "api", "media", "media_bytes", "threads", "short_term_memory", "long_term_memory", "knowledge",
				"custom_variables", "corner_citation"}},
		{name: "hand-off, empty", settings: `{}`, role: envelope.RoleCustomer, want: []string{"base_url", "api_key"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := newAdapter()
			ch := channelOf(cmp.Or(tt.role, envelope.RoleBot), tt.settings, nil)
			var got []string
			for _, p := range a.Validate(ch) {
				if p.Message == "" || strings.Contains(p.Message, testKey) {
					t.Errorf("problem at %q: %q", p.Path, p.Message)
				}
				got = append(got, p.Path)
			}
			if diff := gocmp.Diff(tt.want, got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
			_, err := a.Configure(t.Context(), ch)
			if (err != nil) != (len(tt.want) > 0) {
				t.Errorf("Configure: %v", err)
			}
			if err != nil && (sdk.KindOf(err) != sdk.KindInvalid || !strings.Contains(err.Error(), "faq")) {
				t.Errorf("Configure: %v; want an invalid error with the channel's name", err)
			}
			if err != nil && a.channel("faq") != nil {
				t.Error("a refused configuration took effect")
			}
		})
	}
}
