package main

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	testToken = "hook-token"
	testKey   = "app-secret-key"
)

// botJSON returns the settings of a channel with a webhook token. address is the base URL.
func botJSON(address string) string {
	return `{"base_url":"` + address + `","api_key":"` + testKey + `","webhook_token":"` + testToken + `"}`
}

// extend returns settings with additional JSON members.
func extend(settings, members string) string {
	return strings.TrimSuffix(settings, "}") + "," + members + "}"
}

// configured returns an adapter with a channel of the role bot. Its name is faq.
func configured(t testing.TB, settings string, client *http.Client) *adapter {
	t.Helper()
	return inRole(t, envelope.RoleBot, settings, client)
}

// inRole returns an adapter with a channel of this role. Its name is faq.
func inRole(t testing.TB, role envelope.Role, settings string, client *http.Client) *adapter {
	t.Helper()
	a := newAdapter()
	a.now = func() time.Time { return time.Date(2025, 6, 1, 12, 0, 0, 0, time.UTC) }
	if _, err := a.Configure(context.Background(), channelOf(role, settings, client)); err != nil {
		t.Fatalf("configure: %v", err)
	}
	return a
}

func channelOf(role envelope.Role, settings string, client *http.Client) sdk.Channel {
	return sdk.Channel{
		Name: "faq", Role: role, Settings: sdk.NewSettings([]byte(settings)),
		Host: sdk.Host{Logger: slog.New(slog.DiscardHandler), HTTP: client},
	}
}

// request returns an authenticated call of the message webhook.
func request(body string) *sdk.Request { return requestTo("/webhooks/botwebhook/faq", body) }

// handoffRequest returns an authenticated call of a hand-off.
func handoffRequest(call, body string) *sdk.Request {
	return requestTo("/webhooks/botwebhook/faq"+call, body)
}

func requestTo(path, body string) *sdk.Request {
	return &sdk.Request{
		Channels: []string{"faq"}, Method: http.MethodPost, Host: "gw.example", Path: path, FullPath: path,
		Header: http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer " + testToken}},
		Body:   []byte(body),
	}
}
