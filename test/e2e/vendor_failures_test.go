package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"patchbay/sandbox/aicc"
	"patchbay/sandbox/botwebhook"
	"patchbay/sandbox/native"
	"patchbay/sandbox/simulator"
	"patchbay/test/harness"
)

// Other channels continue.
func TestRetryAfterPausesTheWholeChannel(t *testing.T) {
	t.Parallel()
	const pause = 3 * time.Second
	s := newSystem(t, harness.Vendors{}, harness.Config{})
	s.connectAgent(t, "carl")
	s.Bots.Faults.Add(simulator.Fault{
		Kind: simulator.Status, Endpoint: botwebhook.EndpointMessage, Status: http.StatusTooManyRequests,
		RetryAfter: pause, Count: 1,
	})
	before := time.Now()
	s.say(t, "ann", "first")
	withTimeout(t, harness.Timeout, "the vendor throttles", func(ctx context.Context) error {
		return s.Bots.Faults.Hits.Wait(ctx, func(all []simulator.Hit) bool { return len(all) == 1 })
	})
	harness.Eventually(t, harness.Timeout, "the attempt is counted", func() string {
		if s.Metric(t, "patchbay_delivery_attempts_total", "channel", "faq", "outcome", "throttled") != 1 {
			return "not counted"
		}
		return ""
	})
	s.say(t, "ben", "second")
	s.say(t, "carl", "Still there?")
	s.expectAtDesk(t, "carl", "Still there?")
	if n := s.Bots.SendCalls.Len(); n != 0 {
		t.Errorf("%d calls to the bot before the desk had its message, want none", n)
	}
	s.expect(t, "ann", "bot", "You said: first")
	s.expect(t, "ben", "bot", "You said: second")
	for _, question := range []string{"first", "second"} {
		if waited := s.botCall(t, question).At.Sub(before); waited < pause {
			t.Errorf("%q was sent %s after the first call, within the vendor's pause of %s", question, waited, pause)
		}
	}
	if n := s.Bots.SendCalls.Len(); n != 2 {
		t.Errorf("%d calls to the bot, want 2", n)
	}
}

// Other channels continue.
func TestBreakerOpensAndCloses(t *testing.T) {
	t.Parallel()
	s := newSystem(t, harness.Vendors{}, harness.Config{})
	s.connectAgent(t, "carl")
	s.Bots.Faults.Add(simulator.Fault{
		Kind: simulator.Status, Endpoint: botwebhook.EndpointMessage, Status: http.StatusInternalServerError,
	})
	users := []string{"u0", "u1", "u2", "u3", "u4", "u5"}
	for _, u := range users {
		s.say(t, u, "one of "+u)
		s.say(t, u, "two of "+u)
	}
	harness.Eventually(t, harness.Timeout, "the breaker opens", func() string {
		if n := s.Metric(t, "patchbay_breaker_state", "channel", "faq"); n != 2 {
			return fmt.Sprintf("patchbay_breaker_state is %v", n)
		}
		return ""
	})
	status, body := s.Ready()
	want := "[+] channel faq: degraded: the channel's circuit breaker is open"
	if status != http.StatusOK || !strings.Contains(body, want) {
		t.Errorf("readyz: %d\n%swant 200 and %q", status, body, want)
	}
	pending := s.TraceOne(t, "u0").Pending
	if len(pending) == 0 || !strings.Contains(pending[0].Reason, "circuit breaker is open") {
		t.Errorf("pending: %+v, want the open breaker as the reason", pending)
	}
	cli := s.Run(t, "trace", "u0")
	if cli.Code != 0 || !strings.Contains(cli.Stdout, "the channel's circuit breaker is open") ||
		!strings.Contains(cli.Stdout, "queued behind") {
		t.Errorf("patchbay trace:\n%s%s", cli.Stdout, cli.Stderr)
	}
	for i := range 3 {
		text := fmt.Sprintf("Meanwhile %d", i)
		s.say(t, "carl", text)
		s.expectAtDesk(t, "carl", text)
		s.agentSays(t, "carl", text)
		s.expect(t, "carl", "agent", text)
	}
	s.Bots.Faults.Clear()
	for _, u := range users {
		s.expect(t, u, "bot", "You said: one of "+u)
		s.expect(t, u, "bot", "You said: two of "+u)
		s.expectNothingPending(t, u)
	}
	if n := s.Metric(t, "patchbay_breaker_state", "channel", "faq"); n != 0 {
		t.Errorf("patchbay_breaker_state is %v after the recovery, want 0", n)
	}
	if n := s.Bots.SendCalls.Len(); n != 2*len(users) {
		t.Errorf("%d calls to the bot, want %d", n, 2*len(users))
	}
}

// A refusal of one customer's message, with a result code and HTTP status 200, does not open the circuit breaker.
func TestRefusedMessageDelaysNoOtherCustomer(t *testing.T) {
	t.Parallel()
	const attempts = 6
	s := newSystem(t, harness.Vendors{}, harness.Config{})
	s.connectAgent(t, "ann")
	s.Desk.Faults.Add(simulator.Fault{Kind: simulator.Refuse, Endpoint: aicc.EndpointSend, Code: 13})
	s.say(t, "ann", "refused")
	withTimeout(t, time.Minute, "the desk refuses the message repeatedly", func(ctx context.Context) error {
		return s.Desk.Faults.Hits.Wait(ctx, func(all []simulator.Hit) bool { return len(all) == attempts })
	})
	if n := s.Metric(t, "patchbay_breaker_state", "channel", "desk"); n != 0 {
		t.Errorf("patchbay_breaker_state is %v after the refusals, want 0", n)
	}
	s.Desk.Faults.Clear()
	s.connectAgent(t, "ben")
	s.expectAtDesk(t, "ann", "refused")
}

func TestTimeoutIsRetriedAndDelaysNoOtherConversation(t *testing.T) {
	t.Parallel()
	s := newSystem(t, harness.Vendors{}, harness.Config{Extra: map[string][]string{"faq": {"delivery: {timeout: 1s}"}}})
	s.Bots.Faults.Add(simulator.Fault{Kind: simulator.Hang, Endpoint: botwebhook.EndpointMessage, Count: 1})
	s.say(t, "ann", "slow")
	withTimeout(t, harness.Timeout, "the call hangs", func(ctx context.Context) error {
		return s.Bots.Faults.Hits.Wait(ctx, func(all []simulator.Hit) bool { return len(all) == 1 })
	})
	s.say(t, "ben", "fast")
	s.expect(t, "ben", "bot", "You said: fast")
	s.expect(t, "ann", "bot", "You said: slow")
	tr := s.TraceOne(t, "ann")
	if retries := tr.Find("retrying"); len(retries) != 1 {
		t.Errorf("steps \"retrying\": %+v, want one", retries)
	}
	if n := s.Bots.SendCalls.Len(); n != 2 {
		t.Errorf("%d calls to the bot, want 2", n)
	}
}

// The website recognizes a duplicate by its key.
func TestRetryHasTheSameKey(t *testing.T) {
	t.Parallel()
	s := newSystem(t, harness.Vendors{}, harness.Config{})
	s.Livechat.Faults.Add(simulator.Fault{Kind: simulator.Reset, Endpoint: native.EndpointReply, Count: 2})
	s.say(t, "ann", "one")
	s.expect(t, "ann", "bot", "You said: one")
	s.Livechat.Faults.Add(simulator.Fault{Kind: simulator.Drop, Endpoint: native.EndpointReply, Count: 1})
	s.say(t, "ann", "two")
	s.expect(t, "ann", "bot", "You said: two")
	s.expect(t, "ann", "bot", "You said: two")
	s.say(t, "ann", "three")
	s.expect(t, "ann", "bot", "You said: three")
	if repeated := s.Livechat.RepeatedAnswers("ann"); len(repeated) != 1 || repeated[0].Payload.BotSay != "You said: two" {
		t.Errorf("repeated answers:\n%swant the message whose response was lost", formatAnswers(repeated))
	}
	if got := s.textsFrom("ann", "bot"); !slices.Equal(got, []string{"You said: one", "You said: two", "You said: three"}) {
		t.Errorf("the customer got %q", got)
	}
}

func TestForgottenBotConversationIsReopenedWithHistory(t *testing.T) {
	t.Parallel()
	s := newSystem(t, harness.Vendors{}, harness.Config{})
	s.say(t, "ann", "hello")
	s.expect(t, "ann", "bot", greeting)
	first := s.botCall(t, "hello").Conversation.ID
	s.Bots.Faults.Add(simulator.Fault{
		Kind: simulator.Refuse, Endpoint: botwebhook.EndpointMessage, Code: 40356, Count: 1, // the conversation does not exist
	})
	s.say(t, "ann", "Where were we?")
	s.expect(t, "ann", "bot", "You said: Where were we?")
	again := s.botCall(t, "Where were we?")
	if again.Conversation.ID == first || again.Conversation.UserID != deskID("ann") {
		t.Errorf("call in %+v, want in another conversation than %s, for the same user", again.Conversation, first)
	}
	if len(again.Messages) != 3 || again.Messages[0].Text != "hello" || again.Messages[1].Text != greeting {
		t.Errorf("the new conversation gets %+v, want the two earlier messages and the question", again.Messages)
	}
	if dead := s.Run(t, "dead", "list"); strings.TrimSpace(dead.Stdout) != "no dead letters" {
		t.Errorf("dead letters:\n%s", dead.Stdout)
	}
}

func TestDeclinedOfferLeavesTheBotInControl(t *testing.T) {
	t.Parallel()
	s := newSystem(t, harness.Vendors{}, harness.Config{})
	s.Desk.SetOpen(false)
	s.say(t, "ann", "I want a human")
	s.expect(t, "ann", "system", noticeLooking)
	s.expectAnswer(t, "ann", "both the notice and the bot's answer", allOf(
		hasText("system", noticeNoAgent), hasText("bot", "You said: I want a human")))
	s.say(t, "ann", "Then tell me a joke.")
	s.expect(t, "ann", "bot", "You said: Then tell me a joke.")
	tr := s.TraceOne(t, "ann")
	if end := tr.Find("offer declined"); len(end) != 1 || end[0].Channel != "desk" || end[0].Detail != "outside_hours" {
		t.Errorf("steps \"offer declined\": %+v, want one by desk, outside_hours", end)
	}
	if tr.State.Owner != "faq" || tr.State.Epoch != 1 || tr.State.Offer != "" {
		t.Errorf("state: %+v, want still owner faq in epoch 1 and no offer", tr.State)
	}
}

// A drain does not wait for the acceptance of an offer, and does not end the offer.
func TestOfferIsAcceptedAfterADrain(t *testing.T) {
	t.Parallel()
	s := newSystem(t, harness.Vendors{}, harness.Config{})
	s.say(t, "ann", "I want a human")
	s.awaitQueue(t, "ann")
	drained := s.Run(t, "drain")
	want := "offers that continue after the next start: 1\n"
	if drained.Code != 0 || !strings.Contains(drained.Stdout, want) {
		t.Errorf("drain: %+v, want success with %q", drained, want)
	}
	s.AwaitExit(t)
	s.Start(t)
	if err := s.Desk.Accept(deskID("ann"), "Kim"); err != nil {
		t.Fatal(err)
	}
	s.agentSays(t, "ann", "Here I am.")
	s.expect(t, "ann", "agent", "Here I am.")
	s.expectAtDesk(t, "ann", "I want a human")
	if got := s.textsFrom("ann", "system"); !slices.Equal(got, []string{noticeLooking}) {
		t.Errorf("notices %q, want only %q", got, noticeLooking)
	}
}

// While the gateway waits for the last calls before it ends, desks cannot accept offers. So no offer expires.
func TestOfferDoesNotExpireWhileTheGatewayStops(t *testing.T) {
	t.Parallel()
	routes := strings.Replace(harness.Routes, "within: 60s", "within: 9s", 1)
	s := newSystem(t, harness.Vendors{}, harness.Config{Routes: routes})
	s.Bots.Faults.Add(simulator.Fault{Kind: simulator.Hang, Endpoint: botwebhook.EndpointMessage})
	s.say(t, "ben", "hello")
	withTimeout(t, harness.Timeout, "a call hangs", func(ctx context.Context) error {
		return s.Bots.Faults.Hits.Wait(ctx, func(all []simulator.Hit) bool { return len(all) > 0 })
	})
	s.say(t, "ann", "I want a human")
	s.awaitQueue(t, "ann")
	s.Restart(t) // waits 10 s for the call
	if err := s.Desk.Accept(deskID("ann"), "Kim"); err != nil {
		t.Fatal(err)
	}
	s.agentSays(t, "ann", "Here I am.")
	s.expect(t, "ann", "agent", "Here I am.")
	if got := s.textsFrom("ann", "system"); !slices.Equal(got, []string{noticeLooking}) {
		t.Errorf("notices %q, want only %q", got, noticeLooking)
	}
}

func TestExpiredOfferLeavesTheBotInControl(t *testing.T) {
	t.Parallel()
	routes := strings.Replace(harness.Routes, "within: 60s", "within: 1s", 1)
	s := newSystem(t, harness.Vendors{}, harness.Config{Routes: routes})
	s.say(t, "ann", "I want a human")
	tr := s.TraceOne(t, "ann") // before the offer expires
	held := slices.DeleteFunc(tr.Pending, func(w harness.PendingDelivery) bool { return w.Status != "held" })
	if len(held) != 1 || held[0].Reason != "held until the offer to desk ends" {
		t.Errorf("held: %+v, want the message, with the offer to desk", held)
	}
	s.expect(t, "ann", "system", noticeLooking)
	s.expectAnswer(t, "ann", "both the notice and the bot's answer", allOf(
		hasText("system", noticeNoAgent), hasText("bot", "You said: I want a human")))
	s.awaitChat(t, deskID("ann"), aicc.StateLeft)
	if end := s.TraceOne(t, "ann").Find("offer expired"); len(end) != 1 {
		t.Errorf("steps \"offer expired\": %+v, want one", end)
	}
	s.say(t, "ann", "I want a human now") // the desk can get another offer
	s.awaitQueue(t, "ann")
	if err := s.Desk.Accept(deskID("ann"), "Kim"); err != nil {
		t.Fatal(err)
	}
	s.agentSays(t, "ann", "At last.")
	s.expect(t, "ann", "agent", "At last.")
}

func TestDeadLetterIsListedAndReplayed(t *testing.T) {
	t.Parallel()
	s := newSystem(t, harness.Vendors{}, harness.Config{})
	s.Bots.Faults.Add(simulator.Fault{
		Kind: simulator.Status, Endpoint: botwebhook.EndpointMessage, Status: http.StatusNotFound, Count: 1,
	})
	s.say(t, "ann", "lost?")
	var dead []struct {
		ID, Conversation, Channel, Kind, Error, Text string
		Attempts                                     int
	}
	list := func() string {
		got := s.Run(t, "dead", "list", "-o", "json")
		if err := json.Unmarshal([]byte(got.Stdout), &dead); err != nil || got.Code != 0 {
			t.Fatalf("dead list -o json: code %d, %v\n%s%s", got.Code, err, got.Stdout, got.Stderr)
		}
		return fmt.Sprintf("%d dead letters", len(dead))
	}
	harness.Eventually(t, harness.Timeout, "one dead letter", func() string {
		if n := list(); n != "1 dead letters" {
			return n
		}
		return ""
	})
	d := dead[0]
	if d.Channel != "faq" || d.Kind != "send" || d.Error != "permanent" || d.Attempts != 1 {
		t.Errorf("dead letter %+v, want one of faq: send, permanent, after 1 attempt", d)
	}
	s.say(t, "ann", "next")
	s.expect(t, "ann", "bot", "You said: next")
	if show := s.Run(t, "dead", "show", d.ID); show.Code != 0 || !strings.Contains(show.Stdout, d.ID) ||
		!strings.Contains(show.Stdout, "permanent") || !strings.Contains(show.Stdout, "conversation "+d.Conversation) {
		t.Errorf("dead show: code %d\n%s%s", show.Code, show.Stdout, show.Stderr)
	}
	if again := s.Run(t, "dead", "replay", d.ID); again.Code != 0 || !strings.HasPrefix(again.Stdout, d.ID+" replayed ") {
		t.Errorf("dead replay: code %d\n%s%s", again.Code, again.Stdout, again.Stderr)
	}
	s.expect(t, "ann", "bot", "You said: lost?")
	if n := list(); n != "0 dead letters" {
		t.Errorf("after the replay: %s", n)
	}
	if again := s.Run(t, "dead", "replay", d.ID); again.Code != 1 || !strings.Contains(again.Stderr, "no dead letter") {
		t.Errorf("second replay: code %d, %q; want 1 and an error", again.Code, again.Stderr)
	}
}

// hasText returns a function that reports whether an answer has exactly this text from role.
func hasText(role, text string) func(native.Answer) bool {
	return func(a native.Answer) bool { return a.Payload.Sender.Role == role && a.Payload.BotSay == text }
}

// allOf returns a function that reports true when each of the given functions has reported true once, in any order.
func allOf(each ...func(native.Answer) bool) func(native.Answer) bool {
	return func(a native.Answer) bool {
		each = slices.DeleteFunc(each, func(matches func(native.Answer) bool) bool { return matches(a) })
		return len(each) == 0
	}
}
