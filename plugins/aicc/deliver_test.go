package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

func message(text string) *envelope.Envelope {
	return &envelope.Envelope{Kind: envelope.KindMessage, Sender: envelope.Sender{Role: envelope.RoleCustomer},
		Parts: []envelope.Part{envelope.TextPart(text)}}
}

func delivery(e *envelope.Envelope) *sdk.Delivery {
	return &sdk.Delivery{Channel: "desk", Thread: testUser, Attempt: 1, Envelope: e}
}

func opening() *sdk.OpenRequest {
	return &sdk.OpenRequest{Channel: "desk", CustomerID: testUser, Attempt: 1, Offer: true}
}

func TestErrorKinds(t *testing.T) {
	failure := func(desc string) string { return fmt.Sprintf(`{"resultCode":"13","resultDesc":%q}`, desc) }
	tests := []struct {
		name                  string
		endpoint              string
		answer                reply
		open, chat, hangup    sdk.ErrorKind // "" means success
		reason                string        // of open
		times                 int           // number of such responses; 0 means one
		after                 time.Duration
		tokens, applies, sent int // expected calls; 0 is not checked, -1 means none
	}{
		{name: "outside hours", endpoint: "send", answer: respond(200, `{"resultCode":"12"}`),
			open: sdk.KindDeclined, reason: "outside_hours", chat: sdk.KindDeclined, hangup: sdk.KindDeclined},
		{name: "outside hours by text", endpoint: "send", answer: respond(200, failure("not within the working time")),
			open: sdk.KindDeclined, reason: "outside_hours", chat: sdk.KindDeclined, hangup: sdk.KindDeclined},
		{name: "no agent server", endpoint: "send", answer: respond(200, failure("No ccucs address available!")),
			open: sdk.KindDeclined, reason: "no_agent", chat: sdk.KindTransient, hangup: sdk.KindTransient},
		{name: "robot", endpoint: "send", answer: respond(200, failure("fail to initialize robot")),
			open: sdk.KindDeclined, reason: "robot_not_ready", chat: sdk.KindTransient, hangup: sdk.KindTransient},
		{name: "robot, different text", endpoint: "send", answer: respond(200, failure("Robot not initialized")),
			open: sdk.KindDeclined, reason: "robot_not_ready", chat: sdk.KindTransient, hangup: sdk.KindTransient},
		{name: "no channel", endpoint: "send", answer: respond(200, failure("transfer to agent failed, none channel config found.")),
			open: sdk.KindDeclined, reason: "no_channel", chat: sdk.KindPermanent, hangup: sdk.KindPermanent},
		{name: "session expired", endpoint: "send", answer: respond(200, failure("session keep touch failed.")),
			open: sdk.KindTransient, chat: sdk.KindGone},
		{name: "session expired, different text", endpoint: "send", answer: respond(200, failure("Session expired")),
			open: sdk.KindTransient, chat: sdk.KindGone},
		{name: "already with an agent", endpoint: "send", answer: respond(200, failure("already with an agent")),
			chat: sdk.KindTransient, hangup: sdk.KindTransient},
		{name: "not sent", endpoint: "send", answer: respond(200, failure("sendUserMessage failed")),
			open: sdk.KindDeclined, reason: "send_failed", chat: sdk.KindTransient, hangup: sdk.KindTransient},
		{name: "CCUCS code", endpoint: "send", answer: respond(200, `{"resultCode":"20010008"}`),
			open: sdk.KindDeclined, reason: "failed", chat: sdk.KindTransient, hangup: sdk.KindTransient},
		{name: "code as a number", endpoint: "send", answer: respond(200, `{"resultCode":12}`),
			open: sdk.KindDeclined, reason: "outside_hours", chat: sdk.KindDeclined, hangup: sdk.KindDeclined},
		{name: "success as a number", endpoint: "send", answer: respond(200, `{"resultCode":0}`)},
		{name: "no code", endpoint: "send", answer: respond(200, `{}`),
			open: sdk.KindTransient, chat: sdk.KindUnknown, hangup: sdk.KindTransient},
		{name: "not JSON", endpoint: "send", answer: respond(200, `<html>`),
			open: sdk.KindTransient, chat: sdk.KindUnknown, hangup: sdk.KindTransient},
		{name: "401 once", endpoint: "send", answer: respond(401, `{}`), tokens: 1, applies: 2, sent: 2},
		{name: "403 once", endpoint: "send", answer: respond(403, `{}`), tokens: 2, applies: 2, sent: 2},
		{name: "401 twice", endpoint: "send", answer: respond(401, `{}`), times: 2, tokens: 1, applies: 2, sent: 2,
			open: sdk.KindUnauthorized, chat: sdk.KindUnauthorized, hangup: sdk.KindUnauthorized},
		{name: "400", endpoint: "send", answer: respond(400, `{}`), sent: 1,
			open: sdk.KindPermanent, chat: sdk.KindPermanent, hangup: sdk.KindPermanent},
		{name: "404", endpoint: "send", answer: respond(404, ``),
			open: sdk.KindPermanent, chat: sdk.KindPermanent, hangup: sdk.KindPermanent},
		{name: "413", endpoint: "send", answer: respond(413, ``),
			open: sdk.KindUnsupported, chat: sdk.KindUnsupported, hangup: sdk.KindUnsupported},
		{name: "429", endpoint: "send", answer: reply{Status: 429, Header: map[string]string{"Retry-After": "7"}},
			open: sdk.KindThrottled, chat: sdk.KindThrottled, hangup: sdk.KindThrottled, after: 7 * time.Second, sent: 1},
		{name: "500", endpoint: "send", answer: respond(500, `{"errorCode":"X-1","exceptionInfo":"business failure"}`), sent: 1,
			open: sdk.KindTransient, chat: sdk.KindTransient, hangup: sdk.KindTransient},
		{name: "500 with a result", endpoint: "send", answer: respond(500, failure("session expired")), sent: 1,
			open: sdk.KindTransient, chat: sdk.KindGone},
		{name: "500 with result code 12", endpoint: "send", answer: respond(500, `{"resultCode":"12"}`), sent: 1,
			open: sdk.KindDeclined, reason: "outside_hours", chat: sdk.KindDeclined, hangup: sdk.KindDeclined},
		{name: "500 with success", endpoint: "send", answer: respond(500, `{"resultCode":"0"}`), sent: 1,
			open: sdk.KindTransient, chat: sdk.KindTransient, hangup: sdk.KindTransient},
		{name: "503 with a result", endpoint: "send", answer: respond(503, failure("session expired")), sent: 1,
			open: sdk.KindTransient, chat: sdk.KindTransient, hangup: sdk.KindTransient},
		{name: "tokenByAkSk 500 with a result", endpoint: "token", answer: respond(500, failure("no")), tokens: 1, applies: -1,
			open: sdk.KindTransient, chat: sdk.KindTransient, hangup: sdk.KindTransient},
		{name: "503", endpoint: "send", answer: reply{Status: 503, Header: map[string]string{"Retry-After": "3"}},
			open: sdk.KindTransient, chat: sdk.KindTransient, hangup: sdk.KindTransient, after: 3 * time.Second},
		{name: "applyToken refuses", endpoint: "apply", answer: respond(200, `{"resultCode":"1"}`), sent: -1,
			open: sdk.KindTransient, chat: sdk.KindTransient, hangup: sdk.KindTransient},
		{name: "applyToken without a token", endpoint: "apply", answer: respond(200, `{"resultCode":"0"}`), sent: -1,
			open: sdk.KindTransient, chat: sdk.KindTransient, hangup: sdk.KindTransient},
		{name: "applyToken not JSON", endpoint: "apply", answer: respond(200, `x`), sent: -1,
			open: sdk.KindTransient, chat: sdk.KindTransient, hangup: sdk.KindTransient},
		{name: "applyToken 403 once", endpoint: "apply", answer: respond(403, `{}`), tokens: 2, applies: 2, sent: 1},
		{name: "applyToken 401 once", endpoint: "apply", answer: respond(401, `{}`), tokens: 2, applies: 2, sent: 1},
		{name: "applyToken 500", endpoint: "apply", answer: respond(500, ``), sent: -1,
			open: sdk.KindTransient, chat: sdk.KindTransient, hangup: sdk.KindTransient},
		{name: "tokenByAkSk 401", endpoint: "token", answer: respond(401, `{}`), tokens: 1, applies: -1,
			open: sdk.KindUnauthorized, chat: sdk.KindUnauthorized, hangup: sdk.KindUnauthorized},
		{name: "tokenByAkSk without a token", endpoint: "token", answer: respond(200, `{"errorCode":"1"}`), tokens: 1, applies: -1,
			open: sdk.KindUnauthorized, chat: sdk.KindUnauthorized, hangup: sdk.KindUnauthorized},
		{name: "tokenByAkSk 503", endpoint: "token", answer: respond(503, ``), tokens: 1, applies: -1,
			open: sdk.KindTransient, chat: sdk.KindTransient, hangup: sdk.KindTransient},
		{name: "tokenByAkSk 429", endpoint: "token", answer: respond(429, ``), tokens: 1, applies: -1,
			open: sdk.KindThrottled, chat: sdk.KindThrottled, hangup: sdk.KindThrottled},
		{name: "tokenByAkSk 429 with Retry-After", endpoint: "token", tokens: 1, applies: -1, after: 9 * time.Second,
			answer: reply{Status: 429, Header: map[string]string{"Retry-After": "9"}},
			open:   sdk.KindThrottled, chat: sdk.KindThrottled, hangup: sdk.KindThrottled},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for action, want := range map[string]sdk.ErrorKind{"open": tt.open, "chat": tt.chat, "hangup": tt.hangup} {
				script := []reply{tt.answer}
				for range tt.times - 1 {
					script = append(script, tt.answer)
				}
				v := newVendor(t, map[string][]reply{tt.endpoint: script})
				err := act(t, deskAt(t, v, nil), action)
				checkCounts(t, v, action, map[string]int{"token": tt.tokens, "apply": tt.applies, "send": tt.sent})
				if want == "" {
					if err != nil {
						t.Errorf("%s: %v; want success", action, err)
					}
					continue
				}
				e, ok := errors.AsType[*sdk.Error](err)
				if !ok || e.Kind != want || e.After != tt.after {
					t.Errorf("%s: %v; want %s after %s", action, err, want, tt.after)
					continue
				}
				if action == "open" && e.Reason != tt.reason {
					t.Errorf("open: reason %q; want %q", e.Reason, tt.reason)
				}
				if e.Op == "" {
					t.Errorf("%s: the error names no operation: %v", action, err)
				}
			}
		})
	}
}

// AICC also responds "disconnect failed" if there is no session, for example if the response to the first call was
// lost. Unlimited repetitions would block the deliveries behind it.
func TestRefusedDisconnectIsRepeatedOnce(t *testing.T) {
	refusal := respond(200, `{"resultCode":"13","resultDesc":"disconnect failed"}`)
	for attempt, want := range map[int]sdk.ErrorKind{1: sdk.KindTransient, 2: "", 3: ""} {
		d := delivery(&envelope.Envelope{Kind: envelope.KindDisconnected})
		d.Attempt = attempt
		_, err := deskAt(t, newVendor(t, map[string][]reply{"send": {refusal}}), nil).Deliver(t.Context(), d)
		if want == "" && err != nil || want != "" && sdk.KindOf(err) != want {
			t.Errorf("attempt %d: %v; want %q", attempt, err, want)
		}
	}
}

// checkCounts compares the numbers of calls. It does not check the number 0; -1 means none.
func checkCounts(t *testing.T, v *vendor, action string, want map[string]int) {
	t.Helper()
	for name, n := range want {
		if n != 0 && v.count(name) != max(n, 0) {
			t.Errorf("%s: %d calls of %s; want %d", action, v.count(name), name, max(n, 0))
		}
	}
}

func act(t *testing.T, a *adapter, action string) error {
	t.Helper()
	var err error
	switch action {
	case "open":
		_, err = a.Open(t.Context(), opening())
	case "chat":
		_, err = a.Deliver(t.Context(), delivery(message("Hello there")))
	case "hangup":
		_, err = a.Deliver(t.Context(), delivery(&envelope.Envelope{Kind: envelope.KindClosed}))
	}
	return err
}

func TestInvalidInputIsNotSent(t *testing.T) {
	long := delivery(message(strings.Repeat("工", 342)))
	tests := []struct {
		name string
		do   func(*adapter) error
		kind sdk.ErrorKind
	}{
		{"too long", func(a *adapter) error { _, err := a.Deliver(t.Context(), long); return err }, sdk.KindInvalid},
		{"no thread", func(a *adapter) error {
			_, err := a.Deliver(t.Context(), &sdk.Delivery{Channel: "desk", Envelope: message("x")})
			return err
		}, sdk.KindInvalid},
		{"image alone", func(a *adapter) error {
			_, err := a.Deliver(t.Context(), delivery(&envelope.Envelope{Kind: envelope.KindMessage,
				Parts: []envelope.Part{{Type: envelope.PartImage, Ref: "x"}}}))
			return err
		}, sdk.KindUnsupported},
		{"undeclared kind", func(a *adapter) error {
			_, err := a.Deliver(t.Context(), delivery(&envelope.Envelope{Kind: envelope.KindPassed}))
			return err
		}, sdk.KindUnsupported},
		{"no customer id", func(a *adapter) error {
			_, err := a.Open(t.Context(), &sdk.OpenRequest{Channel: "desk"})
			return err
		}, sdk.KindInvalid},
		{"customer id of 33 characters", func(a *adapter) error {
			_, err := a.Open(t.Context(), &sdk.OpenRequest{Channel: "desk", CustomerID: testUser + "0"})
			return err
		}, sdk.KindInvalid},
		{"unknown channel", func(a *adapter) error {
			_, err := a.Open(t.Context(), &sdk.OpenRequest{Channel: "other", CustomerID: testUser})
			return err
		}, sdk.KindTransient},
		{"unknown channel of a delivery", func(a *adapter) error {
			_, err := a.Deliver(t.Context(), &sdk.Delivery{Channel: "other", Thread: "x", Envelope: message("x")})
			return err
		}, sdk.KindTransient},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := newVendor(t, nil)
			err := tt.do(deskAt(t, v, nil))
			if err == nil || sdk.KindOf(err) != tt.kind {
				t.Errorf("got %v; want %s", err, tt.kind)
			}
			if len(v.calls) != 0 {
				t.Errorf("AICC was called: %+v", v.calls)
			}
		})
	}
}

func TestTextAtTheLimitIsSent(t *testing.T) {
	v := newVendor(t, nil)
	if _, err := deskAt(t, v, nil).Deliver(t.Context(), delivery(message(strings.Repeat("x", 1024)))); err != nil {
		t.Fatal(err)
	}
	if v.count("send") != 1 {
		t.Errorf("%d calls of send; want 1", v.count("send"))
	}
}

// Calls use the path of base_url, without trailing slashes.
func TestBaseURLWithPath(t *testing.T) {
	for base, want := range map[string]string{
		"https://proxy.example.com":                "https://proxy.example.com/apiaccess/ccmessaging/send",
		"https://proxy.example.com:28070///":       "https://proxy.example.com:28070/apiaccess/ccmessaging/send",
		"http://proxy.example.com/tenant%2F1/aicc": "http://proxy.example.com/tenant%2F1/aicc/apiaccess/ccmessaging/send",
		"https://[2001:db8::1]/aicc/":              "https://[2001:db8::1]/aicc/apiaccess/ccmessaging/send",
	} {
		v := newMemoryVendor()
		var called []string
		v.answer = func(_ string, r *http.Request, _ []byte) http.HandlerFunc {
			called = append(called, r.URL.String())
			call := strings.TrimPrefix(r.URL.Path[strings.LastIndex(r.URL.Path, "/"):], "/")
			return func(w http.ResponseWriter, _ *http.Request) {
				_, _ = w.Write(success(map[string]string{"tokenByAkSk": "token", "applyToken": "apply", "send": "send"}[call], 1).Body)
			}
		}
		if err := act(t, deskIn(t, v, map[string]any{"base_url": base}), "chat"); err != nil {
			t.Fatal(err)
		}
		if len(called) != 3 || called[2] != want || called[0] != "https://aicc.example.com/apigovernance/api/oauth/tokenByAkSk" {
			t.Errorf("%s: called %q; want %s as the last", base, called, want)
		}
	}
}

// After a lost response the outcome is unknown, unless a repeated call has no additional effect.
func TestLostResponses(t *testing.T) {
	for _, tt := range []struct {
		endpoint, action string
		want             sdk.ErrorKind
	}{
		{"send", "chat", sdk.KindUnknown}, {"send", "open", sdk.KindTransient}, {"send", "hangup", sdk.KindTransient},
		{"apply", "chat", sdk.KindTransient}, {"token", "chat", sdk.KindTransient}, {"token", "open", sdk.KindTransient},
	} {
		t.Run(tt.endpoint+"/"+tt.action, func(t *testing.T) {
			v := newVendor(t, nil)
			a := deskAt(t, v, nil)
			c, err := a.channel("desk")
			if err != nil {
				t.Fatal(err)
			}
			c.host.HTTP = &http.Client{Transport: brokenTransport{v.Client().Transport, tt.endpoint, io.ErrUnexpectedEOF}}
			if err := act(t, a, tt.action); err == nil || sdk.KindOf(err) != tt.want {
				t.Errorf("got %v; want %s", err, tt.want)
			}
		})
	}
}

// Concurrent deliveries share one access token, also while the channel is configured again.
func TestConcurrentDeliveries(t *testing.T) {
	v := newVendor(t, nil)
	a := deskAt(t, v, nil)
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			d := delivery(message("x"))
			d.Thread = fmt.Sprintf("user-%d", i)
			if _, err := a.Deliver(t.Context(), d); err != nil {
				t.Errorf("%s: %v", d.Thread, err)
			}
		})
	}
	wg.Wait()
	if n := v.count("token"); n != 1 {
		t.Errorf("%d calls of tokenByAkSk; want 1", n)
	}
	wg.Go(func() {
		ch := testChannel(t, "desk", map[string]any{"base_url": v.URL})
		if _, err := a.Configure(t.Context(), ch); err != nil {
			t.Errorf("configure: %v", err)
		}
	})
	wg.Go(func() { _, _ = a.Receive(t.Context(), vectorRequest()) })
	wg.Go(func() { _ = a.Health(t.Context(), "desk") })
	wg.Wait()
	if n := v.count("send"); n != 20 {
		t.Errorf("%d calls of send; want 20", n)
	}
}

// Errors contain AICC's text, but neither secrets nor the message.
func TestErrorsContainNoSecrets(t *testing.T) {
	echo := `{"resultCode":"77","resultDesc":"refused ACCESS-1 USER-1 ` + testAppSecret + ` My card number\n\u0000 end"}`
	for _, script := range []map[string][]reply{
		{"send": {respond(200, echo)}}, {"send": {respond(500, echo)}}, {"apply": {respond(500, echo)}}, {"token": {respond(500, echo)}},
	} {
		v := newVendor(t, script)
		_, err := deskAt(t, v, nil).Deliver(t.Context(), delivery(message("My card number")))
		if err == nil || !strings.Contains(err.Error(), "refused") || strings.ContainsAny(err.Error(), "\n\x00") {
			t.Fatalf("Deliver = %q; want one line with AICC's text", err)
		}
		for name, secret := range map[string]string{"send": "USER-1", "token": testAppSecret, "apply": "ACCESS-1"} {
			if script[name] != nil && strings.Contains(err.Error(), secret) {
				t.Errorf("the error contains %s: %v", secret, err)
			}
		}
		if script["send"] != nil && strings.Contains(err.Error(), "card") {
			t.Errorf("the error contains the message: %v", err)
		}
	}
}

func TestThreadState(t *testing.T) {
	if s := readState([]byte("{")); s != (threadState{UserName: defaultName}) {
		t.Errorf("malformed state decodes as %+v", s)
	}
	b, err := threadState{UserName: "Ada", Token: strings.Repeat("x", sdk.MaxStateBytes)}.bytes()
	if err != nil || len(b) > sdk.MaxStateBytes || !strings.Contains(string(b), "Ada") {
		t.Errorf("oversized token encodes to %d bytes, %v", len(b), err)
	}
}

func TestHealthReportsTokenErrors(t *testing.T) {
	v := newVendor(t, map[string][]reply{"token": {respond(401, `{"errorCode":"bad key"}`)}})
	a := deskAt(t, v, nil)
	if err := a.Health(t.Context(), "desk"); err != nil {
		t.Errorf("before the first call: %v", err)
	}
	if err := act(t, a, "chat"); err == nil {
		t.Fatal("the call succeeded")
	}
	if err := a.Health(t.Context(), "desk"); err == nil || !strings.Contains(err.Error(), "bad key") {
		t.Errorf("after a refusal: %v", err)
	}
	if err := act(t, a, "chat"); err != nil {
		t.Fatal(err)
	}
	if err := a.Health(t.Context(), "desk"); err != nil {
		t.Errorf("after a successful renewal: %v", err)
	}
	if err := a.Health(t.Context(), "other"); err == nil {
		t.Error("an unknown channel is healthy")
	}
}

// After a lost response of sendAsync the outcome is unknown. The refused call of send before it had no effect.
func TestLostResponseOfSendAsync(t *testing.T) {
	v := newVendor(t, map[string][]reply{"send": {respond(200, `{"resultCode":"13","resultDesc":"session expired"}`)}})
	a := deskAt(t, v, map[string]any{"offline_messages": true})
	a.channels["desk"].host.HTTP = &http.Client{
		Transport: brokenTransport{v.Client().Transport, "async", context.DeadlineExceeded},
	}
	if err := act(t, a, "chat"); sdk.KindOf(err) != sdk.KindUnknown {
		t.Errorf("Deliver = %v; want unknown", err)
	}
}

// After send_failed_limit attempts, "sendUserMessage failed" counts as an expired session.
func TestSendFailedLimit(t *testing.T) {
	never, first := 0, 1
	for _, tt := range []struct {
		name    string
		offline bool
		limit   *int
		attempt int
		want    sdk.ErrorKind // "" means success
	}{
		{"first", false, nil, 1, sdk.KindTransient}, {"second", false, nil, 2, sdk.KindTransient}, {"third", false, nil, 3, sdk.KindGone},
		{"second, offline messages", true, nil, 2, sdk.KindTransient}, {"third, offline messages", true, nil, 3, ""},
		{"limit 1", false, &first, 1, sdk.KindGone}, {"never", false, &never, 100, sdk.KindTransient},
		{"never, offline messages", true, &never, 100, sdk.KindTransient},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := newVendor(t, map[string][]reply{"send": {respond(200, `{"resultCode":"13","resultDesc":"sendUserMessage failed"}`)}})
			changes := map[string]any{"offline_messages": tt.offline}
			if tt.limit != nil {
				changes["send_failed_limit"] = *tt.limit
			}
			d := delivery(message("hello"))
			d.Attempt = tt.attempt
			_, err := deskAt(t, v, changes).Deliver(t.Context(), d)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || sdk.KindOf(err) != tt.want) {
				t.Errorf("Deliver = %v; want %q", err, tt.want)
			}
		})
	}
}

// An error about one message or one customer has the HTTP status of the response, so that the gateway knows that AICC
// is reachable.
func TestRefusalsHaveAStatus(t *testing.T) {
	for name, tt := range map[string]struct {
		endpoint string
		answer   reply
		want     int // status in the error; 0 means that there was no response
	}{
		"business code":       {"send", respond(200, `{"resultCode":"2001","resultDesc":"content refused"}`), 200},
		"business code, 500":  {"send", respond(500, `{"resultCode":"2001","resultDesc":"content refused"}`), 200},
		"400":                 {"send", respond(400, `{}`), 400},
		"500":                 {"send", respond(500, ``), 500},
		"a page":              {"send", respond(200, `<html>`), 0},
		"user token refused":  {"apply", respond(200, `{"resultCode":"1","resultDesc":"no such user"}`), 200},
		"user token, a page":  {"apply", respond(200, `<html>`), 0},
		"access token, page":  {"token", respond(200, `<html>`), 0},
		"code behind a BOM":   {"send", respond(200, "\ufeff"+`{"resultCode":"2001"}`), 200},
		"upload refused":      {"upload", respond(200, `{"returnCode":"13","resultDesc":"virus"}`), 200},
		"upload without code": {"upload", respond(200, `{}`), 0},
	} {
		t.Run(name, func(t *testing.T) {
			v := newVendor(t, map[string][]reply{tt.endpoint: {tt.answer}})
			d := delivery(message("hi"))
			if tt.endpoint == "upload" {
				d.Envelope.Parts = []envelope.Part{{Type: envelope.PartImage}}
				d.Media = []*sdk.Attachment{sdk.NewAttachment("image/png", "a.png", []byte("PNG"))}
			}
			_, err := deskAt(t, v, nil).Deliver(t.Context(), d)
			if e, ok := errors.AsType[*sdk.Error](err); !ok || e.Status != tt.want {
				t.Errorf("got %v, want status %d", err, tt.want)
			} else if tt.want == 0 && e.Kind != sdk.KindTransient && e.Kind != sdk.KindUnknown {
				t.Errorf("got %v, want a failure of the transport", err)
			}
		})
	}
}
