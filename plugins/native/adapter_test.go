package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

func TestEndpointDependsOnRoleAndFarEnd(t *testing.T) {
	media := []envelope.PartType{envelope.PartImage, envelope.PartAudio, envelope.PartVideo, envelope.PartFile}
	proxied := strings.Replace(faq, `{`, `{"text_bytes":1000,`, 1)
	for _, tt := range []struct {
		name, settings string
		role           envelope.Role
		pattern        string
		want           sdk.Capabilities
	}{
		{"customer", livechat, envelope.RoleCustomer, "/mp/webhooks/native/messages/{organization}/{chatbotName}", sdk.Capabilities{
			Parts:      append([]envelope.PartType{envelope.PartText, envelope.PartSuggestions}, media...),
			Events:     []envelope.Kind{envelope.KindPassed, envelope.KindClosed, envelope.KindTyping},
			Idempotent: true, Media: sdk.MediaLink,
		}},
		{"proxy", faq, envelope.RoleBot, "/mp/webhooks/native/answers/the%20bot",
			sdk.Capabilities{Parts: []envelope.PartType{envelope.PartText}}},
		{"proxy with short texts", proxied, envelope.RoleBot, "/mp/webhooks/native/answers/the%20bot",
			sdk.Capabilities{Parts: []envelope.PartType{envelope.PartText}, TextBytes: 1000}},
		{"observer", audit, envelope.RoleObserver, "", sdk.Capabilities{
			Parts: append([]envelope.PartType{
				envelope.PartText, envelope.PartLocation, envelope.PartCard, envelope.PartSuggestions,
			}, media...),
			Events: []envelope.Kind{
				envelope.KindConnected, envelope.KindDisconnected, envelope.KindHandoverRequested, envelope.KindPassed,
				envelope.KindClosed,
			},
			Idempotent: true, Media: sdk.MediaLink,
		}},
		{"patchbay", relay, envelope.RoleBot, "/mp/webhooks/native/answers/the%20bot", sdk.Capabilities{
			Parts:      append([]envelope.PartType{envelope.PartText}, media...),
			Events:     []envelope.Kind{envelope.KindTyping, envelope.KindRead, envelope.KindClosed},
			Idempotent: true, Media: sdk.MediaLink, TextBytes: 65536,
		}},
		{"patchbay with short texts", strings.Replace(relay, `{`, `{"text_bytes":1000,`, 1), envelope.RoleBot,
			"/mp/webhooks/native/answers/the%20bot", sdk.Capabilities{
				Parts:      append([]envelope.PartType{envelope.PartText}, media...),
				Events:     []envelope.Kind{envelope.KindTyping, envelope.KindRead, envelope.KindClosed},
				Idempotent: true, Media: sdk.MediaLink, TextBytes: 1000,
			}},
		{"patchbay with text_bytes above the maximum", strings.Replace(relay, `{`, `{"text_bytes":1000000,`, 1), envelope.RoleBot,
			"/mp/webhooks/native/answers/the%20bot", sdk.Capabilities{
				Parts:      append([]envelope.PartType{envelope.PartText}, media...),
				Events:     []envelope.Kind{envelope.KindTyping, envelope.KindRead, envelope.KindClosed},
				Idempotent: true, Media: sdk.MediaLink, TextBytes: 65536,
			}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := configure(t, newAdapter(), tt.role, "the bot", tt.settings, nil)
			var paths []sdk.Path
			if tt.pattern != "" {
				paths = []sdk.Path{{Pattern: tt.pattern, Methods: []string{"POST"}, ContentTypes: []string{"application/json"}}}
			}
			want := sdk.Endpoint{
				Paths: paths,
				Refusal: sdk.Refusal{
					ContentType: "application/json",
					Body:        `{"error":{"status":{{status}},"message":"{{text}}"}}`,
				},
				Threads:      sdk.ThreadsPerConversation,
				Capabilities: &tt.want,
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("endpoint (-want +got):\n%s", diff)
			}
		})
	}
}

// Refusals of the gateway and of the adapter have the same format.
func TestRefusalsMatchTheTemplate(t *testing.T) {
	fromTemplate := strings.NewReplacer("{{status}}", "413", "{{text}}", "too large").Replace(refusalTemplate)
	if own := string(refusalBody(413, "", "too large")); own != fromTemplate {
		t.Errorf("template gives %s, the adapter %s", fromTemplate, own)
	}
}

func TestInvalidSettings(t *testing.T) {
	with := func(settings, more string) string { return strings.Replace(settings, `{`, `{`+more+`,`, 1) }
	without := func(settings, piece string) string { return strings.Replace(settings, piece, "", 1) }
	tests := []struct {
		name, settings string
		role           envelope.Role // "" means customer
		want           []string      // paths of the problems
	}{
		{name: "good", settings: livechat},
		{name: "signing", settings: with(livechat, `"reply_secret":"`+testSecret+" "+previousSecret+`"`)},
		{name: "empty", settings: `{}`, want: []string{"organization", "chatbot", "access_token", "reply_url"}},
		{name: "agent", settings: livechat, role: envelope.RoleAgent, want: []string{"role"}},
		{name: "observer", settings: audit, role: envelope.RoleObserver},
		{name: "observer, empty", settings: `{}`, role: envelope.RoleObserver, want: []string{"reply_url"}},
		{name: "observer, settings of other roles", settings: with(livechat, `"answer_token":"x"`), role: envelope.RoleObserver,
			want: []string{"organization", "chatbot", "access_token", "answer_token"}},
		{name: "unknown setting", settings: strings.Replace(livechat, "chatbot", "chatbots", 1), want: []string{""}},
		{name: "relative address", settings: without(livechat, "https://site.example"), want: []string{"reply_url"}},
		{name: "no scheme", settings: without(livechat, "https://"), want: []string{"reply_url"}},
		{name: "other scheme", settings: strings.Replace(livechat, "https", "ftp", 1), want: []string{"reply_url"}},
		{name: "credentials", settings: strings.Replace(livechat, "site", "u:p@site", 1), want: []string{"reply_url"}},
		{name: "fragment", settings: strings.Replace(livechat, "replies", "replies#top", 1), want: []string{"reply_url"}},
		{name: "not an address", settings: strings.Replace(livechat, "https://", "https://%zz", 1), want: []string{"reply_url"}},
		{name: "dot segment", settings: strings.Replace(livechat, `"d8ai"`, `".."`, 1), want: []string{"organization"}},
		{name: "name too long", settings: strings.Replace(livechat, `d8ai_chatbot`, strings.Repeat("x", 65), 1),
			want: []string{"chatbot"}},
		{name: "control character", settings: strings.Replace(livechat, `"d8ai"`, `"d8\tai"`, 1), want: []string{"organization"}},
		{name: "reply token with a newline", settings: with(livechat, `"reply_token":"x\n"`), want: []string{"reply_token"}},
		{name: "secret without prefix", settings: with(livechat, `"reply_secret":"`+testSecret[6:]+`"`), want: []string{"reply_secret"}},
		{name: "secret too short", settings: with(livechat, `"reply_secret":"whsec_AAAA"`), want: []string{"reply_secret"}},
		{name: "blank secret", settings: with(livechat, `"reply_secret":" "`), want: []string{"reply_secret"}},
		{name: "settings of role bot", settings: with(livechat, `"base_url":"https://x.example","far_end":"patchbay","target_agents":["a"],`+
			`"text_bytes":9,"answer_token":"x","answer_secret":"`+testSecret+`","answer_window":"1m"`),
			want: []string{"base_url", "far_end", "target_agents", "text_bytes", "answer_token", "answer_secret", "answer_window"}},

		{name: "bot", settings: faq, role: envelope.RoleBot},
		{name: "bot of a patchbay", settings: relay, role: envelope.RoleBot},
		{name: "bot, empty", settings: `{}`, role: envelope.RoleBot,
			want: []string{"organization", "chatbot", "access_token", "base_url"}},
		{name: "bot, only signed replies", role: envelope.RoleBot,
			settings: strings.Replace(faq, `"answer_token":"answer-sesame"`, `"answer_secret":"`+testSecret+`"`, 1)},
		{name: "bot, address with a query", settings: strings.Replace(faq, "proxy.example", "proxy.example/?a=b", 1),
			role: envelope.RoleBot, want: []string{"base_url"}},
		{name: "bot, address with an empty query", settings: strings.Replace(faq, "proxy.example", "proxy.example?", 1),
			role: envelope.RoleBot, want: []string{"base_url"}},
		{name: "bot, address with credentials", settings: strings.Replace(faq, "proxy", "u:p@proxy", 1), role: envelope.RoleBot,
			want: []string{"base_url"}},
		{name: "bot, unknown far end", settings: with(faq, `"far_end":"other"`), role: envelope.RoleBot, want: []string{"far_end"}},
		{name: "bot, empty target agent", settings: with(faq, `"target_agents":["a",""]`), role: envelope.RoleBot,
			want: []string{"target_agents"}},
		{name: "bot, text_bytes below one character", settings: with(faq, `"text_bytes":3`), role: envelope.RoleBot,
			want: []string{"text_bytes"}},
		{name: "bot, negative text_bytes", settings: with(faq, `"text_bytes":-1`), role: envelope.RoleBot,
			want: []string{"text_bytes"}},
		{name: "bot, answer token with a newline", settings: strings.Replace(faq, "answer-sesame", `answer\n`, 1), role: envelope.RoleBot,
			want: []string{"answer_token"}},
		{name: "bot, answer token with a space", settings: strings.Replace(faq, "answer-sesame", `answer sesame`, 1),
			role: envelope.RoleBot, want: []string{"answer_token"}},
		{name: "bot, malformed answer secret", settings: with(faq, `"answer_secret":"`+testSecret+` x"`), role: envelope.RoleBot,
			want: []string{"answer_secret"}},
		{name: "bot, no window", settings: with(faq, `"answer_window":"0s"`), role: envelope.RoleBot, want: []string{"answer_window"}},
		{name: "bot, window too wide", settings: with(faq, `"answer_window":"61m"`), role: envelope.RoleBot,
			want: []string{"answer_window"}},
		{name: "bot, settings of role customer", role: envelope.RoleBot,
			settings: with(faq, `"reply_url":"https://x.example","reply_token":"x","reply_secret":"`+testSecret+`"`),
			want:     []string{"reply_url", "reply_token", "reply_secret"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			role := tt.role
			if role == "" {
				role = envelope.RoleCustomer
			}
			a := newAdapter()
			ch := sdk.Channel{Name: "livechat", Role: role, Settings: sdk.NewSettings([]byte(tt.settings))}
			var got []string
			for _, p := range a.Validate(ch) {
				if p.Message == "" || p.Warning {
					t.Errorf("problem %+v; want a message and no warning", p)
				}
				got = append(got, p.Path)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
			_, err := a.Configure(t.Context(), ch)
			if (err != nil) != (len(tt.want) > 0) {
				t.Errorf("Configure: %v", err)
			}
			if err != nil && (sdk.KindOf(err) != sdk.KindInvalid || !strings.Contains(err.Error(), "livechat")) {
				t.Errorf("Configure: %v; want an invalid error with the channel's name", err)
			}
			if err != nil && a.channel("livechat") != nil {
				t.Error("a refused configuration took effect")
			}
		})
	}
}

// A channel that accepts answers without credentials is a warning.
func TestUnauthenticatedAnswersAreAWarning(t *testing.T) {
	a := newAdapter()
	ch := sdk.Channel{Name: "faq", Role: envelope.RoleBot,
		Settings: sdk.NewSettings([]byte(strings.Replace(faq, `,"answer_token":"answer-sesame"`, "", 1)))}
	got := a.Validate(ch)
	if len(got) != 1 || got[0].Path != "answer_token" || !got[0].Warning {
		t.Errorf("problems %+v, want a warning of answer_token", got)
	}
	if _, err := a.Configure(t.Context(), ch); err != nil {
		t.Errorf("Configure = %v; want nil, because the problem is a warning", err)
	}
	req := answer(t, "faq", `{"userId":"u1","payload":{"botSay":"Hi"}}`)
	req.Header = http.Header{"Content-Type": {"application/json"}}
	if _, err := a.Receive(t.Context(), req); err != nil {
		t.Errorf("a reply is refused: %v", err)
	}
}

// A channel is refused if its calls cannot be distinguished from the calls of another channel.
func TestIndistinguishableChannelsAreRefused(t *testing.T) {
	other := func(old, new string) string { return strings.Replace(livechat, old, new, 1) }
	for _, tt := range []struct {
		name, channel, prefix, settings string
		refused                         bool
	}{
		{"the same settings", "second", "", livechat, true},
		{"itself", "livechat", "", livechat, false},
		{"another token", "second", "", other(testToken, "other"), false},
		{"another organization", "second", "", other(`"d8ai"`, `"d9ai"`), false},
		{"another chatbot", "second", "", other("d8ai_chatbot", "d9ai_chatbot"), false},
		{"another prefix", "second", "/x", livechat, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := configured(t, map[string]string{"livechat": livechat}, http.DefaultClient)
			_, err := a.Configure(t.Context(), sdk.Channel{Name: tt.channel, Prefix: tt.prefix, Role: envelope.RoleCustomer,
				Settings: sdk.NewSettings([]byte(tt.settings))})
			if !tt.refused {
				if err != nil {
					t.Error(err)
				}
				return
			}
			e, ok := errors.AsType[*sdk.Error](err)
			if !ok || e.Field != "access_token" || !strings.Contains(e.Text, "channel livechat") || strings.Contains(e.Text, testToken) {
				t.Errorf("error = %v; want one about access_token with the other channel's name", err)
			}
			if a.channel(tt.channel) != nil {
				t.Error("a refused channel took effect")
			}
		})
	}
}

// Calls during a new configuration use the old or the new account.
func TestConfigureDuringCalls(t *testing.T) {
	a := configured(t, map[string]string{"livechat": livechat}, http.DefaultClient)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range 200 {
				token := fmt.Sprintf("t%d", i%2)
				if _, err := a.Receive(context.Background(), request(edit(testToken, token))); err == nil {
					continue
				} else if sdk.KindOf(err) != sdk.KindUnauthorized {
					t.Errorf("Receive: %v", err)
				}
			}
		})
	}
	for i := range 200 {
		ch := sdk.Channel{Name: "livechat", Role: envelope.RoleCustomer,
			Settings: sdk.NewSettings([]byte(strings.Replace(livechat, testToken, fmt.Sprintf("t%d", i%2), 1)))}
		if _, err := a.Configure(t.Context(), ch); err != nil {
			t.Fatal(err)
		}
	}
	wg.Wait()
	if _, err := a.Receive(t.Context(), request(edit(testToken, "t1"))); err != nil {
		t.Errorf("the last configuration is not used: %v", err)
	}
}
