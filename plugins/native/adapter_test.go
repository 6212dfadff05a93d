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

func TestDescribe(t *testing.T) {
	d := newAdapter().Describe()
	schema, err := sdk.Schema(d.Settings)
	if err != nil {
		t.Fatalf("settings have no schema: %v", err)
	}
	compact := strings.Join(strings.Fields(string(schema)), "")
	for _, want := range []string{
		`"required":["organization","chatbot","access_token","reply_url"]`, `"x-vendor-address":true`, `"x-secret":true`,
	} {
		if !strings.Contains(compact, want) {
			t.Errorf("schema lacks %s:\n%s", want, schema)
		}
	}
	if d.Name != "native" || !d.Capabilities.Idempotent {
		t.Errorf("description %+v", d)
	}
}

func TestConfigureEndpoint(t *testing.T) {
	ch := sdk.Channel{Name: "livechat", Role: envelope.RoleCustomer, Settings: sdk.NewSettings([]byte(livechat))}
	got, err := newAdapter().Configure(t.Context(), ch)
	if err != nil {
		t.Fatal(err)
	}
	want := sdk.Endpoint{
		Paths: []sdk.Path{{
			Pattern: "/mp/webhooks/native/messages/{organization}/{chatbotName}",
			Methods: []string{"POST"}, ContentTypes: []string{"application/json"},
		}},
		Refusal: sdk.Refusal{
			ContentType: "application/json",
			Body:        `{"error":{"status":{{status}},"message":"{{text}}"}}`,
		},
		Threads: sdk.ThreadsPerConversation,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("endpoint (-want +got):\n%s", diff)
	}
}

// TestRefusalTemplate holds the gateway's refusals and ours to one form.
func TestRefusalTemplate(t *testing.T) {
	fromTemplate := strings.NewReplacer("{{status}}", "413", "{{text}}", "too large").Replace(refusalTemplate)
	if own := string(refusalBody(413, "", "too large")); own != fromTemplate {
		t.Errorf("template gives %s, the adapter %s", fromTemplate, own)
	}
}

func TestValidate(t *testing.T) {
	tests := []struct {
		name, settings string
		role           envelope.Role
		want           []string // paths of the problems
	}{
		{name: "good", settings: livechat},
		{name: "empty", settings: `{}`, want: []string{"organization", "chatbot", "access_token", "reply_url"}},
		{name: "bot", settings: livechat, role: envelope.RoleBot, want: []string{"role"}},
		{name: "agent", settings: livechat, role: envelope.RoleAgent, want: []string{"role"}},
		{name: "unknown setting", settings: strings.Replace(livechat, "chatbot", "chatbots", 1), want: []string{""}},
		{name: "relative address", settings: strings.Replace(livechat, "https://site.example", "", 1),
			want: []string{"reply_url"}},
		{name: "no scheme", settings: strings.Replace(livechat, "https://", "", 1), want: []string{"reply_url"}},
		{name: "other scheme", settings: strings.Replace(livechat, "https", "ftp", 1), want: []string{"reply_url"}},
		{name: "credentials", settings: strings.Replace(livechat, "site", "u:p@site", 1), want: []string{"reply_url"}},
		{name: "fragment", settings: strings.Replace(livechat, "replies", "replies#top", 1), want: []string{"reply_url"}},
		{name: "not an address", settings: strings.Replace(livechat, "https://", "https://%zz", 1), want: []string{"reply_url"}},
		{name: "dot segment", settings: strings.Replace(livechat, `"d8ai"`, `".."`, 1), want: []string{"organization"}},
		{name: "name too long", settings: strings.Replace(livechat, `d8ai_chatbot`, strings.Repeat("x", 65), 1),
			want: []string{"chatbot"}},
		{name: "control character", settings: strings.Replace(livechat, `"d8ai"`, `"d8\tai"`, 1), want: []string{"organization"}},
		{name: "reply token with a line end", settings: strings.Replace(livechat, `{`, `{"reply_token":"x\n",`, 1),
			want: []string{"reply_token"}},
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
				if p.Message == "" {
					t.Errorf("problem with %q has no message", p.Path)
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
				t.Errorf("Configure: %v; want an invalid error that names the channel", err)
			}
			if err != nil && a.channel("livechat") != nil {
				t.Error("a refused configuration took effect")
			}
		})
	}
}

// TestTwins refuses a channel whose calls could be another's as well.
func TestTwins(t *testing.T) {
	other := func(old, new string) string { return strings.Replace(livechat, old, new, 1) }
	for _, tt := range []struct {
		name, channel, prefix, settings string
		refused                         bool
	}{
		{"the same again", "second", "", livechat, true},
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
				t.Errorf("error = %v; want one of access_token that names the other channel", err)
			}
			if a.channel(tt.channel) != nil {
				t.Error("a refused channel took effect")
			}
		})
	}
}

// TestReconfigure changes a token while calls come in: each call sees the old or the new account.
func TestReconfigure(t *testing.T) {
	a := configured(t, map[string]string{"livechat": livechat}, http.DefaultClient)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range 200 {
				token := fmt.Sprintf("t%d", i%2)
				if _, err := a.Receive(context.Background(), request(say(testToken, token))); err == nil {
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
	if _, err := a.Receive(t.Context(), request(say(testToken, "t1"))); err != nil {
		t.Errorf("the last configuration is not in force: %v", err)
	}
}
