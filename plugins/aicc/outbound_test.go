package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// The vendor's endpoints, by the names that the tests' scripts use.
var endpoints = map[string]string{
	"/apigovernance/api/oauth/tokenByAkSk": "token",
	"/apiaccess/ccmessaging/applyToken":    "apply",
	"/apiaccess/ccmessaging/send":          "send",
	"/apiaccess/ccmessaging/sendAsync":     "async",

	"/apiaccess/ccmessaging/uploadFileStream":   "upload",
	"/apiaccess/ccmessaging/downloadFileStream": "download",
	"/apiaccess/ccmessaging/poll":               "poll",
	"/files/1":                                  "file",
}

// reply is one scripted answer. A text as body is sent as it is.
type reply struct {
	Status int               `json:"status"`
	Header map[string]string `json:"header"`
	Body   json.RawMessage   `json:"body"`
}

func says(status int, body string) reply { return reply{Status: status, Body: json.RawMessage(body)} }

// call is one request as the vendor got it.
type call struct {
	Request string            `json:"request"`
	Header  map[string]string `json:"header"`
	Body    json.RawMessage   `json:"body"`
}

// vendor is a scripted AICC. An endpoint whose script is over answers with success, and with a new
// token each time.
type vendor struct {
	*httptest.Server
	mu     sync.Mutex
	script map[string][]reply
	calls  []call
	counts map[string]int
}

func newVendor(t testing.TB, script map[string][]reply) *vendor {
	t.Helper()
	v := &vendor{script: script, counts: map[string]int{}}
	v.Server = httptest.NewServer(http.HandlerFunc(v.serve))
	t.Cleanup(v.Close)
	return v
}

func (v *vendor) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	header := map[string]string{}
	for _, n := range []string{"Authorization", "Ccmessaging-Token", "Content-Type", "X-App-Key", "X-Token-Expire"} {
		if s := r.Header.Get(n); s != "" {
			header[n] = s
		}
	}
	name := endpoints[r.URL.Path]
	v.mu.Lock()
	v.counts[name]++
	n := v.counts[name]
	if len(body) == 0 {
		body = []byte("null")
	}
	v.calls = append(v.calls, call{r.Method + " " + r.URL.RequestURI(), header, body})
	var answer reply
	if script := v.script[name]; len(script) > 0 {
		answer, v.script[name] = script[0], script[1:]
	} else {
		answer = success(name, n)
	}
	v.mu.Unlock()
	for k, s := range answer.Header {
		w.Header().Set(k, s)
	}
	w.WriteHeader(answer.Status)
	_, _ = w.Write(answer.Body)
}

func success(name string, n int) reply {
	switch name {
	case "token":
		return says(200, fmt.Sprintf(`{"AccessToken":"ACCESS-%d","ApplyType":"Bearer","Expires":"600"}`, n))
	case "apply":
		return says(200, fmt.Sprintf(`{"resultCode":"0","token":"USER-%d"}`, n))
	case "send", "async":
		return says(200, `{"resultCode":"0","resultDesc":"success"}`)
	case "upload":
		return says(200, fmt.Sprintf(`{"returnCode":"0","objectKey":"2021/KEY-%d"}`, n))
	case "download":
		return says(200, `{"resultCode":"401","resultDesc":"no object key"}`)
	case "poll":
		return says(200, `{"resultCode":"0","downlinkMessages":[]}`)
	}
	return says(404, `{}`)
}

func (v *vendor) count(name string) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.counts[name]
}

// deskAt is an adapter with a channel whose vendor is v.
func deskAt(t testing.TB, v *vendor, changes map[string]any) *adapter {
	t.Helper()
	all := map[string]any{"base_url": v.URL, "token_url": v.URL + "/apigovernance/api/oauth/tokenByAkSk"}
	for k, c := range changes {
		all[k] = c
	}
	ch := testChannel(t, "desk", all)
	ch.Host.HTTP = v.Client()
	return testAdapter(t, ch)
}

// scene is one file of testdata/out: what is asked of the adapter, and what the vendor answers.
type scene struct {
	Settings map[string]any     `json:"settings"`
	Answers  map[string][]reply `json:"answers"`
	Open     *sdk.Opening       `json:"open"`
	Deliver  *struct {
		Thread   string             `json:"thread"`
		State    string             `json:"state"`
		Attempt  int                `json:"attempt"`
		Envelope *envelope.Envelope `json:"envelope"`
		Media    []*file            `json:"media"`
	} `json:"deliver"`
	Fetch *struct {
		Thread string        `json:"thread"`
		State  string        `json:"state"`
		Part   envelope.Part `json:"part"`
	} `json:"fetch"`
}

// file is a medium in a scene or its outcome. Its words are text, so that they can be read.
type file struct {
	ContentType string `json:"content_type"`
	Name        string `json:"name,omitempty"`
	Words       string `json:"words"`
	Size        int64  `json:"size,omitempty"`
}

// outcome is what a golden file holds: the calls, and what the gateway gets.
type outcome struct {
	Calls    []call `json:"calls"`
	Thread   string `json:"thread,omitempty"`
	Accepted bool   `json:"accepted,omitempty"`
	State    string `json:"state,omitempty"`
	Degraded string `json:"degraded,omitempty"`
	Medium   *file  `json:"medium,omitempty"`
	Kind     string `json:"kind,omitempty"` // of the error
	Reason   string `json:"reason,omitempty"`
	Error    string `json:"error,omitempty"`
}

func TestDeliverGolden(t *testing.T) {
	for _, file := range inputs(t, filepath.Join("testdata", "out")) {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var s scene
			if err := json.Unmarshal(b, &s); err != nil {
				t.Fatal(err)
			}
			v := newVendor(t, s.Answers)
			for _, answers := range v.script {
				for i := range answers {
					answers[i].Body = []byte(strings.ReplaceAll(string(answers[i].Body), "{vendor}", v.URL))
				}
			}
			got := play(t, deskAt(t, v, s.Settings), s)
			for i := range v.calls {
				v.calls[i].Body = []byte(strings.ReplaceAll(string(v.calls[i].Body), testAppSecret, "[app_secret]"))
			}
			got.Calls = v.calls
			golden(t, goldenName(file), got)
		})
	}
}

func play(t *testing.T, a *adapter, s scene) outcome {
	t.Helper()
	var out outcome
	var err error
	switch {
	case s.Open != nil:
		s.Open.Channel = "desk"
		var o *sdk.Opened
		if o, err = a.Open(t.Context(), s.Open); err == nil {
			out = outcome{Thread: o.Thread, Accepted: o.Accepted, State: string(o.State)}
		}
	case s.Fetch != nil:
		var m *sdk.Medium
		m, err = a.Fetch(t.Context(), &sdk.Fetching{
			Channel: "desk", Thread: s.Fetch.Thread, State: []byte(s.Fetch.State), Part: s.Fetch.Part,
		})
		if err == nil {
			words, readErr := io.ReadAll(m.Body)
			if readErr != nil {
				t.Fatal(readErr)
			}
			out.Medium = &file{m.ContentType, m.Name, string(words), m.Size}
		}
	default:
		d := &sdk.Delivery{
			Channel: "desk", Thread: s.Deliver.Thread, State: []byte(s.Deliver.State), Envelope: s.Deliver.Envelope,
			Attempt: max(s.Deliver.Attempt, 1),
		}
		for _, f := range s.Deliver.Media {
			if f == nil {
				d.Media = append(d.Media, nil)
				continue
			}
			d.Media = append(d.Media, sdk.NewAttachment(f.ContentType, f.Name, []byte(f.Words)))
		}
		var r *sdk.Receipt
		if r, err = a.Deliver(t.Context(), d); err == nil {
			out = outcome{State: string(r.State), Degraded: r.Degraded}
		}
	}
	if err != nil {
		e := asTyped(err)
		out.Error, out.Kind, out.Reason = err.Error(), string(e.Kind), e.Reason
	}
	return out
}

func message(text string) *envelope.Envelope {
	return &envelope.Envelope{Kind: envelope.KindMessage, Sender: envelope.Sender{Role: envelope.RoleCustomer},
		Parts: []envelope.Part{envelope.TextPart(text)}}
}

func delivery(e *envelope.Envelope) *sdk.Delivery {
	return &sdk.Delivery{Channel: "desk", Thread: testUser, Attempt: 1, Envelope: e}
}

func opening() *sdk.Opening {
	return &sdk.Opening{Channel: "desk", CustomerID: testUser, Attempt: 1, Offer: true}
}

func TestErrorKinds(t *testing.T) {
	failure := func(desc string) string { return fmt.Sprintf(`{"resultCode":"13","resultDesc":%q}`, desc) }
	tests := []struct {
		name                  string
		endpoint              string
		answer                reply
		open, chat, hangup    sdk.ErrorKind // "" means success
		reason                string        // of open
		times                 int           // how often the answer is given; 0 means once
		after                 time.Duration
		tokens, applies, sent int // how many calls a chat makes; 0 is not looked at
	}{
		{name: "outside hours", endpoint: "send", answer: says(200, `{"resultCode":"12"}`),
			open: sdk.KindDeclined, reason: "outside_hours", chat: sdk.KindDeclined, hangup: sdk.KindDeclined},
		{name: "outside hours by words", endpoint: "send", answer: says(200, failure("not within the working time")),
			open: sdk.KindDeclined, reason: "outside_hours", chat: sdk.KindDeclined, hangup: sdk.KindDeclined},
		{name: "no agent server", endpoint: "send", answer: says(200, failure("No ccucs address available!")),
			open: sdk.KindDeclined, reason: "no_agent", chat: sdk.KindTransient, hangup: sdk.KindTransient},
		{name: "robot", endpoint: "send", answer: says(200, failure("fail to initialize robot")),
			open: sdk.KindDeclined, reason: "robot_not_ready", chat: sdk.KindTransient, hangup: sdk.KindTransient},
		{name: "robot, other words", endpoint: "send", answer: says(200, failure("Robot not initialised")),
			open: sdk.KindDeclined, reason: "robot_not_ready", chat: sdk.KindTransient, hangup: sdk.KindTransient},
		{name: "no channel", endpoint: "send", answer: says(200, failure("transfer to agent failed, none channel config found.")),
			open: sdk.KindDeclined, reason: "no_channel", chat: sdk.KindPermanent, hangup: sdk.KindPermanent},
		{name: "session over", endpoint: "send", answer: says(200, failure("session keep touch failed.")),
			open: sdk.KindTransient, chat: sdk.KindGone},
		{name: "session over, other words", endpoint: "send", answer: says(200, failure("Session expired")),
			open: sdk.KindTransient, chat: sdk.KindGone},
		{name: "already served", endpoint: "send", answer: says(200, failure("already with an agent")),
			chat: sdk.KindTransient, hangup: sdk.KindTransient},
		{name: "not sent", endpoint: "send", answer: says(200, failure("sendUserMessage failed")),
			open: sdk.KindDeclined, reason: "send_failed", chat: sdk.KindTransient, hangup: sdk.KindTransient},
		{name: "code of another system", endpoint: "send", answer: says(200, `{"resultCode":"20010008"}`),
			open: sdk.KindDeclined, reason: "failed", chat: sdk.KindTransient, hangup: sdk.KindTransient},
		{name: "code as a number", endpoint: "send", answer: says(200, `{"resultCode":12}`),
			open: sdk.KindDeclined, reason: "outside_hours", chat: sdk.KindDeclined, hangup: sdk.KindDeclined},
		{name: "success as a number", endpoint: "send", answer: says(200, `{"resultCode":0}`)},
		{name: "no code", endpoint: "send", answer: says(200, `{}`),
			open: sdk.KindTransient, chat: sdk.KindUnknown, hangup: sdk.KindTransient},
		{name: "not JSON", endpoint: "send", answer: says(200, `<html>`),
			open: sdk.KindTransient, chat: sdk.KindUnknown, hangup: sdk.KindTransient},
		{name: "401 once", endpoint: "send", answer: says(401, `{}`), tokens: 1, applies: 2, sent: 2},
		{name: "403 once", endpoint: "send", answer: says(403, `{}`), tokens: 2, applies: 2, sent: 2},
		{name: "401 twice", endpoint: "send", answer: says(401, `{}`), times: 2, tokens: 1, applies: 2, sent: 2,
			open: sdk.KindUnauthorized, chat: sdk.KindUnauthorized, hangup: sdk.KindUnauthorized},
		{name: "400", endpoint: "send", answer: says(400, `{}`), sent: 1,
			open: sdk.KindPermanent, chat: sdk.KindPermanent, hangup: sdk.KindPermanent},
		{name: "404", endpoint: "send", answer: says(404, ``),
			open: sdk.KindPermanent, chat: sdk.KindPermanent, hangup: sdk.KindPermanent},
		{name: "413", endpoint: "send", answer: says(413, ``),
			open: sdk.KindUnsupported, chat: sdk.KindUnsupported, hangup: sdk.KindUnsupported},
		{name: "429", endpoint: "send", answer: reply{Status: 429, Header: map[string]string{"Retry-After": "7"}},
			open: sdk.KindThrottled, chat: sdk.KindThrottled, hangup: sdk.KindThrottled, after: 7 * time.Second, sent: 1},
		{name: "500", endpoint: "send", answer: says(500, `{"errorCode":"X-1","exceptionInfo":"business failure"}`), sent: 1,
			open: sdk.KindTransient, chat: sdk.KindTransient, hangup: sdk.KindTransient},
		{name: "500 with a result", endpoint: "send", answer: says(500, failure("session expired")), sent: 1,
			open: sdk.KindTransient, chat: sdk.KindGone},
		{name: "500 with a result of hours", endpoint: "send", answer: says(500, `{"resultCode":"12"}`), sent: 1,
			open: sdk.KindDeclined, reason: "outside_hours", chat: sdk.KindDeclined, hangup: sdk.KindDeclined},
		{name: "500 with success", endpoint: "send", answer: says(500, `{"resultCode":"0"}`), sent: 1,
			open: sdk.KindTransient, chat: sdk.KindTransient, hangup: sdk.KindTransient},
		{name: "503 with a result", endpoint: "send", answer: says(503, failure("session expired")), sent: 1,
			open: sdk.KindTransient, chat: sdk.KindTransient, hangup: sdk.KindTransient},
		{name: "tokenByAkSk 500 with a result", endpoint: "token", answer: says(500, failure("no")), tokens: 1, applies: -1,
			open: sdk.KindTransient, chat: sdk.KindTransient, hangup: sdk.KindTransient},
		{name: "503", endpoint: "send", answer: reply{Status: 503, Header: map[string]string{"Retry-After": "3"}},
			open: sdk.KindTransient, chat: sdk.KindTransient, hangup: sdk.KindTransient, after: 3 * time.Second},
		{name: "applyToken refuses", endpoint: "apply", answer: says(200, `{"resultCode":"1"}`), sent: -1,
			open: sdk.KindTransient, chat: sdk.KindTransient, hangup: sdk.KindTransient},
		{name: "applyToken without a token", endpoint: "apply", answer: says(200, `{"resultCode":"0"}`), sent: -1,
			open: sdk.KindTransient, chat: sdk.KindTransient, hangup: sdk.KindTransient},
		{name: "applyToken not JSON", endpoint: "apply", answer: says(200, `x`), sent: -1,
			open: sdk.KindTransient, chat: sdk.KindTransient, hangup: sdk.KindTransient},
		{name: "applyToken 403 once", endpoint: "apply", answer: says(403, `{}`), tokens: 2, applies: 2, sent: 1},
		{name: "applyToken 401 once", endpoint: "apply", answer: says(401, `{}`), tokens: 2, applies: 2, sent: 1},
		{name: "applyToken 500", endpoint: "apply", answer: says(500, ``), sent: -1,
			open: sdk.KindTransient, chat: sdk.KindTransient, hangup: sdk.KindTransient},
		{name: "tokenByAkSk 401", endpoint: "token", answer: says(401, `{}`), tokens: 1, applies: -1,
			open: sdk.KindUnauthorized, chat: sdk.KindUnauthorized, hangup: sdk.KindUnauthorized},
		{name: "tokenByAkSk without a token", endpoint: "token", answer: says(200, `{"errorCode":"1"}`), tokens: 1, applies: -1,
			open: sdk.KindUnauthorized, chat: sdk.KindUnauthorized, hangup: sdk.KindUnauthorized},
		{name: "tokenByAkSk 503", endpoint: "token", answer: says(503, ``), tokens: 1, applies: -1,
			open: sdk.KindTransient, chat: sdk.KindTransient, hangup: sdk.KindTransient},
		{name: "tokenByAkSk 429", endpoint: "token", answer: says(429, ``), tokens: 1, applies: -1,
			open: sdk.KindThrottled, chat: sdk.KindThrottled, hangup: sdk.KindThrottled},
		{name: "tokenByAkSk 429 for a while", endpoint: "token", tokens: 1, applies: -1, after: 9 * time.Second,
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
					t.Errorf("%s: the error does not say what failed: %v", action, err)
				}
			}
		})
	}
}

// AICC says "disconnect failed" when there is nothing to end, too, as for a call that is repeated because its answer was
// lost. It must not be repeated for ever, since it keeps what waits behind it.
func TestRefusedDisconnectIsRepeatedOnce(t *testing.T) {
	refusal := says(200, `{"resultCode":"13","resultDesc":"disconnect failed"}`)
	for attempt, want := range map[int]sdk.ErrorKind{1: sdk.KindTransient, 2: "", 3: ""} {
		d := delivery(&envelope.Envelope{Kind: envelope.KindDisconnected})
		d.Attempt = attempt
		_, err := deskAt(t, newVendor(t, map[string][]reply{"send": {refusal}}), nil).Deliver(t.Context(), d)
		if want == "" && err != nil || want != "" && sdk.KindOf(err) != want {
			t.Errorf("attempt %d: %v; want %q", attempt, err, want)
		}
	}
}

// checkCounts compares the vendor's calls; 0 is not looked at, and -1 wants none.
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

func TestNothingIsSentForBadInput(t *testing.T) {
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
		{"a kind that was not asked for", func(a *adapter) error {
			_, err := a.Deliver(t.Context(), delivery(&envelope.Envelope{Kind: envelope.KindPassed}))
			return err
		}, sdk.KindUnsupported},
		{"no customer id", func(a *adapter) error {
			_, err := a.Open(t.Context(), &sdk.Opening{Channel: "desk"})
			return err
		}, sdk.KindInvalid},
		{"customer id of 33 characters", func(a *adapter) error {
			_, err := a.Open(t.Context(), &sdk.Opening{Channel: "desk", CustomerID: testUser + "0"})
			return err
		}, sdk.KindInvalid},
		{"unknown channel", func(a *adapter) error {
			_, err := a.Open(t.Context(), &sdk.Opening{Channel: "other", CustomerID: testUser})
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
				t.Errorf("the vendor was called: %+v", v.calls)
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

// Calls go to what base_url says, with its path and without its last slash.
func TestBaseURLWithAPath(t *testing.T) {
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

// brokenTransport fails every call of one endpoint as the network does.
type brokenTransport struct {
	next http.RoundTripper
	path string
	err  error
}

func (b brokenTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if endpoints[r.URL.Path] == b.path {
		return nil, b.err
	}
	return b.next.RoundTrip(r)
}

// A call that may have arrived is "unknown", unless to repeat it does no harm.
func TestLostAnswers(t *testing.T) {
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

func TestDeliverEndsWithItsContext(t *testing.T) {
	v := newVendor(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := deskAt(t, v, nil).Deliver(ctx, delivery(message("x")))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Deliver = %v; want an error of its context", err)
	}
}

// Deliveries of many conversations share one access token, also while the channel is configured anew.
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

// What the vendor says goes into errors without the secrets and words that the call carried.
func TestErrorsKeepSecrets(t *testing.T) {
	echo := `{"resultCode":"77","resultDesc":"refused ACCESS-1 USER-1 ` + testAppSecret + ` My card number\n\u0000 end"}`
	for _, script := range []map[string][]reply{
		{"send": {says(200, echo)}}, {"send": {says(500, echo)}}, {"apply": {says(500, echo)}}, {"token": {says(500, echo)}},
	} {
		v := newVendor(t, script)
		_, err := deskAt(t, v, nil).Deliver(t.Context(), delivery(message("My card number")))
		if err == nil || !strings.Contains(err.Error(), "refused") || strings.ContainsAny(err.Error(), "\n\x00") {
			t.Fatalf("Deliver = %q; want one line with the vendor's words", err)
		}
		for name, secret := range map[string]string{"send": "USER-1", "token": testAppSecret, "apply": "ACCESS-1"} {
			if script[name] != nil && strings.Contains(err.Error(), secret) {
				t.Errorf("the error repeats %s: %v", secret, err)
			}
		}
		if script["send"] != nil && strings.Contains(err.Error(), "card") {
			t.Errorf("the error repeats the message: %v", err)
		}
	}
}

func TestState(t *testing.T) {
	if s := readState([]byte("{")); s != (threadState{UserName: defaultName}) {
		t.Errorf("a broken state reads as %+v", s)
	}
	b, err := threadState{UserName: "Ada", Token: strings.Repeat("x", sdk.MaxStateBytes)}.bytes()
	if err != nil || len(b) > sdk.MaxStateBytes || !strings.Contains(string(b), "Ada") {
		t.Errorf("a token that does not fit gives %d bytes, %v", len(b), err)
	}
}

func TestHealth(t *testing.T) {
	v := newVendor(t, map[string][]reply{"token": {says(401, `{"errorCode":"bad key"}`)}})
	a := deskAt(t, v, nil)
	if err := a.Health(t.Context(), "desk"); err != nil {
		t.Errorf("before the first call: %v", err)
	}
	if err := act(t, a, "chat"); err == nil {
		t.Fatal("the call went well")
	}
	if err := a.Health(t.Context(), "desk"); err == nil || !strings.Contains(err.Error(), "bad key") {
		t.Errorf("after a refusal: %v", err)
	}
	if err := act(t, a, "chat"); err != nil {
		t.Fatal(err)
	}
	if err := a.Health(t.Context(), "desk"); err != nil {
		t.Errorf("after a good token: %v", err)
	}
	if err := a.Health(t.Context(), "other"); err == nil {
		t.Error("an unknown channel is well")
	}
}
