package conversation

import (
	"testing"
	"time"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/route"
	"patchbay/sdk/envelope"
)

// overloaded returns the result of Overloaded for an envelope.
func (h *harness) overloaded(m incoming) (channel string) {
	h.Helper()
	in := h.inbound(m)
	h.transact(func(tx *Transaction) { channel = tx.Overloaded(in) })
	return channel
}

func TestOverloaded(t *testing.T) {
	const limit = 5 * time.Second
	full := attempt.ChannelState{Full: time.Minute, Waits: limit + 1}
	loose := route.NewOffer("desk")
	loose.Hold = false
	say := func(text string) func(*harness) { return func(h *harness) { h.customer(text) } }
	hello := incoming{channel: "web", thread: "w1", text: "hello"}
	for _, tc := range []struct {
		name    string
		before  func(*harness)       // nil: the customer says hello to faq
		in      incoming             // an empty thread is the channel's current one
		channel string               // that cannot keep up; "" is faq
		calls   attempt.ChannelState // of the channel; the zero value is full
		refused bool
	}{
		{name: "to the owner", in: hello, refused: true},
		{name: "to another channel", in: hello, channel: "desk"},
		{name: "from a new customer", in: incoming{channel: "web", thread: "w2", text: "hello"}, refused: true},
		{name: "the vendor does not work", in: hello,
			calls: attempt.ChannelState{Full: time.Minute, Waits: limit + 1, SinceSuccess: limit + 1}},
		{name: "the first message waits as long as the limit", in: hello,
			calls: attempt.ChannelState{Full: time.Minute, Waits: limit}},
		{name: "all calls are in use for as long as the limit", in: hello,
			calls: attempt.ChannelState{Full: limit, Waits: limit + 1}},
		{name: "event", in: incoming{channel: "web", thread: "w1", kind: envelope.KindTyping}},
		{name: "blank message", in: incoming{channel: "web", thread: "w1", text: " "}},
		{name: "duplicate", in: incoming{channel: "web", thread: "w1", text: "one", id: "m1"}, before: func(h *harness) {
			h.receive(incoming{channel: "web", thread: "w1", text: "one", id: "m1"})
		}},
		{name: "of a removed channel", in: hello, before: func(h *harness) {
			h.customer("one")
			h.without("web")
		}},
		{name: "held during an offer", before: say("ask"), in: hello},
		{name: "not held during an offer", before: say("loose"), in: hello, refused: true},
		{name: "from the owner", before: say("old"), in: incoming{channel: "old", text: "answer"},
			channel: "web", refused: true},
		{name: "from a channel that is not the owner", before: func(h *harness) {
			h.customer("old")
			h.customer("faq")
		}, in: incoming{channel: "old", text: "answer"}, channel: "web"},
		{name: "from the owner on a former thread", before: func(h *harness) {
			h.customer("one")
			h.openThread("faq", "f1")
			h.customer("old")
			h.customer("faq")
			h.openThread("faq", "f2")
		}, in: incoming{channel: "faq", thread: "f1", text: "answer"}, channel: "web"},
		{name: "of an unknown thread", in: incoming{channel: "desk", thread: "d9", text: "answer"}, channel: "web"},
		{name: "during the departure of the owner", before: func(h *harness) {
			h.customer("desk")
			h.openThread("desk", "d1")
			h.agentLeaves(h.now)
		}, in: hello, channel: "desk"},
		{name: "after the end of the conversation", before: func(h *harness) {
			h.customer("old")
			h.mustCommand("close", "")
		}, in: hello, refused: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.channel == "" {
				tc.channel = "faq"
			}
			if tc.calls == (attempt.ChannelState{}) {
				tc.calls = full
			}
			if tc.before == nil {
				tc.before = say("one")
			}
			p := testPolicy(t, onWord("old", route.Rule{Pass: "old"}), onWord("faq", route.Rule{Pass: "faq"}),
				onWord("desk", route.Rule{Pass: "desk"}), onWord("ask", route.Rule{Offer: route.NewOffer("desk")}),
				onWord("loose", route.Rule{Offer: loose}))
			p.RefuseAfter = limit
			p.Calls = func(channel string) attempt.ChannelState {
				return map[string]attempt.ChannelState{tc.channel: tc.calls}[channel]
			}
			h := newHarness(t, p)
			tc.before(h)
			if tc.in.thread == "" {
				tc.in.thread = h.conv().Threads[tc.in.channel].ID
			}
			want := ""
			if tc.refused {
				want = tc.channel
			}
			if got := h.overloaded(tc.in); got != want {
				t.Errorf("Overloaded returns %q, want %q", got, want)
			}
			h.policy.RefuseAfter, h.policy.Calls = 0, nil
			if got := h.overloaded(tc.in); got != "" {
				t.Errorf("Overloaded returns %q without a limit", got)
			}
		})
	}
}

func TestOverloadedForALaneThatIsLate(t *testing.T) {
	const limit = 5 * time.Second
	image := func(h *harness) { h.transact(func(tx *Transaction) { tx.Receive(imageMessage(h)) }) }
	text := func(h *harness) { h.customer("hello") }
	deadLetter := func(h *harness) {
		h.policy.Channels["old"].Block = true
		h.customer("hello")
		h.outcome(h.head("old"), attempt.Outcome{Result: attempt.ResultDead, Error: "permanent"})
		h.customer("two")
	}
	for _, tc := range []struct {
		name    string
		first   func(*harness)
		more    bool // a second message waits behind the first one
		wait    time.Duration
		retry   bool // the first call failed
		refused bool
	}{
		{name: "one message", first: text, wait: time.Hour},
		{name: "two messages", first: text, more: true, wait: limit + 1, refused: true},
		{name: "not late yet", first: text, more: true, wait: limit},
		{name: "behind a retry", first: text, more: true, wait: limit + 1, retry: true},
		{name: "behind a dead letter", first: deadLetter, more: true, wait: limit + 1},
		{name: "behind media", first: image, more: true, wait: limit + 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := testPolicy(t)
			p.Owner, p.RefuseAfter = "old", limit
			calls := 0
			p.Calls = func(string) attempt.ChannelState {
				calls++
				return attempt.ChannelState{Full: time.Minute, Waits: 1}
			}
			h := newHarness(t, p)
			tc.first(h)
			if tc.more {
				h.customer("more")
			}
			if tc.retry {
				h.outcome(h.head("old"), attempt.Outcome{Result: attempt.ResultRetry, Error: "transient", Next: h.now})
			}
			h.now = h.now.Add(tc.wait)
			want := ""
			if tc.refused {
				want = "old"
			}
			in := incoming{channel: "web", thread: "w1", text: "late"}
			if got := h.overloaded(in); got != want {
				t.Errorf("Overloaded returns %q, want %q", got, want)
			}
			calls = 0
			tx := Begin(h.state, h.policy, h.now, h.seq+1, h.newID)
			tx.Overloaded(h.inbound(in))
			tx.Overloaded(h.inbound(in))
			if calls != 1 {
				t.Errorf("one transaction asked %d times for the state of the calls, want once", calls)
			}
		})
	}
}
