package main

import (
	"log/slog"
	"strings"
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
		`"required":["base_url","api_key"]`, `"x-vendor-address":true`, `"x-secret":true`,
		`"enum":["per_term","per_conversation"]`, `"default":"per_term"`,
	} {
		if !strings.Contains(compact, want) {
			t.Errorf("schema lacks %s:\n%s", want, schema)
		}
	}
	if d.Name != "botwebhook" || !d.Capabilities.History || d.Capabilities.Idempotent {
		t.Errorf("description %+v", d)
	}
}

func TestConfigureEndpoint(t *testing.T) {
	perConversation := `{"base_url":"https://api.gptbots.ai","api_key":"k","threads":"per_conversation"}`
	tests := []struct {
		name, channel, settings string
		want                    sdk.Endpoint
		warns                   []string // paths
	}{
		{"defaults", "faq", agent("https://api.gptbots.ai"), endpoint("/webhooks/botwebhook/faq", sdk.ThreadsPerTerm), nil},
		{"no token", "faq", perConversation, endpoint("/webhooks/botwebhook/faq", sdk.ThreadsPerConversation), []string{"webhook_token"}},
		{"odd name", "a/{b}", agent("https://api.gptbots.ai"),
			endpoint("/webhooks/botwebhook/a%2F%7Bb%7D", sdk.ThreadsPerTerm), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ch := sdk.Channel{
				Name: tt.channel, Role: envelope.RoleBot, Settings: sdk.NewSettings([]byte(tt.settings)),
				Host: sdk.Host{Logger: slog.New(slog.DiscardHandler)},
			}
			got, err := newAdapter().Configure(t.Context(), ch)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("endpoint (-want +got):\n%s", diff)
			}
			var warns []string
			for _, p := range newAdapter().Validate(ch) {
				if !p.Warning {
					t.Errorf("a channel that is taken has a problem: %v", p)
				}
				warns = append(warns, p.Path)
			}
			if diff := cmp.Diff(tt.warns, warns); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
		})
	}
}

func endpoint(pattern string, threads sdk.ThreadMode) sdk.Endpoint {
	return sdk.Endpoint{
		Paths:   []sdk.Path{{Pattern: pattern, Methods: []string{"POST"}, ContentTypes: []string{"application/json"}}},
		Refusal: sdk.Refusal{ContentType: "application/json", Body: `{"code":{{status}},"msg":"{{text}}"}`},
		Threads: threads,
	}
}

// TestRefusalTemplate holds the gateway's refusals and ours to one form.
func TestRefusalTemplate(t *testing.T) {
	fromTemplate := strings.NewReplacer("{{status}}", "413", "{{text}}", "too large").Replace(refusalTemplate)
	if own := string(refusalBody(413, "too large")); own != fromTemplate {
		t.Errorf("template gives %s, the adapter %s", fromTemplate, own)
	}
}

func TestValidate(t *testing.T) {
	good := agent("https://api-sg.gptbots.ai")
	tests := []struct {
		name, settings string
		role           envelope.Role
		want           []string // paths of the problems
	}{
		{name: "good", settings: good},
		{name: "good, with a path", settings: agent("http://proxy.internal:8080/gptbots/")},
		{name: "empty", settings: `{}`, want: []string{"base_url", "api_key"}},
		{name: "customer", settings: good, role: envelope.RoleCustomer, want: []string{"role"}},
		{name: "observer", settings: good, role: envelope.RoleObserver, want: []string{"role"}},
		{name: "unknown setting", settings: strings.Replace(good, "api_key", "apikey", 1), want: []string{""}},
		{name: "no scheme", settings: agent("api-sg.gptbots.ai"), want: []string{"base_url"}},
		{name: "other scheme", settings: agent("wss://api-sg.gptbots.ai"), want: []string{"base_url"}},
		{name: "not an address", settings: agent("https://%zz"), want: []string{"base_url"}},
		{name: "credentials", settings: agent("https://u:p@api-sg.gptbots.ai"), want: []string{"base_url"}},
		{name: "query", settings: agent("https://api-sg.gptbots.ai?x=1"), want: []string{"base_url"}},
		{name: "empty query", settings: agent("https://api-sg.gptbots.ai?"), want: []string{"base_url"}},
		{name: "fragment", settings: agent("https://api-sg.gptbots.ai#x"), want: []string{"base_url"}},
		{name: "key with a line end", settings: strings.Replace(good, testKey, `k\n`, 1), want: []string{"api_key"}},
		{name: "token with a line end", settings: strings.Replace(good, testToken, `t\n`, 1), want: []string{"webhook_token"}},
		{name: "token with a blank", settings: strings.Replace(good, testToken, ` t`, 1), want: []string{"webhook_token"}},
		{name: "unknown threads", settings: strings.Replace(good, "{", `{"threads":"per_day",`, 1), want: []string{"threads"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			role := tt.role
			if role == "" {
				role = envelope.RoleBot
			}
			a := newAdapter()
			ch := sdk.Channel{Name: "faq", Role: role, Settings: sdk.NewSettings([]byte(tt.settings)),
				Host: sdk.Host{Logger: slog.New(slog.DiscardHandler)}}
			var got []string
			for _, p := range a.Validate(ch) {
				if p.Message == "" || strings.Contains(p.Message, testKey) {
					t.Errorf("problem with %q says %q", p.Path, p.Message)
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
			if err != nil && (sdk.KindOf(err) != sdk.KindInvalid || !strings.Contains(err.Error(), "faq")) {
				t.Errorf("Configure: %v; want an invalid error that names the channel", err)
			}
			if err != nil && a.channel("faq") != nil {
				t.Error("a refused configuration took effect")
			}
		})
	}
}
