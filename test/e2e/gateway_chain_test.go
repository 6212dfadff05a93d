package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"patchbay/sandbox/native"
	"patchbay/test/harness"
)

// Credentials that both gateways of a chain have.
const (
	chainToken  = "chain-access-token-0123456789"
	chainAnswer = "chain-answer-token-0123456789"
	chainSecret = "whsec_Y2hhaW4tYW5zd2VyLXNlY3JldC0wMTIzNDU2Nzg5"
)

// newChain returns a chain of two gateways. The near gateway has the customers and a desk. Its bot is the far gateway,
// which has a bot of GPTBots.
func newChain(t *testing.T) (near, far *system) {
	t.Helper()
	nearAddress := harness.FreeAddress(t)
	far = newSystem(t, harness.Vendors{}, harness.Config{Routes: "[]", Define: map[string]string{"livechat": fmt.Sprintf(`
adapter: native
role: customer
owner: faq
allow: [127.0.0.0/8]
settings:
  organization: d8ai
  chatbot: upstream
  access_token: %s
  reply_url: http://%s/mp/webhooks/native/answers/upstream
  reply_token: %s
  reply_secret: %s`, chainToken, nearAddress, chainAnswer, chainSecret)}})
	near = newSystem(t, harness.Vendors{}, harness.Config{
		Listen: nearAddress, Omit: []string{"faq"}, Conversations: "{history: 20, bounces: 0, owner: upstream}",
		Define: map[string]string{
			"upstream": fmt.Sprintf(`
adapter: native
role: bot
allow: [127.0.0.0/8]
settings:
  organization: d8ai
  chatbot: upstream
  access_token: %s
  base_url: %s
  far_end: patchbay
  answer_token: %s
  answer_secret: %s`, chainToken, far.Public, chainAnswer, chainSecret),
			"livechat": `
adapter: native
role: customer
owner: upstream
allow: [127.0.0.0/8]
settings:
  organization: d8ai
  chatbot: d8ai_chatbot
  access_token: ${env:NATIVE_ACCESS_TOKEN}
  reply_url: ${env:LIVECHAT_URL}/replies
  reply_token: ${env:NATIVE_REPLY_TOKEN}`,
		},
	})
	return near, far
}

// The far gateway is killed during the conversation. No message may be lost.
func TestConversationThroughTwoGateways(t *testing.T) {
	t.Parallel()
	near, far := newChain(t)
	const user = "zoe"

	near.say(t, user, "hello", native.WithData("order 17"))
	a := near.expect(t, user, "bot", greeting)
	if got := string(a.Payload.UserData.CustomPayload); got != `{"data":"order 17"}` {
		t.Errorf("customPayload returned as %s", got)
	}
	if trace := fmt.Sprintf("%+v", far.TraceOne(t, deskID(user)).Entries); !strings.Contains(trace, "hello") {
		t.Errorf("the far gateway's trail does not contain the message")
	}

	far.Kill(t)
	near.say(t, user, "are you there?")
	far.Start(t)
	near.expect(t, user, "bot", "You said: are you there?")

	photo := randomImage(t, 20)
	near.say(t, user, "look", near.withImage("photo.png", "image/png", photo))
	question := far.botCall(t, "look")
	if n := len(question.Messages); n == 0 || len(question.Messages[n-1].Media) != 1 {
		t.Errorf("the far bot got %+v, want a text and one image", question.Messages)
	}

	near.connectAgent(t, user)
	near.expectAtDesk(t, user, "I want a human")
	if err := near.Desk.Hangup(deskID(user)); err != nil {
		t.Fatal(err)
	}
	near.expect(t, user, "system", noticeBack)
	near.say(t, user, "thanks")
	near.expect(t, user, "bot", "You said: thanks")
	near.expectNothingPending(t, user)
	near.expectNoProblems(t)
	far.expectNoProblems(t)
	if repeated := near.Livechat.RepeatedAnswers(user); len(repeated) > 0 {
		t.Errorf("duplicate answers:\n%s", formatAnswers(repeated))
	}
}

func TestMessageWithTooManyHopsIsNotDelivered(t *testing.T) {
	t.Parallel()
	near, far := newChain(t)
	near.say(t, "far", "too far", withHops("9"), native.WithMessageID("hops-9"))
	near.say(t, "near", "hello", withHops("3"))
	near.expect(t, "near", "bot", greeting)
	near.expectNothingPending(t, "hops-9")
	for _, call := range far.Bots.SendCalls.All() {
		for _, m := range call.Messages {
			if m.Text == "too far" {
				t.Errorf("the far bot got %+v", call)
			}
		}
	}
}

func TestForgedAnswersOfTheFarGatewayAreRefused(t *testing.T) {
	t.Parallel()
	near, _ := newChain(t)
	near.say(t, "eve", "hello")
	near.expect(t, "eve", "bot", greeting)
	forged := fmt.Appendf(nil,
		`{"userId":%q,"messageId":"m1","payload":{"botSay":"send money","sender":{"role":"bot"},"userInfo":{"id":%q}}}`,
		deskID("eve"), deskID("eve"))
	for name, header := range map[string]http.Header{
		"no credentials": {},
		"token only":     {"Authorization": {"Bearer " + chainAnswer}},
		"wrong token":    {"Authorization": {"Bearer x"}},
		"forged signature": {
			"Authorization": {"Bearer " + chainAnswer}, "Webhook-Id": {"m1"}, "Webhook-Timestamp": {"1700000000"},
			"Webhook-Signature": {"v1,AAAA"},
		},
	} {
		url := near.Public + "/mp/webhooks/native/answers/upstream"
		req, err := http.NewRequestWithContext(harness.TestContext(t), http.MethodPost, url, bytes.NewReader(forged))
		if err != nil {
			t.Fatal(err)
		}
		req.Header = header
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: status %d, want 401", name, resp.StatusCode)
		}
	}
	near.say(t, "eve", "still there?")
	near.expect(t, "eve", "bot", "You said: still there?")
	if texts := near.textsFrom("eve", "bot"); len(texts) != 2 {
		t.Errorf("the customer got %q", texts)
	}
}

func withHops(n string) native.Option {
	return func(m *native.Message) { m.Header.Set("Patchbay-Hops", n) }
}
