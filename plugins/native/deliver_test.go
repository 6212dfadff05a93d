package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
	"patchbay/sdk/webhook"
)

func delivery() *sdk.Delivery {
	return &sdk.Delivery{Channel: "livechat", Key: testKey, Attempt: 1, Thread: "d8ai/d8ai_chatbot/u1",
		Envelope: &envelope.Envelope{ID: "e1", Kind: envelope.KindMessage, Sender: envelope.Sender{Role: envelope.RoleBot},
			Parts: []envelope.Part{envelope.TextPart("private words")}}}
}

// messageDelivery returns a delivery to a channel of the role bot.
func messageDelivery() *sdk.Delivery {
	return &sdk.Delivery{Channel: "faq", Key: testKey, Attempt: 1, Thread: testUser,
		Envelope: &envelope.Envelope{ID: "e1", Kind: envelope.KindMessage, Sender: envelope.Sender{Role: envelope.RoleCustomer},
			Parts: []envelope.Part{envelope.TextPart("private words")}}}
}

// proxyAt returns the settings of a channel of the role bot with this base URL.
func proxyAt(address string) string { return strings.Replace(faq, "https://proxy.example", address, 1) }

func TestStatusDecidesTheOutcome(t *testing.T) {
	tests := []struct {
		name   string
		status int
		header http.Header
		body   string
		kind   sdk.ErrorKind // "" is success
		after  time.Duration
	}{
		{name: "200", status: 200, body: `{}`},
		{name: "200 with a long object", status: 200, body: `{"x":"` + strings.Repeat("<p>", 100_000) + `"}`},
		{name: "200 behind a byte order mark", status: 200, body: "\ufeff {}"},
		{name: "201", status: 201},
		{name: "204", status: 204},
		{name: "301 is not followed", status: 301, header: http.Header{"Location": {"/elsewhere"}}, kind: sdk.KindPermanent},
		{name: "307 is not followed", status: 307, header: http.Header{"Location": {"/elsewhere"}}, kind: sdk.KindPermanent},
		{name: "400", status: 400, kind: sdk.KindPermanent},
		{name: "401", status: 401, kind: sdk.KindUnauthorized},
		{name: "403", status: 403, kind: sdk.KindUnauthorized},
		{name: "404", status: 404, kind: sdk.KindPermanent},
		{name: "408", status: 408, kind: sdk.KindTransient},
		{name: "413", status: 413, kind: sdk.KindUnsupported},
		{name: "429", status: 429, kind: sdk.KindThrottled},
		{name: "429 with a delay", status: 429, header: http.Header{"Retry-After": {"7"}}, kind: sdk.KindThrottled,
			after: 7 * time.Second},
		{name: "500", status: 500, body: `{"error":"x"}`, kind: sdk.KindTransient},
		{name: "502", status: 502, kind: sdk.KindTransient},
		{name: "503 with a delay", status: 503, header: http.Header{"Retry-After": {"30"}}, kind: sdk.KindTransient,
			after: 30 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var calls atomic.Int32
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				calls.Add(1)
				for name, values := range tt.header {
					w.Header()[name] = values
				}
				w.WriteHeader(tt.status)
				_, _ = io.WriteString(w, tt.body)
			}))
			defer srv.Close()
			client := srv.Client()
			client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
			a := withBots(t, configured(t, map[string]string{"livechat": replyingTo(srv.URL)}, client),
				map[string]string{"faq": proxyAt(srv.URL)}, client)
			for _, d := range []*sdk.Delivery{delivery(), messageDelivery()} {
				calls.Store(0)
				receipt, err := a.Deliver(t.Context(), d)
				if n := calls.Load(); n != 1 {
					t.Errorf("%s: %d calls, want 1", d.Channel, n)
				}
				if tt.kind == "" {
					if err != nil || receipt == nil {
						t.Fatalf("%s: got %v, %v; want a receipt", d.Channel, receipt, err)
					}
					continue
				}
				e, ok := errors.AsType[*sdk.Error](err)
				if !ok || e.Kind != tt.kind || e.Status != tt.status || e.After != tt.after {
					t.Errorf("%s: got %v, want kind %s, status %d, after %v", d.Channel, err, tt.kind, tt.status, tt.after)
				}
				checkNoSecrets(t, err)
			}
		})
	}
}

// A web page with status 200 is from a proxy or a login form, so that the delivery did not arrive. The vendor's
// document defines the response to a message, but no document defines the response of a website to an answer.
func TestOtherBodiesAreNoSuccess(t *testing.T) {
	for body, accepted := range map[string]struct{ customer, bot bool }{
		"<!DOCTYPE html><html>Service busy</html>": {false, false},
		"\ufeff\n<html>":               {false, false},
		strings.Repeat("<p>", 100_000): {false, false},
		"[]":                           {true, false},
		"OK":                           {true, false},
		" \n":                          {true, true},
		"{}":                           {true, true},
	} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }))
		defer srv.Close()
		a := withBots(t, configured(t, map[string]string{"livechat": replyingTo(srv.URL)}, srv.Client()),
			map[string]string{"faq": proxyAt(srv.URL)}, srv.Client())
		for d, want := range map[*sdk.Delivery]bool{delivery(): accepted.customer, messageDelivery(): accepted.bot} {
			_, err := a.Deliver(t.Context(), d)
			if e, ok := errors.AsType[*sdk.Error](err); want != (err == nil) || ok && (e.Kind != sdk.KindUnknown || e.Status != 0) {
				t.Errorf("%s, %.20q: %v; want success %v", d.Channel, body, err, want)
			}
		}
	}
}

// checkNoSecrets checks that an error contains neither secrets nor the message.
func checkNoSecrets(t *testing.T, err error) {
	t.Helper()
	for _, secret := range []string{"site-secret", "private words", testToken, "sesame", "whsec_"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%q contains %q", err, secret)
		}
	}
}

// Transport errors contain neither the message nor the address, because its query can contain a secret.
func TestTransportErrors(t *testing.T) {
	for cause, want := range map[error]sdk.ErrorKind{
		syscall.ECONNREFUSED: sdk.KindTransient, io.ErrUnexpectedEOF: sdk.KindUnknown, context.Canceled: sdk.KindUnknown,
	} {
		client := &http.Client{Transport: &fakeFarEnd{next: func() (int, error) { return 0, cause }}}
		a := configured(t, map[string]string{"livechat": replyingTo("https://site.example/?key=sesame")}, client)
		_, err := a.Deliver(t.Context(), delivery())
		if sdk.KindOf(err) != want || !errors.Is(err, cause) {
			t.Errorf("%v: got %v, want kind %s", cause, err, want)
		}
		checkNoSecrets(t, err)
	}
}

func TestInvalidDeliveriesMakeNoCall(t *testing.T) {
	var calls atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls.Add(1) }))
	defer srv.Close()
	a := withBots(t, configured(t, map[string]string{"livechat": replyingTo(srv.URL)}, srv.Client()),
		map[string]string{"faq": proxyAt(srv.URL)}, srv.Client())
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	tests := []struct {
		name   string
		ctx    context.Context
		change func(*sdk.Delivery)
		kind   sdk.ErrorKind
	}{
		{"ended context", ended, func(*sdk.Delivery) {}, sdk.KindTransient},
		{"unknown channel", t.Context(), func(d *sdk.Delivery) { d.Channel = "other" }, sdk.KindTransient},
		{"thread of two names", t.Context(), func(d *sdk.Delivery) { d.Thread = "d8ai/u1" }, sdk.KindInvalid},
		{"thread of four names", t.Context(), func(d *sdk.Delivery) { d.Thread += "/x" }, sdk.KindInvalid},
		{"thread with an empty name", t.Context(), func(d *sdk.Delivery) { d.Thread = "d8ai//u1" }, sdk.KindInvalid},
		{"no parts", t.Context(), func(d *sdk.Delivery) { d.Envelope.Parts = nil }, sdk.KindInvalid},
		{"echo", t.Context(), func(d *sdk.Delivery) { d.Envelope.Kind = envelope.KindEcho }, sdk.KindUnsupported},
		{"read", t.Context(), func(d *sdk.Delivery) { d.Envelope.Kind = envelope.KindRead }, sdk.KindUnsupported},
		{"not UTF-8", t.Context(), func(d *sdk.Delivery) { d.Envelope.Sender.Name = "\xff" }, sdk.KindInvalid},
		{"key that cannot be signed", t.Context(), func(d *sdk.Delivery) { d.Key = "a.b" }, sdk.KindInvalid},
		{"message, ended context", ended, func(d *sdk.Delivery) { *d = *messageDelivery() }, sdk.KindTransient},
		{"message without a thread", t.Context(), func(d *sdk.Delivery) { *d = *messageDelivery(); d.Thread = "" }, sdk.KindInvalid},
		{"message without text", t.Context(), func(d *sdk.Delivery) { *d = *messageDelivery(); d.Envelope.Parts = nil }, sdk.KindInvalid},
		{"message not UTF-8", t.Context(), func(d *sdk.Delivery) { *d = *messageDelivery(); d.Thread = "\xff" }, sdk.KindInvalid},
		{"event for a proxy", t.Context(), func(d *sdk.Delivery) { *d = *messageDelivery(); d.Envelope.Kind = envelope.KindTyping },
			sdk.KindUnsupported},
		{"unsupported event", t.Context(), func(d *sdk.Delivery) { *d = *messageDelivery(); d.Envelope.Kind = envelope.KindPassed },
			sdk.KindUnsupported},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := delivery()
			tt.change(d)
			_, err := a.Deliver(tt.ctx, d)
			if err == nil || sdk.KindOf(err) != tt.kind {
				t.Errorf("got %v, want kind %s", err, tt.kind)
			}
			if n := calls.Load(); n != 0 {
				t.Errorf("%d calls, want none", n)
			}
		})
	}
}

// The size limit of data is in characters, not in bytes: 255 characters are sent, 256 are omitted.
func TestDataLimitCountsCharacters(t *testing.T) {
	ch := configuredBot(t)
	for _, character := range []string{"x", "é", "字", "\U0001F642"} {
		for n, sent := range map[int]bool{255: true, 256: false} {
			d := messageDelivery()
			data := strings.Repeat(character, n)
			d.Envelope.Attributes = map[string]string{attrCustomPayload: `{"data":"` + data + `"}`}
			q, degraded, err := ch.message(d)
			if err != nil {
				t.Fatal(err)
			}
			if got := q.Payload.UserData; (got != nil) != sent || sent && got.CustomPayload.Data != data || (len(degraded) == 0) != sent {
				t.Errorf("%d times %s: sent %+v, degraded %q", n, character, got, degraded)
			}
		}
	}
}

// configuredBot returns a channel of the role bot. Its far end is a message proxy.
func configuredBot(t *testing.T) *channel {
	t.Helper()
	return withBots(t, configured(t, nil, nil), map[string]string{"faq": faq}, nil).channel("faq")
}

func TestNoReplyTokenSendsNoAuthorization(t *testing.T) {
	var authorization []string
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		authorization = r.Header.Values("Authorization")
	}))
	defer srv.Close()
	settings := strings.Replace(livechat, "https://site.example/replies", srv.URL, 1)
	a := configured(t, map[string]string{"livechat": settings}, srv.Client())
	if _, err := a.Deliver(t.Context(), delivery()); err != nil {
		t.Fatal(err)
	}
	if len(authorization) != 0 {
		t.Errorf("authorization %q sent, want none", authorization)
	}
}

// A website can verify each attempt with each of the two secrets. All attempts have the same id.
func TestEveryAttemptIsSigned(t *testing.T) {
	var calls []*sdk.Request
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		calls = append(calls, &sdk.Request{Header: r.Header, Body: body})
	}))
	defer srv.Close()
	a := configured(t, map[string]string{"livechat": strings.Replace(replyingTo(srv.URL), testSecret, testSecret+" "+previousSecret, 1)},
		srv.Client())
	start := testNow
	for attempt := range 2 {
		a.now = func() time.Time { return start.Add(time.Duration(attempt) * time.Hour) }
		d := delivery()
		d.Attempt = attempt + 1
		if _, err := a.Deliver(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	for i, call := range calls {
		for _, secret := range []string{testSecret, previousSecret} {
			keys, err := webhook.ParseSigningKeys(secret)
			if err != nil {
				t.Fatal(err)
			}
			at := start.Add(time.Duration(i) * time.Hour)
			if id, err := webhook.Verify(call.Header, call.Body, keys, at, time.Second); err != nil || id != testKey {
				t.Errorf("attempt %d: id %q, %v; want %q", i+1, id, err, testKey)
			}
		}
	}
	if len(calls) != 2 {
		t.Errorf("%d calls, want 2", len(calls))
	}
}
