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
	testToken = "fc41..........."
	testPath  = "/mp/webhooks/native/messages/d8ai/d8ai_chatbot"
	testKey   = "0b7c2e0a-7f0e-5c52-9b1f-0d7f6a4a1c11"
)

// livechat is the channel that the vendor's own example addresses.
const livechat = `{"organization":"d8ai","chatbot":"d8ai_chatbot","access_token":"` + testToken +
	`","reply_url":"https://site.example/replies"}`

// configured returns an adapter with the given channels, all of role customer.
func configured(t testing.TB, channels map[string]string, client *http.Client) *adapter {
	t.Helper()
	a := newAdapter()
	for name, settings := range channels {
		ch := sdk.Channel{
			Name: name, Role: envelope.RoleCustomer, Settings: sdk.NewSettings([]byte(settings)),
			Host: sdk.Host{Logger: slog.New(slog.NewTextHandler(io.Discard, nil)), HTTP: client},
		}
		if _, err := a.Configure(context.Background(), ch); err != nil {
			t.Fatalf("configure %s: %v", name, err)
		}
	}
	return a
}

// request is a call on the vendor's example path.
func request(body string) *sdk.Request {
	return &sdk.Request{
		Channels: []string{"livechat"}, Method: http.MethodPost, Host: "gw.example", Path: testPath, FullPath: testPath,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(body),
	}
}
