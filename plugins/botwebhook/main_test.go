package main

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"testing"

	"go.uber.org/goleak"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	testToken = "hook-token"
	testKey   = "app-secret-key"
)

// agent is a channel whose API is at address and whose webhook asks for a token.
func agent(address string) string {
	return `{"base_url":"` + address + `","api_key":"` + testKey + `","webhook_token":"` + testToken + `"}`
}

// configured returns an adapter with a channel named faq.
func configured(t testing.TB, settings string, client *http.Client) *adapter {
	t.Helper()
	a := newAdapter()
	ch := sdk.Channel{
		Name: "faq", Role: envelope.RoleBot, Settings: sdk.NewSettings([]byte(settings)),
		Host: sdk.Host{Logger: slog.New(slog.NewTextHandler(io.Discard, nil)), HTTP: client},
	}
	if _, err := a.Configure(context.Background(), ch); err != nil {
		t.Fatalf("configure: %v", err)
	}
	return a
}

// request is a call of the webhook with the right token.
func request(body string) *sdk.Request {
	return &sdk.Request{
		Channels: []string{"faq"}, Method: http.MethodPost, Host: "gw.example",
		Path: "/webhooks/botwebhook/faq", FullPath: "/webhooks/botwebhook/faq",
		Header: http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer " + testToken}},
		Body:   []byte(body),
	}
}
