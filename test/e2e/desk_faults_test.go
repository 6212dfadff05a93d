package e2e

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"patchbay/sandbox/aicc"
	"patchbay/sandbox/simulator"
	"patchbay/test/harness"
)

func TestOfflineMessagesSurviveFaults(t *testing.T) {
	t.Parallel()
	s := newSystem(t, harness.Vendors{}, harness.Config{
		Extra: map[string][]string{"desk": shortTimeout}, Settings: map[string][]string{"desk": {"offline_messages: true"}},
	})
	const user = "lea"
	s.connectAgent(t, user)
	if err := s.Desk.TimeOut(deskID(user), true); err != nil {
		t.Fatal(err)
	}
	s.expect(t, user, "system", "No agent answered in time. You can leave a message.")
	cases := slices.Concat(faultsBefore, faultsAfter(two, oneOrTwo), []faultCase{expired})
	s.checkFaults(t, &s.Desk.Faults, aicc.EndpointSendAsync, "desk", cases,
		func(text string) { s.say(t, user, text) }, func() []string { return s.deskTexts(user) })
}

// pollFaults lists the faults of a poll. The desk returns each message once, so the messages in a lost response are
// lost, and no others.
var pollFaults = append(slices.Clone(faultsBefore), expired,
	faultCase{"response lost", simulator.Fault{Kind: simulator.Drop}, none, false},
	faultCase{"truncated response", simulator.Fault{Kind: simulator.Truncate}, none, false},
	faultCase{"response of the wrong type", simulator.Fault{Kind: simulator.ContentType}, one, false},
	faultCase{"large response", simulator.Fault{Kind: simulator.Huge, Bytes: 1 << 20}, one, false},
	faultCase{"huge response", simulator.Fault{Kind: simulator.Huge}, none, false},
)

// The agent's first message is in the response of the poll with the fault.
func TestPollingSurvivesFaults(t *testing.T) {
	t.Parallel()
	for i, tc := range pollFaults {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := newDeskSystem(t, aicc.Options{PushOff: true}, polling...)
			user := fmt.Sprintf("poll-%d", i)
			s.connectAgent(t, user)
			faults := &s.Desk.Faults
			// The next poll fails without an effect, so that the message can be sent before the poll with the fault.
			faults.Add(simulator.Fault{Kind: simulator.Status, Endpoint: aicc.EndpointPoll, Count: 1})
			f := tc.fault
			f.Endpoint, f.Count = aicc.EndpointPoll, 1
			faults.Add(f)
			s.agentSays(t, user, "first")
			if n := faults.Hits.Len(); n > 1 {
				t.Fatalf("%d polls before the agent's message, want at most 1", n)
			}
			withTimeout(t, harness.Timeout, "both faults happen", func(ctx context.Context) error {
				return faults.Hits.Wait(ctx, func(all []simulator.Hit) bool { return len(all) == 2 })
			})
			faults.Release()
			if n := faults.Hits.Len(); n != 2 {
				t.Fatalf("%d faults, want 2", n)
			}
			began := time.Now()
			polls := s.Desk.AcceptedCalls(aicc.EndpointPoll)
			harness.Eventually(t, harness.Timeout, "another poll", func() string {
				if n := s.Desk.AcceptedCalls(aicc.EndpointPoll); n <= polls {
					return fmt.Sprintf("%d polls", n)
				}
				return ""
			})
			if waited := time.Since(began); waited < tc.fault.RetryAfter-100*time.Millisecond {
				t.Errorf("next poll after %s, within the vendor's pause of %s", waited, tc.fault.RetryAfter)
			}
			s.agentSays(t, user, "next")
			s.expect(t, user, "agent", "next")
			got := slices.DeleteFunc(s.textsFrom(user, "agent"), func(text string) bool { return text != "first" })
			if !slices.Contains(tc.effects, len(got)) {
				t.Errorf("the message arrived %d times, want %v", len(got), tc.effects)
			}
		})
	}
}
