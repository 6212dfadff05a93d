package writer

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/inbound"
	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol"
)

// overloaded is the state of a saturated channel, for a limit of 5 s.
var overloaded = attempt.ChannelState{Full: 6 * time.Second, Waits: 6 * time.Second}

// withCalls sets the states of the channels' calls that the writer reads.
func withCalls(calls map[string]attempt.ChannelState) func(*Options) {
	return func(o *Options) {
		o.Policy.RefuseAfter = 5 * time.Second
		o.Policy.Calls = func(channel string) attempt.ChannelState { return calls[channel] }
	}
}

func TestMessagesToAnOverloadedChannelAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := map[string]attempt.ChannelState{}
		h := openHarness(t, withCalls(calls))
		defer h.stop()
		h.customer("w1", "m1", "hello")
		h.customer("w2", "n1", "desk now")
		calls["faq"] = overloaded
		for name, thread := range map[string]string{"known": "w1", "new": "w3"} {
			if err := h.accept(thread, "m2", "hello"); !errors.Is(err, ErrOverloaded) || !errors.Is(err, ErrBusy) {
				t.Errorf("message in a %s conversation: %v, want ErrOverloaded", name, err)
			}
		}
		h.customer("w1", "m1", "hello") // a duplicate
		h.customer("w2", "n2", "to the desk")
		if n := len(h.accepted()); n != 3 {
			t.Errorf("%d messages are in the log, want 3", n)
		}
		calls["faq"] = attempt.ChannelState{Full: 6 * time.Second, SinceSuccess: 6 * time.Second, Waits: 6 * time.Second}
		h.customer("w1", "m2", "the vendor is down")
	})
}

func TestMessagesOfTheOwnerCountAgainstTheCustomersChannel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := map[string]attempt.ChannelState{"web": overloaded}
		h := openHarness(t, withCalls(calls))
		defer h.stop()
		h.customer("w1", "m1", "desk now")
		h.finish(h.head("desk"), attempt.Outcome{Result: attempt.ResultDelivered, Thread: "d1"})
		h.finish(h.head("desk"), attempt.Outcome{
			Result: attempt.ResultDelivered, Replies: []*inbound.Envelope{message(t, "desk", "d1", "a1", "never refused")},
		})
		if got := h.textOf(h.head("web")); got != "never refused" {
			t.Errorf("released %q, want the reply", got)
		}
		answer := func(id string) error {
			return h.Accept(t.Context(), []*inbound.Envelope{message(t, "desk", "d1", id, "answer")})
		}
		if err := answer("a2"); !errors.Is(err, ErrOverloaded) {
			t.Errorf("answer of the desk: %v, want ErrOverloaded", err)
		}
		delete(calls, "web")
		if err := answer("a2"); err != nil {
			t.Errorf("answer of the desk: %v", err)
		}
	})
}

func TestLateLaneOfASaturatedChannelIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full := attempt.ChannelState{Full: time.Minute, Waits: time.Second}
		h := openHarness(t, withCalls(map[string]attempt.ChannelState{"faq": full}))
		defer h.stop()
		h.customer("w1", "m1", "one")
		j := h.head("faq")
		h.customer("w1", "m2", "two")
		time.Sleep(4 * time.Second)
		h.customer("w1", "m3", "three")
		time.Sleep(2 * time.Second)
		if err := h.accept("w1", "m4", "four"); !errors.Is(err, ErrOverloaded) {
			t.Errorf("message behind one that waits for 6 s: %v, want ErrOverloaded", err)
		}
		h.customer("w2", "m1", "another conversation")
		h.finish(j, attempt.Outcome{Result: attempt.ResultRetry, Error: "transient", Next: h.Now().Add(time.Minute)})
		h.customer("w1", "m4", "behind a retry")
	})
}

func TestWebhookIsRefusedAsAWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := map[string]attempt.ChannelState{}
		h := openHarness(t, withCalls(calls))
		defer h.stop()
		h.customer("w1", "m1", "hello")
		h.customer("w2", "n1", "desk now")
		before := h.accepted()[""]
		push := func() error {
			defer synctest.Wait()
			return h.Accept(t.Context(), []*inbound.Envelope{
				message(t, "web", "w2", "", "to the desk"), message(t, "web", "w1", "", "to the bot"),
			})
		}
		calls["faq"] = overloaded
		for range 3 { // the vendor repeats the webhook each second
			if err := push(); !errors.Is(err, ErrOverloaded) {
				t.Fatalf("Accept: %v, want ErrOverloaded", err)
			}
		}
		if n := h.accepted()[""] - before; n != 0 {
			t.Errorf("%d messages of a refused webhook are in the log", n)
		}
		delete(calls, "faq")
		if err := push(); err != nil {
			t.Fatal(err)
		}
		if n := h.accepted()[""] - before; n != 2 {
			t.Errorf("%d messages are in the log, want 2", n)
		}
	})
}

func TestWebhookThatHasBegunIsNotRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := map[string]attempt.ChannelState{}
		h := openHarness(t, withCalls(calls))
		defer h.stop()
		h.customer("w2", "n1", "desk now")
		calls["faq"] = overloaded
		var in []*inbound.Envelope
		for range maxInputs {
			in = append(in, message(t, "web", "w2", "", " ")) // blank: needs no place in the lane
		}
		in = append(in, message(t, "web", "w1", "m1", "to the bot"))
		if err := h.Accept(t.Context(), in); err != nil {
			t.Fatalf("the second record of a webhook: %v", err)
		}
	})
}

func TestEventsAndBlankMessagesAreNotRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := map[string]attempt.ChannelState{}
		h := openHarness(t, withCalls(calls))
		defer h.stop()
		h.customer("w1", "m1", "hello")
		calls["faq"] = overloaded
		for _, kind := range []envelope.Kind{
			envelope.KindTyping, envelope.KindRead, envelope.KindConnected, envelope.KindHandoverRequested,
			envelope.KindDisconnected,
		} {
			in := message(t, "web", "w1", "e-"+string(kind), "")
			in.Envelope.Kind, in.Envelope.Parts = kind, nil
			b, err := protocol.EncodeEnvelope(in.Envelope)
			if err != nil {
				t.Fatal(err)
			}
			in.Bytes = b
			if err := h.Accept(t.Context(), []*inbound.Envelope{in}); err != nil {
				t.Errorf("%s: %v", kind, err)
			}
			if kind == envelope.KindRead {
				h.customer("w1", "m2", " ")
				if err := h.accept("w1", "m3", "hello"); !errors.Is(err, ErrOverloaded) {
					t.Errorf("message: %v, want ErrOverloaded", err)
				}
			}
		}
	})
}
