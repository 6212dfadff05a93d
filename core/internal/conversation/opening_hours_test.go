package conversation

import (
	"testing"
	"time"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/hours"
	"patchbay/core/internal/route"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
)

// hoursHarness returns a harness with a desk that is open from 9 to 18 on weekdays. Its clock is at hour on a Monday.
func hoursHarness(t *testing.T, hour int, rules ...route.Rule) *harness {
	t.Helper()
	p := testPolicy(t, append(rules,
		onWord("ask", route.Rule{Offer: route.NewOffer("desk"), Say: route.Say{Default: "One moment."}}),
		onWord("both", route.Rule{Offer: route.NewOffer("desk", "night"), Say: route.Say{Default: "One moment."}}),
		onWord("order", route.Rule{Pass: "desk"}),
		route.Rule{Name: "is-open", When: `text == "open" && open("desk")`, Say: route.Say{Default: "yes"}},
		route.Rule{Name: "late", Events: []route.Event{route.EventOfferFailed}, From: []string{"desk"},
			When: `reason == "outside_hours"`, Say: route.Say{Default: "We are closed."}},
		route.Rule{Name: "failed", Events: []route.Event{route.EventOfferFailed}, Say: route.Say{Default: "Failed."}},
	)...)
	p.Channels["desk"].Hours = hoursOf(t, "mon-fri 09:00-18:00")
	h := newHarness(t, p)
	h.now = midnight.Add(time.Duration(hour) * time.Hour)
	return h
}

func hoursOf(t *testing.T, weekly string) *hours.Hours {
	t.Helper()
	span, err := hours.ParseWeekly(weekly)
	if err != nil {
		t.Fatal(err)
	}
	return hours.New(time.UTC, []hours.Weekly{span}, nil)
}

func TestOfferOutsideHoursFailsImmediately(t *testing.T) {
	h := hoursHarness(t, 18)
	h.customer("ask")
	h.wantLines("to the customer", h.drain("web"), "We are closed.")
	h.want("status", h.status("ask"), state.StatusQueued)
	h.wantLines("to the desk", h.queue("desk"))
	t.Run("the next target is asked", func(t *testing.T) {
		h := hoursHarness(t, 18)
		h.customer("both")
		h.want("target", h.conv().Offer.Target, "night")
		h.advance(time.Minute)
		h.wantLines("to the customer", h.drain("web"), "One moment.", "Failed.")
	})
	t.Run("the reason is that of the first target", func(t *testing.T) {
		h := hoursHarness(t, 18)
		h.policy.Reachable = func(ch string, _ time.Duration) bool { return ch != "night" }
		h.customer("both")
		h.wantLines("to the customer", h.drain("web"), "We are closed.")
	})
	t.Run("in the hours it is made", func(t *testing.T) {
		h := hoursHarness(t, 17)
		h.customer("ask")
		h.wantLines("to the customer", h.drain("web"), "One moment.")
	})
}

func TestOpenReadsTheHours(t *testing.T) {
	for hour, want := range map[int][]string{8: nil, 9: {"yes"}, 17: {"yes"}, 18: nil} {
		h := hoursHarness(t, hour)
		h.customer("open")
		h.wantLines("to the customer", h.drain("web"), want...)
	}
	t.Run("and reachability, but no pause of the vendor", func(t *testing.T) {
		h := hoursHarness(t, 9)
		h.policy.Reachable = func(_ string, within time.Duration) bool { return within > time.Hour }
		h.customer("open")
		h.wantLines("to the customer", h.drain("web"), "yes")
		h.policy.Reachable = func(string, time.Duration) bool { return false }
		h.customer("open")
		h.wantLines("to the customer", h.drain("web"))
	})
}

func TestPassIgnoresTheHours(t *testing.T) {
	h := hoursHarness(t, 20)
	h.customer("order")
	h.wantOwner("desk", 2)
	h.wantLines("to the desk", h.queue("desk"), "open", "order")
}

// nextOpening is the time at which the desk opens on the day after midnight's day.
var nextOpening = midnight.Add(33 * time.Hour)

func TestOpenThatIsNoOfferWaitsForTheHours(t *testing.T) {
	h := hoursHarness(t, 20)
	h.customer("order")
	open := h.head("desk")
	wantTime(t, "release", h.policy.ReleaseAt(&open, h.now), nextOpening)
	wantTime(t, "deadline of the conversation", NextDeadline(h.conv(), h.policy), nextOpening)
	if waited := h.policy.WaitTime(h.conv(), &open, nextOpening); waited != 13*time.Hour {
		t.Errorf("give_up does not count %v, want the whole night", waited)
	}
	since := h.now
	wantTime(t, "clock of unanswered", h.policy.answerableFrom(h.conv(), since), nextOpening)

	h.now = nextOpening
	h.openThread("desk", "d1")
	message := h.head("desk")
	wantTime(t, "release of the message", h.policy.ReleaseAt(&message, h.now), h.now)
	if waited := h.policy.WaitTime(h.conv(), &message, h.now); waited != 13*time.Hour {
		t.Errorf("give_up of the message does not count %v, want the whole night", waited)
	}
	wantTime(t, "clock of unanswered", h.policy.answerableFrom(h.conv(), since), nextOpening)

	h.now = midnight.Add(44 * time.Hour)
	h.customer("in the evening")
	h.drain("desk")
	wantTime(t, "clock of a later message", h.policy.answerableFrom(h.conv(), h.now), h.now)
}

func TestUnansweredDoesNotCountTheWaitForTheHours(t *testing.T) {
	h := hoursHarness(t, 20, route.Rule{
		Name: "agent-silent", Events: []route.Event{route.EventUnanswered}, From: []string{"agent"}, After: 10 * time.Minute,
		Pass: route.Home,
	})
	h.customer("order")
	due, _ := NextTimer(h.conv(), h.policy)
	wantTime(t, "timer while the open waits", due, nextOpening.Add(10*time.Minute))
	h.now = nextOpening
	h.drain("desk")
	due, _ = NextTimer(h.conv(), h.policy)
	wantTime(t, "timer in the hours", due, nextOpening.Add(10*time.Minute))
}

func TestOpenThatFailedBeforeTheEndOfTheHoursWaits(t *testing.T) {
	h := hoursHarness(t, 17)
	h.customer("order")
	open := h.head("desk")
	wantTime(t, "release", h.policy.ReleaseAt(&open, h.now), h.now)
	h.now = midnight.Add(18*time.Hour - time.Second)
	h.outcome(open, attempt.Outcome{Result: attempt.ResultRetry, Error: "transient", Next: h.now.Add(10 * time.Second)})
	open = h.head("desk")
	wantTime(t, "release", h.policy.ReleaseAt(&open, h.now), nextOpening)
	wantTime(t, "clock of unanswered", h.policy.answerableFrom(h.conv(), h.now), nextOpening)
	if waited := h.policy.WaitTime(h.conv(), &open, nextOpening); waited != 15*time.Hour {
		t.Errorf("give_up does not count %v, want the night", waited)
	}
}

func TestHoursRefuseOffersOnly(t *testing.T) {
	h := hoursHarness(t, 17)
	h.customer("ask")
	open := h.head("desk")
	h.now = midnight.Add(18 * time.Hour)
	wantTime(t, "release of an offer that was made in the hours", h.policy.ReleaseAt(&open, h.now), h.now)
	h.openThread("desk", "d1")
	h.receive(incoming{channel: "desk", thread: "d1", kind: envelope.KindConnected})
	h.customer("still there?")
	h.drain("desk")
	message := h.conv()
	wantTime(t, "clock of unanswered in a running session", h.policy.answerableFrom(message, h.now), h.now)
}

func wantTime(t *testing.T, what string, got, want time.Time) {
	t.Helper()
	if !got.Equal(want) {
		t.Errorf("%s at %v, want %v", what, got.UTC(), want.UTC())
	}
}

// If an open fails shortly before the hours end, it is repeated when they begin again.
func TestRepeatedOpenWaitsForTheHours(t *testing.T) {
	h := hoursHarness(t, 17, timerRule(route.EventUnanswered, 30*time.Minute, "agent-silent", route.Rule{}))
	h.now = h.now.Add(50 * time.Minute)
	h.customer("order")
	next := h.now.Add(11 * time.Minute)
	h.outcome(h.head("desk"), attempt.Outcome{Result: attempt.ResultRetry, Error: "transient", Next: next})
	h.now = midnight.Add(33 * time.Hour) // the desk opens
	want := h.now.Add(30 * time.Minute)
	if at, _ := NextTimer(h.conv(), h.policy); !at.Equal(want) {
		t.Errorf("the timer is due at %v while the open waits, want %v", at, want)
	}
	h.openThread("desk", "desk-1")
	if at, _ := NextTimer(h.conv(), h.policy); !at.Equal(want) {
		t.Errorf("the timer is due at %v, want %v", at, want)
	}
	head := h.head("desk")
	if waited := h.policy.WaitTime(h.conv(), &head, h.now); waited < 15*time.Hour {
		t.Errorf("the message has waited %v for the hours, want at least 15h", waited)
	}
}
