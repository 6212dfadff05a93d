package e2e

import (
	"fmt"
	"slices"
	"testing"

	"patchbay/sandbox/aicc"
	"patchbay/test/harness"
)

// The desk repeats a push of 200 messages, also after a restart of the gateway.
func TestRepeatedPushReachesTheCustomerOnce(t *testing.T) {
	t.Parallel()
	s := newSystem(t, harness.Vendors{}, harness.Config{})
	const user = "noor"
	s.connectAgent(t, user)
	var push []aicc.DownLinkMsg
	var want []string
	for i := range 200 {
		text := fmt.Sprintf("line %d", i)
		push = append(push, s.Desk.Message(deskID(user), "AGENT", "CHAT", "TEXT", text))
		want = append(want, text)
	}
	repeat := func() {
		t.Helper()
		if err := s.Desk.Push(push...); err != nil {
			t.Fatal(err)
		}
	}
	repeat()
	repeat()
	s.expect(t, user, "agent", want[len(want)-1])
	s.Restart(t)
	repeat()
	s.agentSays(t, user, "That was all.")
	s.expect(t, user, "agent", "That was all.")
	want = slices.Concat([]string{"This is Kim."}, want, []string{"That was all."})
	if got := s.textsFrom(user, "agent"); !slices.Equal(got, want) {
		t.Errorf("the customer got %d messages, want %d: %q", len(got), len(want), got)
	}
}
