package admin

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/trail"
)

func TestConversationsAreListedLongestWaitFirst(t *testing.T) {
	a := newTestAPI(t)
	list := func(channel string) string {
		t.Helper()
		var got WaitingList
		a.call("GET", "/api/conversations?channel="+channel, 200, &got)
		var out []string
		for _, w := range got.Conversations {
			var c trail.Conversation
			a.call("GET", "/api/conversations/"+w.Conversation, 200, &c)
			var traced struct{ Conversations []trail.Conversation }
			a.call("GET", "/api/trace?id="+w.Conversation, 200, &traced)
			for _, other := range []*trail.Wait{c.Wait, traced.Conversations[0].Wait} {
				if channel == "" && cmp.Diff(w.Wait, *other, cmpopts.IgnoreUnexported(trail.Wait{})) != "" {
					t.Errorf("the list has the wait %+v, another command %+v", w.Wait, other)
				}
			}
			if w.Since.Before(c.State.Created) || w.Since.After(time.Now()) || w.Owner != c.State.Owner {
				t.Errorf("%+v does not match the conversation %+v", w, c.State)
			}
			out = append(out, fmt.Sprintf("%s for %s: %d, %s", c.State.Customer, w.Channel, w.Pending, w.Reason))
		}
		return strings.Join(out, "\n")
	}
	if got := list(""); got != "" {
		t.Errorf("%q is listed without conversations", got)
	}
	a.say("web", "w1", "m1", "hello")
	a.finish(a.job("faq"), attempt.Outcome{Result: attempt.ResultDelivered})
	a.say("web", "w2", "m2", "hello")
	a.say("web", "w2", "m3", "hello?")
	a.say("web", "w3", "m4", "help")
	if want, got := "cust-w1 for faq: 0, faq has not answered the customer\ncust-w2 for faq: 2, its call begins soon\n"+
		"cust-w3 for desk: 2, its call begins soon", list(""); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	a.finish(a.job("faq"), attempt.Outcome{Result: attempt.ResultDead, Error: "permanent", Text: "too long"})
	if got, want := list("faq"), "cust-w2 for faq: 1, its call begins soon"; !strings.Contains(got, want) {
		t.Errorf("for the bot: %q, want %q", got, want)
	}
	a.finish(a.job("faq"), attempt.Outcome{Result: attempt.ResultDead, Error: "permanent", Text: "too long"})
	if got, want := list("faq"), "cust-w2 for faq: 0, 2 messages to faq are dead letters (permanent)"; !strings.Contains(got, want) {
		t.Errorf("for the bot: %q, want %q", got, want)
	}
	a.finish(a.job("desk"), attempt.Outcome{Result: attempt.ResultDelivered, Thread: "t1"})
	if want, got := "cust-w3 for desk: 1, held until the offer to desk ends", list("desk"); got != want {
		t.Errorf("for the desk: %q, want %q", got, want)
	}
	for i := range maxWaiting {
		a.say("web", fmt.Sprintf("more-%d", i), fmt.Sprintf("more-%d", i), "hello")
	}
	if got := strings.Split(list("faq"), "\n"); len(got) != maxWaiting || !strings.HasPrefix(got[0], "cust-w1 ") {
		t.Errorf("%d conversations, the first %q; want %d, longest wait first", len(got), got[0], maxWaiting)
	}
}

func TestWaitsAreCountedByCause(t *testing.T) {
	a := newTestAPI(t)
	for i := range maxWaiting + 2 { // in flight
		a.say("web", fmt.Sprintf("w%d", i), fmt.Sprintf("m%d", i), "hello")
	}
	a.finish(a.job("faq"), attempt.Outcome{Result: attempt.ResultDelivered})
	a.finish(a.job("faq"), attempt.Outcome{Result: attempt.ResultDead, Error: "permanent", Text: "too long"})
	a.say("web", "offered", "o1", "help")
	a.finish(a.job("desk"), attempt.Outcome{Result: attempt.ResultDelivered, Thread: "t1"})
	a.say("web", "unheld", "u1", "help, but let me talk")
	a.finish(a.job("desk"), attempt.Outcome{Result: attempt.ResultDelivered, Thread: "t2"})
	a.lanes = attempt.ChannelState{Breaker: "open", Cause: "HTTP 503"}
	var got WaitingList
	a.call("GET", "/api/conversations", 200, &got)
	var lines []string
	total := 0
	for _, c := range got.Causes {
		lines = append(lines, fmt.Sprintf("%d for %s: %s: %s", c.Conversations, c.Channel, c.Cause, c.Reason))
		total += c.Conversations
		if c.Since.IsZero() || c.Since.After(time.Now()) {
			t.Errorf("%+v has no time", c)
		}
	}
	want := []string{
		fmt.Sprintf("%d for faq: delivery: the channel's circuit breaker is open: HTTP 503", maxWaiting),
		"2 for desk: offer: offered, and not accepted yet",
		"1 for faq: answer: has not answered the customer",
		"1 for faq: dead_letter: messages to the channel are dead letters",
	}
	if diff := cmp.Diff(want, lines); diff != "" || total != got.Total {
		t.Errorf("causes of %d waits (-want +got):\n%s", got.Total, diff)
	}
}

func TestListsOfAnUnknownChannelAreErrors(t *testing.T) {
	a := newTestAPI(t)
	for _, list := range []string{"conversations", "dead-letters"} {
		var p problem
		a.call("GET", "/api/"+list+"?channel=nosuch", 404, &p)
		if !strings.HasPrefix(p.Error, `no channel "nosuch"; the channels are `) || !strings.Contains(p.Error, "desk") {
			t.Errorf("%s: %q", list, p.Error)
		}
	}
}
