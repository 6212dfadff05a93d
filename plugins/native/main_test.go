package main

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"go.uber.org/goleak"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
	"patchbay/sdk/webhook"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	testToken = "fc41..........."
	testPath  = "/mp/webhooks/native/messages/d8ai/d8ai_chatbot"
	testKey   = "0b7c2e0a-7f0e-5c52-9b1f-0d7f6a4a1c11"
	// testSecret and previousSecret are Standard Webhooks secrets.
	testSecret     = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	previousSecret = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
	// testUser is the gateway's id of a customer in role bot.
	testUser = "0123456789abcdef0123456789abcdef"
)

// testNow is the adapter's clock in tests.
var testNow = time.Unix(1795334400, 0).UTC() // 2026-11-22T08:00:00Z

// livechat contains the settings of a channel of the role customer, with the names of the vendor's example.
const livechat = `{"organization":"d8ai","chatbot":"d8ai_chatbot","access_token":"` + testToken +
	`","reply_url":"https://site.example/replies"}`

// audit contains the settings of a channel of the role observer.
const audit = `{"reply_url":"https://audit.example/copies","reply_token":"audit-sesame"}`

// faq contains the settings of a channel of the role bot. Its answers need a bearer token. The far end of relay is
// another Patchbay, whose answers also need a signature.
const (
	faq = `{"organization":"d8ai","chatbot":"d8ai_chatbot","access_token":"` + testToken +
		`","base_url":"https://proxy.example","answer_token":"answer-sesame"}`
	relay = `{"organization":"d8ai","chatbot":"d8ai_chatbot","access_token":"` + testToken +
		`","base_url":"https://relay.example/x","far_end":"patchbay","answer_token":"answer-sesame","answer_secret":"` +
		testSecret + ` ` + previousSecret + `"}`
)

// configured returns an adapter with channels of the role customer.
func configured(t testing.TB, channels map[string]string, client *http.Client) *adapter {
	t.Helper()
	a := newAdapter()
	a.now = func() time.Time { return testNow }
	for name, settings := range channels {
		configure(t, a, envelope.RoleCustomer, name, settings, client)
	}
	return a
}

// withBots adds channels of the role bot.
func withBots(t testing.TB, a *adapter, channels map[string]string, client *http.Client) *adapter {
	t.Helper()
	for name, settings := range channels {
		configure(t, a, envelope.RoleBot, name, settings, client)
	}
	return a
}

func configure(t testing.TB, a *adapter, role envelope.Role, name, settings string, client *http.Client) sdk.Endpoint {
	t.Helper()
	ch := sdk.Channel{
		Name: name, Role: role, Settings: sdk.NewSettings([]byte(settings)),
		Host: sdk.Host{Logger: slog.New(slog.NewTextHandler(io.Discard, nil)), HTTP: client},
	}
	ep, err := a.Configure(context.Background(), ch)
	if err != nil {
		t.Fatalf("configure %s: %v", name, err)
	}
	return ep
}

// request returns a message on the path of the vendor's example.
func request(body string) *sdk.Request {
	return &sdk.Request{
		Channels: []string{"livechat"}, Method: http.MethodPost, Host: "gw.example", Path: testPath, FullPath: testPath,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(body),
	}
}

// answer returns an authenticated and signed answer for a channel of the role bot.
func answer(t testing.TB, channel, body string) *sdk.Request {
	t.Helper()
	path := answersPath + channel
	req := &sdk.Request{
		Channels: []string{channel}, Method: http.MethodPost, Host: "gw.example", Path: path, FullPath: path,
		Header: http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer answer-sesame"}}, Body: []byte(body),
	}
	sign(t, req, testKey, testNow, testSecret)
	return req
}

// sign signs a request as defined by Standard Webhooks.
func sign(t testing.TB, req *sdk.Request, id string, at time.Time, secrets string) {
	t.Helper()
	keys, err := webhook.ParseSigningKeys(secrets)
	if err != nil {
		t.Fatal(err)
	}
	if err := webhook.Sign(req.Header, id, at, req.Body, keys); err != nil {
		t.Fatal(err)
	}
}
