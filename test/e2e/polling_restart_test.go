package e2e

import (
	"fmt"
	"slices"
	"testing"

	"patchbay/sandbox/aicc"
	"patchbay/test/harness"
)

// The desk returns each message once. A restart of the adapter or of the gateway must not lose messages.
func TestPollingContinuesAfterRestarts(t *testing.T) {
	t.Parallel()
	s := newDeskSystem(t, aicc.Options{PushOff: true}, polling...)
	awaitSubscription := func(want float64) {
		t.Helper()
		harness.Eventually(t, harness.Timeout, "the subscription is up", func() string {
			if got := s.Metric(t, "patchbay_subscription_up", "channel", "desk"); got != want {
				return fmt.Sprintf("patchbay_subscription_up is %v, want %v", got, want)
			}
			return ""
		})
	}
	awaitSubscription(1)
	s.connectAgent(t, "ann")
	want := []string{"This is Kim."}
	agentSays := func(text string) {
		t.Helper()
		want = append(want, text)
		s.agentSays(t, "ann", text)
	}
	agentSays("Are you there?")
	s.expect(t, "ann", "agent", "Are you there?")

	former := s.PluginProcess(t, "aicc")
	s.killPlugin(t, "aicc")
	s.awaitRestart(t, "aicc", former)
	agentSays("after the adapter's restart")
	s.expect(t, "ann", "agent", "after the adapter's restart")
	awaitSubscription(1)

	for i := range 5 { // the desk may return some of them while the gateway stops
		agentSays(fmt.Sprintf("before the stop %d", i))
	}
	s.Stop(t)
	agentSays("while the gateway was down")
	s.Start(t)
	s.expect(t, "ann", "agent", "while the gateway was down")
	agentSays("after the restart")
	s.expect(t, "ann", "agent", "after the restart")
	if got := s.textsFrom("ann", "agent"); !slices.Equal(got, want) {
		t.Errorf("ann got %q, want %q", got, want)
	}
	s.expectNothingPending(t, "ann")
	s.expectNoProblems(t)
}
