package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"patchbay/plugins/internal/golden"
	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// TestReceiveGolden receives each message of a website in testdata/in.
func TestReceiveGolden(t *testing.T) {
	a := configured(t, map[string]string{"livechat": livechat}, nil)
	golden.Run(t, "testdata/in", func(t *testing.T, _ string, body []byte) []byte {
		return received(t, a, request(string(body)))
	})
}

// TestReceiveAnswerGolden receives each answer of a far end in testdata/in/bot.
func TestReceiveAnswerGolden(t *testing.T) {
	a := withBots(t, configured(t, nil, nil), map[string]string{"faq": faq, "relay": relay}, nil)
	golden.Run(t, "testdata/in/bot", func(t *testing.T, _ string, body []byte) []byte {
		channel := "faq"
		if bytes.Contains(body, []byte(`"vendorMessageId"`)) {
			channel = "relay"
		}
		return received(t, a, answer(t, channel, string(body)))
	})
}

// received returns the result of a call as text.
func received(t *testing.T, a *adapter, req *sdk.Request) []byte {
	t.Helper()
	got, err := a.Receive(t.Context(), req)
	if err != nil {
		t.Fatalf("Receive: %v", err)
	}
	type rawText struct { // an envelope with Raw as JSON
		*envelope.Envelope
		Raw json.RawMessage `json:"raw,omitempty"`
	}
	var envelopes []rawText
	for _, e := range golden.Declared(t, newAdapter().Describe(), golden.Valid(t, got.Envelopes)) {
		envelopes = append(envelopes, rawText{e, e.Raw})
	}
	return golden.JSON(t, struct {
		Answer    string    `json:"answer"`
		Envelopes []rawText `json:"envelopes"`
	}{fmt.Sprintf("%d %s %s", got.Response.Status, got.Response.ContentType, got.Response.Body), envelopes})
}

// TestDeliverGolden delivers each answer in testdata/out and records the call to the website.
func TestDeliverGolden(t *testing.T) {
	var seen bytes.Buffer
	srv := recorder(t, &seen, "thanks, this is not JSON")
	a := configured(t, map[string]string{"livechat": replyingTo(srv.URL + "/replies?site=7")}, srv.Client())
	golden.Run(t, "testdata/out", func(t *testing.T, _ string, input []byte) []byte {
		return delivered(t, a, &seen, readDelivery(t, input))
	})
}

// TestDeliverMessageGolden delivers each message in testdata/out/bot and records the call to the far end.
func TestDeliverMessageGolden(t *testing.T) {
	var seen bytes.Buffer
	srv := recorder(t, &seen, "{}")
	a := withBots(t, configured(t, nil, nil), map[string]string{
		"faq":   strings.Replace(faq, "https://proxy.example", srv.URL, 1),
		"relay": strings.Replace(relay, "https://relay.example", srv.URL, 1),
		"named": strings.Replace(faq, `"https://proxy.example"`, `"`+srv.URL+`/","target_agents":["example_qa","second"]`, 1),
	}, srv.Client())
	golden.Run(t, "testdata/out/bot", func(t *testing.T, _ string, input []byte) []byte {
		return delivered(t, a, &seen, readDelivery(t, input))
	})
}

// TestDeliverCopyGolden delivers each copy in testdata/out/observer and records the call to the observer.
func TestDeliverCopyGolden(t *testing.T) {
	var seen bytes.Buffer
	srv := recorder(t, &seen, "")
	a := configured(t, nil, nil)
	settings := strings.NewReplacer("https://audit.example", srv.URL, "audit-sesame", "site-secret").Replace(audit)
	configure(t, a, envelope.RoleObserver, "audit", settings, srv.Client())
	golden.Run(t, "testdata/out/observer", func(t *testing.T, _ string, input []byte) []byte {
		return delivered(t, a, &seen, readDelivery(t, input))
	})
}

func recorder(t *testing.T, seen *bytes.Buffer, answer string) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		golden.WriteRequest(seen, r, map[string]string{"site-secret": "(reply token)", testToken: "(access token)"})
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(srv.Close)
	return srv
}

// delivered returns the result of a delivery as text.
func delivered(t *testing.T, a *adapter, seen *bytes.Buffer, d *sdk.Delivery) []byte {
	t.Helper()
	seen.Reset()
	receipt, err := a.Deliver(t.Context(), d)
	if err != nil {
		t.Fatalf("Deliver: %v", err)
	}
	fmt.Fprintf(seen, "\ndegraded: %q\n", receipt.Degraded)
	return bytes.Clone(seen.Bytes())
}

// replyingTo returns the settings of a channel with a reply token and signed answers.
func replyingTo(address string) string {
	return strings.Replace(livechat, `"https://site.example/replies"`, `"`+address+`","reply_token":"site-secret","reply_secret":"`+
		testSecret+`"`, 1)
}

func readDelivery(t testing.TB, input []byte) *sdk.Delivery {
	t.Helper()
	d := struct {
		Channel  string             `json:"channel"`
		Thread   string             `json:"thread"`
		Copy     *sdk.Copy          `json:"copy"`
		Envelope *envelope.Envelope `json:"envelope"`
	}{Channel: "livechat"}
	if err := json.Unmarshal(input, &d); err != nil {
		t.Fatal(err)
	}
	return &sdk.Delivery{Channel: d.Channel, Key: testKey, Attempt: 1, Thread: d.Thread, Copy: d.Copy, Envelope: d.Envelope}
}
