package native

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchbay/sandbox/simulator"
)

const proxyPath = "/mp/webhooks/native/messages/d8ai/d8ai_chatbot"

// documentExample is the example in the vendor's document, revision 04/17.
const documentExample = `{"userId":"` + user + `","accessToken":"at","payload":{"userSay":"Hello",` +
	`"userInfo":{"id":"` + user + `"},"userData":{"targetAgents":["example_qa"],"customPayload":{"data":"string-less-than-256"}}}}`

func newProxy(t *testing.T, o ProxyOptions) *Proxy {
	t.Helper()
	o.AccessToken = "at"
	p := NewProxy(o)
	p.SetGateway("http://127.0.0.1:1")
	t.Cleanup(p.Close)
	return p
}

func callProxy(t *testing.T, p *Proxy, path, body string) (int, string) {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	p.Handler().ServeHTTP(w, r)
	return w.Code, strings.TrimSpace(w.Body.String())
}

func TestProxyAcceptsTheDocumentsExample(t *testing.T) {
	p := newProxy(t, ProxyOptions{})
	if status, body := callProxy(t, p, proxyPath, documentExample); status != 200 || body != "{}" {
		t.Fatalf("got %d %s, want 200 {}", status, body)
	}
	got := p.Calls.All()[0]
	want := ProxyCall{
		Header: got.Header, UserID: user, Text: "Hello", TargetAgents: []string{"example_qa"}, Data: "string-less-than-256",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}

func TestProxyValidatesCalls(t *testing.T) {
	minimal := `{"userId":"u","accessToken":"at","payload":{"userSay":"x","userInfo":{"id":"u"}}}`
	with := func(old, new string) string { return strings.Replace(minimal, old, new, 1) }
	custom := func(payload string) string {
		return with(`{"id":"u"}`, `{"id":"u"},"userData":{"customPayload":`+payload+`}`)
	}
	for _, tt := range []struct {
		name, body string
		status     int
	}{
		{"minimal", minimal, 200},
		{"data of 255 characters", custom(`{"data":"` + strings.Repeat("人", 255) + `"}`), 200},
		{"data of 256 characters", custom(`{"data":"` + strings.Repeat("人", 256) + `"}`), 400},
		{"number as data", custom(`{"data":1}`), 400},
		{"customPayload with an unknown member", custom(`{"data":"x","n":1}`), 400},
		{"string as customPayload", custom(`"x"`), 400},
		{"wrong token", with(`"at"`, `"no"`), 401},
		{"no token", with(`"accessToken":"at",`, ""), 401},
		{"no user", with(`"userId":"u",`, ""), 400},
		{"another user in userInfo", with(`{"id":"u"}`, `{"id":"v"}`), 400},
		{"no user in userInfo", with(`{"id":"u"}`, `{}`), 400},
		{"empty text", with(`"x"`, `""`), 400},
		{"no text", with(`"userSay":"x",`, ""), 400},
		{"string as targetAgents", with(`{"id":"u"}`, `{"id":"u"},"userData":{"targetAgents":"a"}`), 400},
		{"unknown member", with(`"x"`, `"x","lang":"de"`), 400},
		{"message id, which is not in the document", with(`"userId"`, `"messageId":"m","userId"`), 400},
		{"media, which are not in the document", with(`"x"`, `"x","media":[{"type":"image","url":"http://x/y"}]`), 400},
		{"data after the object", minimal + "{}", 400},
		{"not JSON", "{", 400},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newProxy(t, ProxyOptions{})
			status, body := callProxy(t, p, proxyPath, tt.body)
			if status != tt.status || (p.Calls.Len() == 1) != (status == 200) || (p.Problems.Len() == 1) != (status != 200) {
				t.Errorf("got %d %s with %d calls, want %d", status, body, p.Calls.Len(), tt.status)
			}
		})
	}
	for _, path := range []string{proxyPath + "2", strings.Replace(proxyPath, "/d8ai/", "/other/", 1), "/"} {
		r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(documentExample))
		w := httptest.NewRecorder()
		newProxy(t, ProxyOptions{}).Handler().ServeHTTP(w, r)
		if w.Code != 404 {
			t.Errorf("%s: %d, want 404", path, w.Code)
		}
	}
}

// The proxy posts its answers to the website, which requires its own format.
func TestProxyAnswersInTheWebsitesFormat(t *testing.T) {
	site, base := website(t, Options{ReplyToken: "rt"})
	p := newProxy(t, ProxyOptions{WebhookToken: "rt", Retry: simulator.Retry{Attempts: 2, First: time.Millisecond}})
	p.SetGateway(base + "/answers")
	p.Faults.Add(simulator.Fault{Kind: simulator.BadSignature, Endpoint: EndpointAnswer, Count: 1})
	if status, _ := callProxy(t, p, proxyPath, documentExample); status != 200 {
		t.Fatalf("status %d", status)
	}
	if err := p.Send(user, "More"); err != nil {
		t.Fatal(err)
	}
	if err := site.Answers(user).Wait(testContext(t), func(a []Answer) bool { return len(a) == 2 }); err != nil {
		t.Fatalf("%v; problems %v", err, site.Problems.All())
	}
	if n := site.Problems.Len(); n != 1 {
		t.Errorf("problems %v, want one about the token", site.Problems.All())
	}
	got := site.AllAnswers(user)
	if got[0].Payload.BotSay != "You said: Hello" || got[0].Payload.Sender.Role != "bot" || got[0].Key == "" {
		t.Errorf("first answer %+v", got[0])
	}
	if custom := string(got[0].Payload.UserData.CustomPayload); custom != `{"data":"string-less-than-256"}` {
		t.Errorf("custom payload of the answer: %s", custom)
	}
	if got[1].Payload.BotSay != "More" || got[1].Key == got[0].Key {
		t.Errorf("second answer %+v", got[1])
	}
}

func TestAttemptsOfAnAnswerHaveOneID(t *testing.T) {
	var ids []string
	wrongSignatures := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ids = append(ids, r.Header.Get("Webhook-Id")+" "+r.Header.Get("Idempotency-Key"))
		body, _ := io.ReadAll(r.Body)
		at, _ := strconv.ParseInt(r.Header.Get("Webhook-Timestamp"), 10, 64)
		want, err := SignatureHeaders(exampleSecret, r.Header.Get("Webhook-Id"), time.Unix(at, 0), body)
		if err != nil {
			t.Error(err)
		}
		if r.Header.Get("Webhook-Signature") != want.Get("Webhook-Signature") {
			wrongSignatures++
		}
		if len(ids) < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer srv.Close()
	p := newProxy(t, ProxyOptions{WebhookSecret: exampleSecret, Retry: simulator.Retry{Attempts: 3, First: time.Millisecond}})
	p.SetGateway(srv.URL)
	p.Faults.Add(simulator.Fault{Kind: simulator.BadSignature, Endpoint: EndpointAnswer, Count: 1})
	if err := p.Send(user, "x"); err != nil {
		t.Fatal(err)
	}
	if err := p.Outcomes.Wait(testContext(t), func(o []simulator.Outcome) bool { return len(o) == 1 }); err != nil {
		t.Fatal(err)
	}
	if len(ids) != 3 || ids[0] != ids[1] || ids[1] != ids[2] || wrongSignatures != 1 {
		t.Errorf("attempts with ids %q and %d wrong signatures, want one id three times and one", ids, wrongSignatures)
	}
}

func TestProxyRefusesByFault(t *testing.T) {
	p := newProxy(t, ProxyOptions{})
	for _, f := range []simulator.Fault{
		{Kind: simulator.Status, Status: 503}, {Kind: simulator.ExpiredToken}, {Kind: simulator.Refuse, Status: 402}, {Kind: simulator.Refuse},
	} {
		f.Endpoint, f.Count = EndpointProxy, 1
		p.Faults.Add(f)
	}
	for _, want := range []int{503, 401, 402, 400, 200} {
		if got, body := callProxy(t, p, proxyPath, documentExample); got != want {
			t.Errorf("got %d %s, want %d", got, body, want)
		}
	}
}
