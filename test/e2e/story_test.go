package e2e

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"patchbay/test/harness"
)

// TestStory is one customer's way from the bot to a person and back, and over a restart.
func TestStory(t *testing.T) {
	t.Parallel()
	s := newScene(t, harness.Vendors{}, harness.Config{})
	const user = "ada"

	s.says(t, user, "hello")
	s.hears(t, user, "bot", greeting)
	first := s.asked(t, "hello").Conversation

	s.says(t, user, "I want a human")
	s.hears(t, user, "system", looking)
	s.waits(t, user)
	if owner := s.Only(t, user).State.Owner; owner != "faq" {
		t.Errorf("owner while the desk is asked: %s, want faq", owner)
	}
	s.says(t, user, "It is about my parcel.") // waits with the offer
	if err := s.Desk.Accept(deskID(user), "Kim"); err != nil {
		t.Fatal(err)
	}
	s.agent(t, user, "This is Kim.")
	if e := s.told(t, user, "desk").Payload.Event; e.OwnerRole != "agent" || e.Reason != "ask-for-a-person" {
		t.Errorf("event at the customer's: %+v, want role agent, reason ask-for-a-person", e)
	}
	s.hears(t, user, "agent", "This is Kim.")
	s.atDesk(t, user, "It is about my parcel.")

	s.says(t, user, "It has not come.")
	s.atDesk(t, user, "It has not come.")
	s.agent(t, user, "It is at the post office.")
	s.hears(t, user, "agent", "It is at the post office.")

	if err := s.Desk.Hangup(deskID(user)); err != nil {
		t.Fatal(err)
	}
	s.told(t, user, "faq")
	s.hears(t, user, "system", backHome)

	s.says(t, user, "hello again")
	s.hears(t, user, "bot", greeting)
	again := s.asked(t, "hello again")
	if again.Conversation.ID == first.ID {
		t.Errorf("the bot goes on in conversation %s, want a new one for a new term", first.ID)
	}
	var history []string
	for _, m := range again.Messages {
		history = append(history, m.Role+": "+m.Text)
	}
	want := []string{
		"user: hello", "assistant: " + greeting, "user: I want a human", "user: It is about my parcel.",
		"assistant: This is Kim.", "user: It has not come.", "assistant: It is at the post office.", "user: hello again",
	}
	if diff := cmp.Diff(want, history); diff != "" {
		t.Errorf("what the bot is told (-want +got):\n%s", diff)
	}

	s.quiet(t, user)
	s.Restart(t)
	s.says(t, user, "Are you still there?")
	s.hears(t, user, "bot", "You said: Are you still there?")
	if now := s.asked(t, "Are you still there?"); now.Conversation.ID != again.Conversation.ID || len(now.Messages) != 1 {
		t.Errorf("after the restart the bot is asked in %s with %d messages, want in %s with 1",
			now.Conversation.ID, len(now.Messages), again.Conversation.ID)
	}
	if repeated := s.Livechat.Repeated(user); len(repeated) > 0 {
		t.Errorf("answers that came twice:\n%s", transcript(repeated))
	}
	s.transcriptAtDesk(t, user)
	s.content(t)
}

// transcriptAtDesk demands that the agent was shown what had been said, before what the customer went on to say.
func (s *scene) transcriptAtDesk(t *testing.T, user string) {
	t.Helper()
	lines := s.deskLines(user)
	want := []string{
		"Customer: hello\nAssistant: " + greeting, "I want a human", "It is about my parcel.", "It has not come.",
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("what the agent sees (-want +got):\n%s", diff)
	}
}
