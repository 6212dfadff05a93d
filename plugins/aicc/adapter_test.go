package main

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// Credentials and ids of the tests. Golden files must not contain the secrets.
const (
	testSecretKey = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ"
	testAccessKey = "demoAccessKey01"
	testAppSecret = "app-secret-never-to-be-seen"
	testChannelID = "202105284494222653"
	otherChannel  = "202105284494222654"
	testUser      = "0123456789abcdef0123456789abcdef"
)

// testTime is the time of the tests' signatures.
var testTime = time.Date(2021, 7, 10, 6, 27, 33, 0, time.UTC)

// settingsJSON returns the settings of a channel with changes, by dotted path. A nil value removes a setting.
func settingsJSON(t testing.TB, changes map[string]any) []byte {
	t.Helper()
	tree := map[string]any{
		"base_url":   "https://aicc.example.com",
		"token_url":  "https://aicc.example.com/apigovernance/api/oauth/tokenByAkSk",
		"app_key":    "app-key",
		"app_secret": testAppSecret,
		"channel_id": testChannelID,
		"verify":     map[string]any{"mode": "signature", "secret_key": testSecretKey},
	}
	for path, v := range changes {
		m, key := tree, path
		if head, tail, nested := strings.Cut(path, "."); nested {
			m, key = tree[head].(map[string]any), tail
		}
		if m[key] = v; v == nil {
			delete(m, key)
		}
	}
	b, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// testChannel returns a channel as the SDK passes it to Configure.
func testChannel(t testing.TB, name string, changes map[string]any) sdk.Channel {
	t.Helper()
	return sdk.Channel{
		Name: name, Role: envelope.RoleAgent, Settings: sdk.NewSettings(settingsJSON(t, changes)),
		Host: sdk.Host{Logger: slog.New(slog.DiscardHandler), HTTP: http.DefaultClient},
	}
}

// testAdapter returns an adapter with these channels. Its clock always returns testTime.
func testAdapter(t testing.TB, channels ...sdk.Channel) *adapter {
	t.Helper()
	a := newAdapter()
	a.now = func() time.Time { return testTime }
	for _, ch := range channels {
		if _, err := a.Configure(t.Context(), ch); err != nil {
			t.Fatalf("configure: %v", err)
		}
	}
	return a
}
