package native

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchbay/sandbox/fault"
	"patchbay/sandbox/push"
)

const proxyPath = "/mp/webhooks/native/messages/d8ai/d8ai_chatbot"

// whole is the document's example of revision 04/17.
const whole = `{"userId":"` + user + `","accessToken":"at","payload":{"userSay":"Hello",` +
	`"userInfo":{"id":"` + user + `"},"userData":{"targetAgents":["example_qa"],"customPayload":{"data":"string-less-than-256"}}}}`

func newProxy(t *testing.T, o ProxyOptions) *Proxy {
	t.Helper()
	o.AccessToken = "at"
	p := NewProxy(o)
	t.Cleanup(p.Close)
	return p
}

func ask(t *testing.T, p *Proxy, path, body string) (int, string) {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	p.Handler().ServeHTTP(w, r)
	return w.Code, strings.TrimSpace(w.Body.String())
}

func TestProxyTakesTheDocumentsExample(t *testing.T) {
	p := newProxy(t, ProxyOptions{Brain: func(Asked) []Reply { return nil }})
	if status, body := ask(t, p, proxyPath, whole); status != 200 || body != "{}" {
		t.Fatalf("got %d %s, want 200 {}", status, body)
	}
	got := p.AskedBy(user)[0]
	want := Asked{
		At: got.At, Header: got.Header, Body: []byte(whole), UserID: user, Text: "Hello", TargetAgents: []string{"example_qa"},
		Data: "string-less-than-256", Custom: json.RawMessage(`{"data":"string-less-than-256"}`),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}

func TestProxyReadsStrictly(t *testing.T) {
	minimal := `{"userId":"u","accessToken":"at","payload":{"userSay":"x","userInfo":{"id":"u"}}}`
	with := func(old, new string) string { return strings.Replace(minimal, old, new, 1) }
	custom := func(payload string) string {
		return with(`{"id":"u"}`, `{"id":"u"},"userData":{"customPayload":`+payload+`}`)
	}
	free, none := ProxyOptions{Revision: Revision0410}, ProxyOptions{Revision: Revision0309}
	ours := ProxyOptions{Extensions: true}
	media := with(`"x"`, `"","media":[{"type":"image","url":"http://x/y"}]`)
	event := with(`"x"`, `"","event":{"type":"read","messageIds":["m"]}`)
	tests := []struct {
		name, body string
		options    ProxyOptions
		status     int
	}{
		{"minimal", minimal, ProxyOptions{}, 200},
		{"data of 255 characters", custom(`{"data":"` + strings.Repeat("人", 255) + `"}`), ProxyOptions{}, 200},
		{"data of 256 characters", custom(`{"data":"` + strings.Repeat("人", 256) + `"}`), ProxyOptions{}, 400},
		{"data is no string", custom(`{"data":1}`), ProxyOptions{}, 400},
		{"more than data", custom(`{"data":"x","n":1}`), ProxyOptions{}, 400},
		{"payload is a string", custom(`"x"`), ProxyOptions{}, 400},
		{"free payload", custom(`{"n":1}`), free, 200},
		{"payload before it existed", custom(`{"data":"x"}`), none, 400},
		{"wrong token", with(`"at"`, `"no"`), ProxyOptions{}, 401},
		{"no token", with(`"accessToken":"at",`, ""), ProxyOptions{}, 401},
		{"no user", with(`"userId":"u",`, ""), ProxyOptions{}, 400},
		{"other user inside", with(`{"id":"u"}`, `{"id":"v"}`), ProxyOptions{}, 400},
		{"no user inside", with(`{"id":"u"}`, `{}`), ProxyOptions{}, 400},
		{"nothing said", with(`"x"`, `""`), ProxyOptions{}, 400},
		{"no words", with(`"userSay":"x",`, ""), ProxyOptions{}, 400},
		{"agents are no list", with(`{"id":"u"}`, `{"id":"u"},"userData":{"targetAgents":"a"}`), ProxyOptions{}, 400},
		{"unknown member", with(`"x"`, `"x","lang":"de"`), ProxyOptions{}, 400},
		{"something behind", minimal + "{}", ProxyOptions{}, 400},
		{"no JSON", "{", ProxyOptions{}, 400},
		{"own status", "{", ProxyOptions{ErrorStatus: 422}, 422},
		{"message id", with(`"userId"`, `"messageId":"m","userId"`), ProxyOptions{}, 400},
		{"message id as extension", with(`"userId"`, `"messageId":"m","userId"`), ours, 200},
		{"media", media, ProxyOptions{}, 400},
		{"media as extension", media, ours, 200},
		{"event as extension", event, ours, 200},
		{"event without words", strings.Replace(event, `"userSay":"",`, "", 1), ours, 200},
		{"media without address", strings.Replace(media, "http://x/y", "", 1), ours, 400},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.options.Brain = func(Asked) []Reply { return nil }
			p := newProxy(t, tt.options)
			status, body := ask(t, p, proxyPath, tt.body)
			n := p.Counts()
			if status != tt.status || (n.Asked == 1) != (status == 200) || (n.Refused == 1) != (status != 200) {
				t.Errorf("got %d %s with %+v, want %d", status, body, n, tt.status)
			}
		})
	}
}

func TestProxyRefusesOtherBots(t *testing.T) {
	p := newProxy(t, ProxyOptions{})
	for _, path := range []string{proxyPath + "2", strings.Replace(proxyPath, "/d8ai/", "/other/", 1), "/"} {
		if status, _ := ask(t, p, path, whole); status != 404 {
			t.Errorf("%s: %d, want 404", path, status)
		}
	}
}

// The proxy's answers are what the website demands: one simulator answers the other.
func TestProxyAnswersInTheWebsitesFormat(t *testing.T) {
	site, base := website(t, Options{ReplyToken: "rt", ReplySecret: exampleSecret})
	p := newProxy(t, ProxyOptions{Webhook: base + "/answers", WebhookToken: "rt", WebhookSecret: exampleSecret})
	if status, _ := ask(t, p, proxyPath, whole); status != 200 {
		t.Fatalf("status %d", status)
	}
	more := Reply{
		MessageID: "m2", VendorMessageID: "v2", Sender: Sender{Role: "agent", Name: "Eve"}, Suggestions: []string{"yes"},
		Media:  []File{{Type: "image", URL: "http://x/y", Name: "y"}},
		SentAt: time.Date(2026, 4, 17, 8, 0, 0, 5e6, time.FixedZone("", 7200)),
	}
	if err := p.Send(user, more); err != nil {
		t.Fatal(err)
	}
	if err := p.Send(user, Reply{Event: &Event{Type: "closed"}, Sender: Sender{Role: "system"}}); err != nil {
		t.Fatal(err)
	}
	if err := site.Wait(soon(t), user, func(a []Answer) bool { return len(a) == 3 }); err != nil {
		t.Fatalf("%v; problems %v", err, site.Problems.All())
	}
	got := site.Received(user)
	if got[0].Payload.BotSay != "You said: Hello" || got[0].Payload.Sender.Role != "bot" || got[0].Key != got[0].WebhookID {
		t.Errorf("first answer %+v", got[0])
	}
	if custom := string(got[0].Payload.UserData.CustomPayload); custom != `{"data":"string-less-than-256"}` {
		t.Errorf("custom payload came back as %s", custom)
	}
	want := `{"userId":"` + user + `","messageId":"m2","vendorMessageId":"v2","organization":"d8ai",` +
		`"chatbotName":"d8ai_chatbot","sentAt":"2026-04-17T06:00:00.005Z","payload":{"sender":{"role":"agent","name":"Eve"},"suggestions":["yes"],` +
		`"media":[{"type":"image","url":"http://x/y","name":"y"}],"userInfo":{"id":"` + user + `"},` +
		`"userData":{"targetAgents":["example_qa"],"customPayload":{"data":"string-less-than-256"}}}}`
	if diff := cmp.Diff(want, string(got[1].Body)); diff != "" {
		t.Errorf("second answer (-want +got):\n%s", diff)
	}
	if got[2].Payload.Event.Type != "closed" || got[2].Key == got[1].Key {
		t.Errorf("third answer %+v", got[2])
	}
}

func TestProxySpoilsTheStrongestProof(t *testing.T) {
	tests := []struct {
		name, secret, problem string
	}{
		{"signature", exampleSecret, "no right signature"},
		{"token", "", "not the reply token"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			site, base := website(t, Options{ReplyToken: "rt", ReplySecret: tt.secret})
			p := newProxy(t, ProxyOptions{
				Webhook: base, WebhookToken: "rt", WebhookSecret: tt.secret, Retry: push.Retry{Attempts: 2, First: time.Millisecond},
			})
			p.Faults.Add(fault.Fault{Kind: fault.BadSignature, Endpoint: EndpointAnswer, Count: 1})
			if err := p.Send(user, Reply{Text: "x"}); err != nil {
				t.Fatal(err)
			}
			if err := site.Wait(soon(t), user, func(a []Answer) bool { return len(a) == 1 }); err != nil {
				t.Fatal(err)
			}
			if got := site.Problems.All(); len(got) != 1 || !strings.Contains(got[0], tt.problem) || site.Counts().Refused != 1 {
				t.Errorf("problems %v, want one about %s", got, tt.problem)
			}
		})
	}
}

func TestProxyKeepsItsProofOverAttempts(t *testing.T) {
	var ids []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if err := verify(r.Header, exampleSecret, time.Now(), body); err != nil {
			t.Error(err)
		}
		ids = append(ids, r.Header.Get("Webhook-Id")+" "+r.Header.Get("Idempotency-Key"))
		if len(ids) < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer srv.Close()
	p := newProxy(t, ProxyOptions{
		Webhook: srv.URL, WebhookSecret: exampleSecret, Retry: push.Retry{Attempts: 3, First: time.Millisecond},
	})
	if err := p.Send(user, Reply{Text: "x"}); err != nil {
		t.Fatal(err)
	}
	if err := p.Pushed().Wait(soon(t), func(o []push.Outcome) bool { return len(o) == 1 }); err != nil {
		t.Fatal(err)
	}
	if len(ids) != 3 || ids[0] != ids[1] || ids[1] != ids[2] {
		t.Errorf("attempts had ids %q, want three times the same", ids)
	}
}

func TestProxyNeedsAUsableSecret(t *testing.T) {
	p := newProxy(t, ProxyOptions{WebhookSecret: "secret"})
	if err := p.Send(user, Reply{Text: "x"}); err == nil || p.Counts().Queued != 0 {
		t.Errorf("Send = %v, want an error and no call", err)
	}
}

func TestProxyMisbehavesOnCommand(t *testing.T) {
	p := newProxy(t, ProxyOptions{})
	for _, f := range []fault.Fault{
		{Kind: fault.Status, Status: 503}, {Kind: fault.ExpiredToken}, {Kind: fault.Refuse, Status: 402}, {Kind: fault.Refuse},
	} {
		f.Endpoint, f.Count = EndpointProxy, 1
		p.Faults.Add(f)
	}
	for _, want := range []int{503, 401, 402, 400, 200} {
		if got, body := ask(t, p, proxyPath, whole); got != want {
			t.Errorf("got %d %s, want %d", got, body, want)
		}
	}
}
