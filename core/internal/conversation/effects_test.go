package conversation

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchbay/core/internal/route"
	"patchbay/core/internal/state"
)

func TestEffectsOfAnotherRevision(t *testing.T) {
	rules := []route.Rule{
		onWord("old", route.Rule{Pass: "old"}), onWord("ask", route.Rule{Offer: route.NewOffer("desk")}),
		onWord("bye", route.Rule{Close: true}),
	}
	hurry := route.Rule{Name: "hurry", Events: []route.Event{route.EventUnanswered}, After: time.Minute,
		Say: route.Say{Default: "Please wait."}}
	h := newHarness(t, testPolicy(t, rules...))
	for thread, texts := range map[string][]string{
		"w1": {"old"}, "w2": {"old", "more"}, "w3": {"old", "bye"}, "w4": {"ask"}, "w5": {"hello"},
	} {
		for _, text := range texts {
			h.receive(incoming{channel: "web", thread: thread, text: text})
		}
	}
	all := func(yield func(*state.Conversation) bool) { h.state.All(yield) }
	for name, tc := range map[string]struct {
		change func(next *Policy)
		after  time.Duration
		want   Effects
	}{
		"nothing changes": {change: func(*Policy) {}},
		"the owner is removed": {change: func(next *Policy) { delete(next.Channels, "old") },
			want: Effects{GoHome: 2, Vanished: map[string]int{"old": 5}}},
		"the target of an offer is removed": {change: func(next *Policy) { delete(next.Channels, "desk") },
			want: Effects{OffersFail: 1, Vanished: map[string]int{"desk": 1}}},
		"a timer is added": {change: func(next *Policy) { next.Routes = compileRules(t, next, append(rules, hurry)) },
			after: time.Minute, want: Effects{TimersDue: 3}},
		"a timer that is not due is added": {
			change: func(next *Policy) { next.Routes = compileRules(t, next, append(rules, hurry)) },
			after:  time.Minute - 1},
	} {
		t.Run(name, func(t *testing.T) {
			next := testPolicy(t, rules...)
			tc.change(next)
			tc.want.Conversations = 5
			if tc.want.Vanished == nil {
				tc.want.Vanished = map[string]int{}
			}
			at := h.now.Add(tc.after)
			if diff := cmp.Diff(tc.want, h.policy.Effects(next, all, at)); diff != "" {
				t.Errorf("effects (-want +got):\n%s", diff)
			}
			if again := next.Effects(next, all, at); again.TimersDue != 0 {
				t.Errorf("%d timers are due that were due before", again.TimersDue)
			}
		})
	}
}
