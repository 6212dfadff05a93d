package writer

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/conversation"
	"patchbay/core/internal/inbound"
)

// fillUp queues deliveries in a conversation up to the maximum.
func (h *harness) fillUp(thread string) {
	h.Helper()
	var in []*inbound.Envelope
	for i := range conversation.MaxUndelivered {
		in = append(in, message(h.tester, "web", thread, fmt.Sprint(i), "hello"))
	}
	if err := <-h.acceptInBackground(in...); err != nil {
		h.Fatalf("Accept: %v", err)
	}
}

// A vendor repeats a refused webhook. The gateway cannot recognize repeated messages without a vendor id.
func TestRefusedWebhookStoresNoMessageWithoutAnID(t *testing.T) {
	for name, tc := range map[string]struct {
		refuse func(*harness)
		permit func(*harness)
	}{
		"limit of new conversations": {
			func(h *harness) { h.customer("other", "m", "hello") },
			func(*harness) { time.Sleep(10 * time.Second) },
		},
		"full conversation": {
			func(h *harness) {
				h.fillUp("w2")
				time.Sleep(10 * time.Second)
			},
			func(h *harness) { h.finish(h.head("faq"), attempt.Outcome{Result: attempt.ResultDelivered}) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := openHarness(t, func(o *Options) { o.OpensPerMinute = 6 })
				defer h.stop()
				h.customer("w1", "m1", "desk now")
				time.Sleep(10 * time.Second)
				tc.refuse(h)
				push := func() error {
					return <-h.acceptInBackground(message(t, "web", "w1", "", "one"), message(t, "web", "w2", "", "two"))
				}
				for range 3 {
					if err := push(); !errors.Is(err, ErrBusy) {
						t.Fatalf("Accept: %v, want ErrBusy", err)
					}
				}
				if n := h.accepted()[""]; n != 0 {
					t.Errorf("%d messages of a refused webhook are in the log", n)
				}
				tc.permit(h)
				if err := push(); err != nil {
					t.Fatal(err)
				}
				if n := h.accepted()[""]; n != 2 {
					t.Errorf("%d messages are in the log, want 2", n)
				}
			})
		})
	}
}

// If the messages of a webhook have vendor ids, a full conversation does not delay the other messages. The second
// webhook is refused in its second record.
func TestRepeatedPartOfAWebhookHasItsEffectOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHarness(t)
		defer h.stop()
		h.fillUp("w2")
		want := 0
		for _, n := range []int{1, maxInputs} {
			for attempts := 1; ; attempts++ {
				var in []*inbound.Envelope
				for i := range n {
					in = append(in, message(t, "web", "w1", fmt.Sprint("one", i), "one"))
				}
				in = append(in, message(t, "web", "w2", fmt.Sprint("two", n), "two"), message(t, "web", "w3", "three", "three"))
				err := <-h.acceptInBackground(in...)
				if attempts == 3 {
					if err != nil {
						t.Fatal(err)
					}
					break
				}
				if !errors.Is(err, ErrBusy) {
					t.Fatalf("Accept: %v, want ErrBusy", err)
				}
				for attempts == 2 {
					j := h.head("faq")
					h.finish(j, attempt.Outcome{Result: attempt.ResultDelivered})
					if j.Conv.ID == h.conv("w2").ID {
						break
					}
				}
			}
			want = max(want, n)
		}
		got := h.accepted()
		for i := range want {
			if id := fmt.Sprint("one", i); got[id] != 1 {
				t.Errorf("%s was accepted %d times", id, got[id])
			}
		}
		for _, id := range []string{"two1", fmt.Sprint("two", maxInputs), "three"} {
			if got[id] != 1 {
				t.Errorf("%s was accepted %d times", id, got[id])
			}
		}
	})
}

func TestOpeningLimitCountsConversationsOfAWebhook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHarness(t, func(o *Options) { o.OpensPerMinute = 6 })
		defer h.stop()
		accept := func(threads ...string) error {
			var in []*inbound.Envelope
			for _, thread := range threads {
				in = append(in, message(t, "web", thread, "", "hello"))
			}
			return <-h.acceptInBackground(in...)
		}
		if err := accept("w1", "w1", "w1"); err != nil {
			t.Errorf("three messages open one conversation: %v", err)
		}
		time.Sleep(10 * time.Second) // one conversation in 10 s
		if err := accept("w2", "w3", "w4"); err != nil {
			t.Errorf("more conversations than are possible at the same moment: %v", err)
		}
		time.Sleep(29 * time.Second)
		if err := accept("w5"); !errors.Is(err, ErrBusy) {
			t.Errorf("after three conversations and 29 s: %v, want ErrBusy", err)
		}
		time.Sleep(2 * time.Second)
		if err := accept("w5"); err != nil {
			t.Errorf("after three conversations and 31 s: %v", err)
		}
	})
}

// Repeated refusals of a webhook do not use the limit of new conversations.
func TestRefusedWebhookDoesNotCountTowardsTheOpeningLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHarness(t, func(o *Options) { o.OpensPerMinute = 60 })
		defer h.stop()
		h.fillUp("w1")
		time.Sleep(time.Minute)
		for i := range 10 {
			in := []*inbound.Envelope{message(t, "web", "w1", "", "one")}
			for n := range 10 {
				in = append(in, message(t, "web", fmt.Sprint("new", n), "", "two"))
			}
			if err := <-h.acceptInBackground(in...); !errors.Is(err, ErrBusy) {
				t.Fatalf("Accept: %v, want ErrBusy", err)
			}
			if err := <-h.acceptInBackground(message(t, "web", fmt.Sprint("other", i), "", "hello")); err != nil {
				t.Fatalf("customer %d: %v", i, err)
			}
		}
	})
}

// After the refusal of a webhook, the writer decides again on the other inputs of its record.
func TestRepeatedDecisionCountsConversationsOnce(t *testing.T) {
	for name, inOrder := range map[string]bool{"webhook": false, "subscription": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := openHarness(t, func(o *Options) { o.OpensPerMinute = 6 })
				defer h.stop()
				h.fillUp("w1")
				time.Sleep(10 * time.Second)
				h.customer("w2", "m1", "hello")
				time.Sleep(10 * time.Second)
				b := &batch{submissions: []*submission{
					{envelopes: []*inbound.Envelope{message(t, "web", "w3", "m2", "hello")}, inOrder: inOrder},
					{envelopes: []*inbound.Envelope{message(t, "web", "w2", "", "one"), message(t, "web", "w1", "", "two")}},
				}}
				h.decide(b, h.Now())
				if good, bad := b.submissions[0].result, b.submissions[1].result; good != nil || !errors.Is(bad, ErrBusy) {
					t.Errorf("results %v and %v, want nil and ErrBusy", good, bad)
				}
				if n := h.openingLimit("web").Tokens(); n != 0 {
					t.Errorf("%v conversations are left, want 0", n)
				}
			})
		})
	}
}
