package e2e

import (
	"fmt"
	"slices"
	"testing"

	"patchbay/sandbox/aicc"
	"patchbay/test/harness"
)

// TestPollingGoesOn has a desk that must be polled while what polls is replaced: the adapter, and the gateway. A message is
// handed out once by the desk, so each must arrive, once and in order.
func TestPollingGoesOn(t *testing.T) {
	t.Parallel()
	s := newDeskSystem(t, aicc.Options{PushOff: true}, polling...)
	listens := func(want float64) {
		t.Helper()
		harness.Eventually(t, harness.Patience, "the listener is up", func() string {
			if got := s.Metric(t, "patchbay_subscription_up", "channel", "desk"); got != want {
				return fmt.Sprintf("patchbay_subscription_up is %v, want %v", got, want)
			}
			return ""
		})
	}
	listens(1)
	s.connectAgent(t, "ann")
	want := []string{"This is Kim."}
	says := func(text string) {
		t.Helper()
		want = append(want, text)
		s.agentSays(t, "ann", text)
	}
	says("Are you there?")
	s.expect(t, "ann", "agent", "Are you there?")

	former := s.Plugin(t, "aicc")
	s.killPlugin(t, "aicc")
	s.awaitRestart(t, "aicc", former)
	says("after the adapter's death")
	s.expect(t, "ann", "agent", "after the adapter's death")
	listens(1)

	for i := range 5 { // some of them are handed out while the gateway stops
		says(fmt.Sprintf("on the way %d", i))
	}
	s.Stop(t)
	says("while it was away")
	s.Start(t)
	s.expect(t, "ann", "agent", "while it was away")
	says("after the restart")
	s.expect(t, "ann", "agent", "after the restart")
	if got := s.textsFrom("ann", "agent"); !slices.Equal(got, want) {
		t.Errorf("ann heard %q, want %q", got, want)
	}
	s.expectNothingPending(t, "ann")
	s.expectNoProblems(t)
}
