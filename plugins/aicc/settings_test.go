package main

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

func TestInvalidSettings(t *testing.T) {
	tests := []struct {
		name    string
		role    envelope.Role
		changes map[string]any
		path    string
		want    string // part of the message; "" means that the settings are valid
	}{
		{name: "as documented"},
		{name: "bearer", changes: map[string]any{"verify": map[string]any{"mode": "bearer", "token": "t"}}},
		{name: "plain http", changes: map[string]any{"base_url": "http://10.0.0.1:28070/"}},
		{name: "customer", role: envelope.RoleCustomer, path: "role", want: "set it to agent"},
		{name: "bot", role: envelope.RoleBot, path: "role", want: "set it to agent"},
		{name: "observer", role: envelope.RoleObserver, path: "role", want: "set it to agent"},
		{name: "no base_url", changes: map[string]any{"base_url": nil}, path: "base_url", want: "empty"},
		{name: "relative base_url", changes: map[string]any{"base_url": "aicc.example.com"}, path: "base_url", want: "http or https"},
		{name: "other scheme", changes: map[string]any{"base_url": "ftp://a"}, path: "base_url", want: "http or https"},
		{name: "no host", changes: map[string]any{"base_url": "https:///x"}, path: "base_url", want: "http or https"},
		{name: "password", changes: map[string]any{"base_url": "https://u:pw-x@a"}, path: "base_url", want: "password"},
		{name: "query", changes: map[string]any{"base_url": "https://a?x=1"}, path: "base_url", want: "query"},
		{name: "not a URL", changes: map[string]any{"token_url": "https://a b\x7f"}, path: "token_url", want: "http or https"},
		{name: "no token_url", changes: map[string]any{"token_url": ""}, path: "token_url", want: "full URL"},
		{name: "no app_key", changes: map[string]any{"app_key": " "}, path: "app_key", want: "API Fabric"},
		{name: "no app_secret", changes: map[string]any{"app_secret": ""}, path: "app_secret", want: "API Fabric"},
		{name: "no channel_id", changes: map[string]any{"channel_id": nil}, path: "channel_id", want: "configuration id"},
		{name: "locale that is a number", changes: map[string]any{"locale": "7"}, path: "locale", want: "zh_CN"},
		{name: "empty locale", changes: map[string]any{"locale": ""}, path: "locale", want: "en_US"},
		{name: "no mode", changes: map[string]any{"verify": map[string]any{}}, path: "verify.mode", want: "signature or bearer"},
		{name: "no verify", changes: map[string]any{"verify": nil}, path: "verify.mode", want: "signature or bearer"},
		{name: "poll without verify", changes: map[string]any{"verify": nil, "inbound": "poll"}},
		{name: "unknown inbound", changes: map[string]any{"inbound": "mail"}, path: "inbound", want: "push or poll"},
		{name: "poll too often", changes: map[string]any{"poll_interval": "1ms"}, path: "poll_interval", want: "200ms"},
		{name: "token for two hours", changes: map[string]any{"token_life": "2h"}, path: "token_life", want: "to 1h"},
		{name: "token for a second", changes: map[string]any{"token_life": "1s"}, path: "token_life", want: "1m"},
		{name: "no bytes", changes: map[string]any{"max_file_bytes": 0}, path: "max_file_bytes", want: "from 1"},
		{name: "too many bytes", changes: map[string]any{"max_file_bytes": 5<<20 + 1}, path: "max_file_bytes", want: "5242880"},
		{name: "unknown upload type", changes: map[string]any{"upload_media_type": "x"}, path: "upload_media_type",
			want: "plain or file"},
		{name: "unknown store", changes: map[string]any{"files": "x"}, path: "files", want: "both, local or library"},
		{name: "two keys", changes: map[string]any{"verify.previous_secret_key": previousKey, "verify.previous_access_key": "y"}},
		{name: "base_url with a path", changes: map[string]any{"base_url": "https://proxy.example.com/aicc/"}},
		{name: "base_url of a call", path: "base_url", want: "must end before",
			changes: map[string]any{"base_url": "https://service.besclouds.com/apiaccess/ccmessaging/send"}},
		{name: "base_url of all calls", path: "base_url", want: "must end before",
			changes: map[string]any{"base_url": "https://service.besclouds.com/apiaccess/ccmessaging"}},
		{name: "negative limit", changes: map[string]any{"send_failed_limit": -1}, path: "send_failed_limit",
			want: "0 (never)"},
		{name: "limit too high", changes: map[string]any{"send_failed_limit": 101}, path: "send_failed_limit",
			want: "to 100"},
		{name: "space in the previous access key", path: "verify.previous_access_key", want: "space",
			changes: map[string]any{"verify.previous_secret_key": previousKey, "verify.previous_access_key": "a b"}},
		{name: "previous access key without a key", path: "verify.previous_access_key", want: "previous_secret_key",
			changes: map[string]any{"verify.previous_access_key": "y"}},
		{name: "unknown mode", changes: map[string]any{"verify.mode": "none"}, path: "verify.mode", want: "unknown"},
		{name: "no secret_key", changes: map[string]any{"verify.secret_key": nil}, path: "verify.secret_key", want: "push key"},
		{name: "no token", changes: map[string]any{"verify.mode": "bearer"}, path: "verify.token", want: "token that AICC sends"},
		{name: "slash in access_key", changes: map[string]any{"verify.access_key": "a/b"}, path: "verify.access_key", want: "slash"},
		{name: "window zero", changes: map[string]any{"verify.window": "0s"}, path: "verify.window", want: "5m"},
		{name: "window of days", changes: map[string]any{"verify.window": "48h"}, path: "verify.window", want: "24h"},
		{name: "URL as host", changes: map[string]any{"verify.host": "https://a/"}, path: "verify.host", want: "optional port"},
		{name: "proxied path", changes: map[string]any{"verify.path": "/desk/webhooks/v1/messages"}},
		{name: "URL as path", changes: map[string]any{"verify.path": "https://a/b"}, path: "verify.path", want: "complete path"},
		{name: "path with a query", changes: map[string]any{"verify.path": "/a?b"}, path: "verify.path", want: "complete path"},
		{name: "unknown key", changes: map[string]any{"verify.secretkey": "x"}, want: "verify.secretkey"},
		{name: "wrong type", changes: map[string]any{"app_secret": 5}, want: "app_secret"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ch := testChannel(t, "desk", tt.changes)
			if tt.role != "" {
				ch.Role = tt.role
			}
			a := newAdapter()
			problems := a.Validate(ch)
			_, err := a.Configure(t.Context(), ch)
			if tt.want == "" {
				if len(problems) > 0 || err != nil {
					t.Fatalf("Validate = %v, Configure = %v; want neither", problems, err)
				}
				return
			}
			if len(problems) != 1 || problems[0].Path != tt.path || !strings.Contains(problems[0].Message, tt.want) {
				t.Errorf("Validate = %+v; want one problem at %q with %q", problems, tt.path, tt.want)
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "desk") {
				t.Errorf("Configure = %v; want an error with the channel's name and %q", err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), "pw-x") {
				t.Errorf("the error contains a password: %v", err)
			}
		})
	}
}

// Settings of the other inbound mode are a warning.
func TestVerifyWithPollIsAWarning(t *testing.T) {
	ch := testChannel(t, "desk", map[string]any{"inbound": "poll"})
	a := newAdapter()
	problems := a.Validate(ch)
	if len(problems) != 1 || !problems[0].Warning || problems[0].Path != "verify" {
		t.Errorf("Validate = %+v; want one warning about verify", problems)
	}
	if _, err := a.Configure(t.Context(), ch); err != nil {
		t.Errorf("Configure = %v", err)
	}
}

// A push key that AICC's console cannot generate is a warning, because it is probably truncated.
func TestSuspiciousPushKeysAreAWarning(t *testing.T) {
	for name, key := range map[string]string{
		"truncated": testSecretKey[:42], "too long": testSecretKey + "x", "with a dash": "-" + testSecretKey[1:],
		"not ASCII": "ä" + testSecretKey[2:],
	} {
		for _, path := range []string{"verify.secret_key", "verify.previous_secret_key"} {
			ch := testChannel(t, "desk", map[string]any{path: key})
			a := newAdapter()
			problems := a.Validate(ch)
			if len(problems) != 1 || !problems[0].Warning || problems[0].Path != path || strings.Contains(problems[0].Message, key) {
				t.Errorf("%s: Validate = %+v; want one warning about %s", name, problems, path)
			}
			if _, err := a.Configure(t.Context(), ch); err != nil {
				t.Errorf("%s: Configure = %v", name, err)
			}
		}
	}
}

func TestAllProblemsAreReported(t *testing.T) {
	ch := testChannel(t, "desk", map[string]any{"base_url": "", "app_key": "", "verify.mode": "bearer"})
	if got := newAdapter().Validate(ch); len(got) != 3 {
		t.Errorf("Validate = %v; want 3 problems", got)
	}
}

func TestDeclinedReasonsAreDeclared(t *testing.T) {
	reasons := newAdapter().Describe().ReasonCodes
	for _, c := range []cause{causeOther, causeHours, causeNoAgent, causeRobot, causeChannel, causeSend} {
		if kind, reason := openError(c); kind == sdk.KindDeclined && reasons[reason] == "" {
			t.Errorf("reason %q is not declared", reason)
		}
	}
}

// A channel is refused if its messages cannot be distinguished from the messages of another channel.
func TestChannelsThatShareMessagesAreRefused(t *testing.T) {
	for _, tt := range []struct {
		name, channel, prefix, id string
		first, second             map[string]any
		refused                   bool
	}{
		{name: "the same id", channel: "second", id: testChannelID, refused: true},
		{name: "itself", channel: "desk", id: testChannelID},
		{name: "another id", channel: "second", id: otherChannel},
		{name: "another prefix", channel: "second", prefix: "/x", id: testChannelID},
		{name: "both poll", channel: "second", prefix: "/x", id: testChannelID, first: polling(nil), second: polling(nil),
			refused: true},
		{name: "both poll, at two addresses", channel: "second", id: testChannelID, first: polling(nil),
			second: polling(map[string]any{"base_url": "https://other.example.com"})},
		{name: "one polls", channel: "second", id: testChannelID, second: polling(nil)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := newAdapter()
			if _, err := a.Configure(t.Context(), testChannel(t, "desk", tt.first)); err != nil {
				t.Fatal(err)
			}
			changes := map[string]any{"channel_id": tt.id}
			maps.Copy(changes, tt.second)
			ch := testChannel(t, tt.channel, changes)
			ch.Prefix = tt.prefix
			_, err := a.Configure(t.Context(), ch)
			if !tt.refused {
				if err != nil {
					t.Error(err)
				}
				return
			}
			e, ok := errors.AsType[*sdk.Error](err)
			if !ok || e.Kind != sdk.KindInvalid || e.Field != "channel_id" || !strings.Contains(e.Text, "channel desk") {
				t.Errorf("error = %v; want one about channel_id with the other channel's name", err)
			}
		})
	}
}
