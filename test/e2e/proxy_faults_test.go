package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"patchbay/sandbox/native"
	"patchbay/sandbox/simulator"
	"patchbay/test/harness"
)

// Credentials of the message proxy.
const (
	proxyToken  = "proxy-access-token-0123456789"
	proxyAnswer = "proxy-answer-token-0123456789"
	proxySecret = "whsec_cHJveHktYW5zd2VyLXNlY3JldC0wMTIzNDU2Nzg5YWI="
)

// newProxySystem returns a system with the message proxy as its bot. secret signs the answers; "" means no signature.
func newProxySystem(t *testing.T, secret string) (*system, *native.Proxy) {
	t.Helper()
	p := native.NewProxy(native.ProxyOptions{
		AccessToken: proxyToken, WebhookToken: proxyAnswer, WebhookSecret: secret, Retry: harness.Retry,
	})
	server := httptest.NewServer(p.Handler())
	t.Cleanup(func() {
		p.Faults.Clear()
		p.Close()
		server.CloseClientConnections()
		server.Close()
	})
	omit := []string{"faq", "desk"}
	s := newSystem(t, harness.Vendors{}, harness.Config{Omit: omit, Routes: "[]", Define: map[string]string{
		"proxy": fmt.Sprintf(`
adapter: native
role: bot
allow: [127.0.0.0/8]
delivery: {timeout: 2s}
settings:
  organization: d8ai
  chatbot: d8ai_chatbot
  access_token: %s
  base_url: %s
  answer_token: %s
  answer_secret: %q`, proxyToken, server.URL, proxyAnswer, secret),
		"livechat": `
adapter: native
role: customer
owner: proxy
allow: [127.0.0.0/8]
settings:
  organization: d8ai
  chatbot: d8ai_chatbot
  access_token: ${env:NATIVE_ACCESS_TOKEN}
  reply_url: ${env:LIVECHAT_URL}/replies
  reply_token: ${env:NATIVE_REPLY_TOKEN}`,
	}})
	p.SetGateway(s.Public + "/mp/webhooks/native/answers/proxy")
	return s, p
}

// Any response with status 2xx means that the proxy accepted the message, whatever its body is. So a message is
// repeated only if the complete response is lost.
func TestMessagesToTheProxySurviveFaults(t *testing.T) {
	t.Parallel()
	s, p := newProxySystem(t, proxySecret)
	cases := slices.Concat(faultsBefore, faultsAfter(two, one), []faultCase{
		{"refused", simulator.Fault{Kind: simulator.Refuse}, none, true},
		{"redirected", simulator.Fault{Kind: simulator.Status, Status: http.StatusFound}, none, true},
	})
	s.checkFaults(t, &p.Faults, native.EndpointProxy, "proxy", cases, func(text string) {
		s.say(t, "ann", text, native.WithData("order 17"), func(m *native.Message) {
			m.Payload.UserData.TargetAgents = []string{"example_qa"}
		})
	}, func() []string {
		var out []string
		for _, a := range p.Calls.All() {
			out = append(out, a.Text)
			if a.Data != "order 17" || !slices.Equal(a.TargetAgents, []string{"example_qa"}) {
				t.Errorf("%q has data %q and target agents %q", a.Text, a.Data, a.TargetAgents)
			}
		}
		return out
	})
	keys := map[string]string{} // by text; all attempts have the same key
	for _, a := range p.Calls.All() {
		key := a.Header.Get("Idempotency-Key")
		if key == "" || keys[a.Text] != "" && keys[a.Text] != key {
			t.Errorf("%q has the keys %q and %q, want one", a.Text, keys[a.Text], key)
		}
		keys[a.Text] = key
	}
}

func TestRefusedProxyTokenIsRetriedSlowly(t *testing.T) {
	t.Parallel()
	s, p := newProxySystem(t, "")
	p.Faults.Add(simulator.Fault{Kind: simulator.ExpiredToken, Endpoint: native.EndpointProxy, Count: 1})
	s.say(t, "ann", "hello")
	s.expectUnhealthy(t, "proxy")
	s.expectSlowRetry(t, "proxy", "ann")
	s.say(t, "ben", "hello")
	s.expect(t, "ben", "bot", "You said: hello")
}

// The calls have a token, or a token and a signature.
func TestAnswersOfTheProxySurviveFaults(t *testing.T) {
	t.Parallel()
	for name, secret := range map[string]string{"token": "", "signature": proxySecret} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, p := newProxySystem(t, secret)
			s.say(t, "ann", "hello")
			s.expect(t, "ann", "bot", "You said: hello")
			s.checkFaults(t, &p.Faults, native.EndpointAnswer, "livechat", webhookFaults, func(text string) {
				if err := p.Send(deskID("ann"), text); err != nil {
					t.Fatal(err)
				}
			}, func() []string { return s.textsFrom("ann", "bot") })
			if repeated := s.Livechat.RepeatedAnswers("ann"); len(repeated) > 0 {
				t.Errorf("duplicate answers:\n%s", formatAnswers(repeated))
			}

			p.Faults.Add(simulator.Fault{
				Kind: simulator.Reorder, Endpoint: native.EndpointAnswer, Count: 1, Delay: 5 * time.Second,
			})
			for _, text := range []string{"second", "first"} {
				if err := p.Send(deskID("ann"), text); err != nil {
					t.Fatal(err)
				}
			}
			s.expect(t, "ann", "bot", "first") // in the order of arrival
			s.expect(t, "ann", "bot", "second")
		})
	}
}

func TestUnsignedProxyAnswersAreRefused(t *testing.T) {
	t.Parallel()
	s, p := newProxySystem(t, proxySecret)
	s.say(t, "ann", "hello")
	s.expect(t, "ann", "bot", "You said: hello")
	p.Faults.Add(simulator.Fault{Kind: simulator.BadSignature, Endpoint: native.EndpointAnswer})
	if err := p.Send(deskID("ann"), "send money"); err != nil {
		t.Fatal(err)
	}
	harness.Eventually(t, harness.Timeout, "the answer is refused repeatedly", func() string {
		if n := s.Metric(t, "patchbay_plugin_native_unauthenticated_total", "channel", "proxy"); n < 3 {
			return fmt.Sprintf("%v times", n)
		}
		return ""
	})
	if got := s.textsFrom("ann", "bot"); len(got) != 1 || strings.Contains(got[0], "money") {
		t.Errorf("the customer got %q", got)
	}
	p.Faults.Clear() // the next attempt is signed
	s.expect(t, "ann", "bot", "send money")
}
