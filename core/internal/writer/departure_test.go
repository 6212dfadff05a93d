package writer

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/inbound"
	"patchbay/core/internal/route"
	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol"
)

// newDepartureHarness returns a harness in the grace of an agent's departure. The customer has written in this time.
func newDepartureHarness(t *testing.T) *harness {
	t.Helper()
	h := openHarness(t)
	time.Sleep(startGrace)
	h.passAndLeave(t, "w1", "d1")
	h.customer("w1", "m2", "hello?")
	h.idle("faq")
	return h
}

// passAndLeave passes control to the desk. Then the agent leaves.
func (h *harness) passAndLeave(t *testing.T, customer, agent string) {
	t.Helper()
	h.customer(customer, "m1", "desk now")
	h.finish(h.head("desk"), attempt.Outcome{Result: attempt.ResultDelivered, Thread: agent})
	h.finish(h.head("desk"), attempt.Outcome{Result: attempt.ResultDelivered})
	h.agentLeaves(t, agent)
}

// agentLeaves sends the event `disconnected` of the desk's agent.
func (h *harness) agentLeaves(t *testing.T, agent string) {
	t.Helper()
	in := message(t, "desk", agent, "a-"+agent, "")
	in.Envelope.Kind, in.Envelope.Parts, in.Envelope.SentAt = envelope.KindDisconnected, nil, time.Now()
	var err error
	if in.Bytes, err = protocol.EncodeEnvelope(in.Envelope); err != nil {
		t.Fatal(err)
	}
	if err := h.Accept(t.Context(), []*inbound.Envelope{in}); err != nil {
		t.Fatal(err)
	}
}

func TestDepartureTakesEffect(t *testing.T) {
	t.Run("at its deadline", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := newDepartureHarness(t)
			defer h.stop()
			deadline := h.conv("w1").Departure.Deadline
			time.Sleep(time.Until(deadline) - 1)
			h.idle("faq")
			time.Sleep(1 + 4*commitSpacing)
			if said := h.textOf(h.head("faq")); said != "desk now" { // the agent left without an answer
				t.Errorf("the bot got %q", said)
			}
		})
	})
	t.Run("after a restart", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := newDepartureHarness(t)
			h.crash()
			time.Sleep(time.Hour)
			h.open()
			defer h.stop()
			h.idle("faq")
			time.Sleep(startGrace + 4*commitSpacing)
			if said := h.textOf(h.head("faq")); said != "desk now" { // the agent left without an answer
				t.Errorf("the bot got %q", said)
			}
			h.checkRestored()
		})
	})
}

// If the decision on an envelope that waits for a departure fails, the envelope becomes a dead letter. The others are
// admitted.
func TestUndecidableEnvelopeWaitsForDeparture(t *testing.T) {
	skipIfShort(t)
	for name, tc := range map[string]struct {
		text string
		busy bool // whether each record also has other inputs
	}{
		"too large":                    {text: strings.Repeat("abcd efg ", 7000)},
		"too large, with other inputs": {text: strings.Repeat("abcd efg ", 7000), busy: true},
		"panic":                        {text: "help"},
		"panic, with other inputs":     {text: "help", busy: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := openHarness(t, tinyPieces, offersPanic)
				time.Sleep(startGrace)
				h.passAndLeave(t, "w1", "d1")
				h.customer("w1", "m2", tc.text)
				h.customer("w1", "m3", "hello?")
				h.passAndLeave(t, "w2", "d2")
				h.customer("w2", "m2", "other")
				for i := 0; tc.busy && i < 2000; i++ {
					h.customer(fmt.Sprint("busy-", i), "m1", "x")
					time.Sleep(commitSpacing)
				}
				time.Sleep(4 * time.Second)
				if dead := h.deadLetters(); len(dead) != 1 || dead[0].Error != errorUndecided {
					t.Errorf("%d dead letters, want one of the undecidable message", len(dead))
				} else if said := h.textOf(&attempt.Job{Delivery: dead[0].Delivery}); said != tc.text {
					t.Errorf("the dead letter says %.20q", said)
				}
				for _, w := range []string{"w1", "w2"} {
					if c := h.conv(w); c.Owner != "faq" || c.Lane("faq") == nil {
						t.Errorf("the next message of %s is not queued", w)
					}
				}
				if err := h.stop(); err != nil {
					t.Errorf("Run = %v", err)
				}
				h.checkRestored()
			})
		})
	}
}

// If the decision on an overdue departure fails, the loop continues. The envelopes that wait for the departure become
// dead letters.
func TestUndecidableDeparture(t *testing.T) {
	skipIfShort(t)
	for name, tc := range map[string]struct {
		busy, large bool
	}{
		"too large": {large: true}, "too large, with other inputs": {large: true, busy: true}, "panic": {},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := openHarness(t, tinyPieces, offersPanic, func(o *Options) {
					o.Policy.Channels["desk"].TextBytes = 0
					if !tc.large {
						o.Policy.Routes = compileRules(t, route.Rule{Name: "to-desk", From: []string{"customer"},
							When: `text == "desk now"`, Pass: "desk"}, route.Rule{Name: "agent-left",
							Events: []route.Event{route.EventDisconnected}, From: []string{"desk"}, Offer: route.NewOffer("faq")})
					}
				})
				time.Sleep(startGrace)
				h.customer("w1", "m0", "desk now")
				h.finish(h.head("desk"), attempt.Outcome{Result: attempt.ResultDelivered, Thread: "d1"})
				h.finish(h.head("desk"), attempt.Outcome{Result: attempt.ResultDelivered})
				for i := range 10 {
					h.customer("w1", fmt.Sprint("long-", i), strings.Repeat("abcd efg ", 700))
				}
				h.agentLeaves(t, "d1")
				h.customer("w1", "m2", "hello?")
				if err := h.Accept(t.Context(), []*inbound.Envelope{message(t, "desk", "unknown", "u1", "hm")}); err != nil {
					t.Fatal(err)
				}
				for i := 0; tc.busy && i < 4000; i++ {
					h.customer(fmt.Sprint("busy-", i), "m1", "x")
					time.Sleep(commitSpacing)
				}
				time.Sleep(10 * time.Second)
				if dead := h.deadLetters(); len(dead) != 1 || h.textOf(&attempt.Job{Delivery: dead[0].Delivery}) != "hello?" {
					t.Errorf("%d dead letters, want one of the message that waits", len(dead))
				}
				if n, _ := h.state.Pending(); n != 0 {
					t.Errorf("%d pending", n)
				}
				if err := h.stop(); err != nil {
					t.Errorf("Run = %v", err)
				}
				h.checkRestored()
			})
		})
	}
}

// offersPanic makes the decision on "help" panic.
func offersPanic(o *Options) {
	o.Policy.Reachable = func(string, time.Duration) bool { panic("cannot be decided") }
}

// If the decision on the dead letter fails too, the loop pauses before it tries again.
func TestAdmissionPausesAfterFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h *harness
		var broken atomic.Bool
		var clock atomic.Int64 // readings
		broken.Store(true)
		n := 0
		h = openHarness(t, func(o *Options) {
			o.Policy.Reachable = func(string, time.Duration) bool {
				if n++; broken.Load() && n%2 == 0 {
					h.ids.panicAt(1) // at the dead letter
				}
				panic("cannot be decided")
			}
			o.Now = func() time.Time {
				if clock.Add(1)%10_000 == 0 {
					time.Sleep(time.Second) // a loop without a pause would end now
				}
				return time.Now()
			}
		})
		time.Sleep(startGrace)
		h.passAndLeave(t, "w1", "d1")
		h.customer("w1", "m2", "help")
		clock.Store(0)
		time.Sleep(10 * time.Minute)
		if n := clock.Load(); n > 1000 {
			t.Errorf("%d readings of the clock in 10 minutes", n)
		}
		broken.Store(false)
		time.Sleep(2 * time.Minute)
		if n := len(h.deadLetters()); n != 1 {
			t.Errorf("%d dead letters after another try, want 1", n)
		}
		if err := h.stop(); err != nil {
			t.Errorf("Run = %v", err)
		}
		h.checkRestored()
	})
}
