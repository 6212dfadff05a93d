package e2e

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"patchbay/sandbox/botwebhook"
	"patchbay/test/harness"
)

// The conversation continues after a restart.
func TestCustomerGoesFromTheBotToAnAgentAndBack(t *testing.T) {
	t.Parallel()
	s := newSystem(t, harness.Vendors{}, harness.Config{})
	const user = "ada"

	s.say(t, user, "hello")
	s.expect(t, user, "bot", greeting)
	first := s.botCall(t, "hello").Conversation

	s.say(t, user, "I want a human")
	s.expect(t, user, "system", noticeLooking)
	s.awaitQueue(t, user)
	if owner := s.TraceOne(t, user).State.Owner; owner != "faq" {
		t.Errorf("owner during the offer: %s, want faq", owner)
	}
	s.say(t, user, "It is about my parcel.") // held during the offer
	if err := s.Desk.Accept(deskID(user), "Kim"); err != nil {
		t.Fatal(err)
	}
	s.agentSays(t, user, "This is Kim.")
	if e := s.expectHandover(t, user, "Service team").Payload.Event; e.OwnerRole != "agent" || e.Reason != "offer" {
		t.Errorf("event at the website: %+v, want role agent, reason offer", e)
	}
	s.expect(t, user, "agent", "This is Kim.")
	s.expectAtDesk(t, user, "It is about my parcel.")

	s.say(t, user, "It has not come.")
	s.expectAtDesk(t, user, "It has not come.")
	s.agentSays(t, user, "It is at the post office.")
	s.expect(t, user, "agent", "It is at the post office.")

	if err := s.Desk.Hangup(deskID(user)); err != nil {
		t.Fatal(err)
	}
	s.expectHandover(t, user, "Assistant")
	s.expect(t, user, "system", noticeBack)

	s.say(t, user, "hello again")
	s.expect(t, user, "bot", greeting)
	again := s.botCall(t, "hello again")
	if again.Conversation.ID == first.ID {
		t.Errorf("the bot continues in conversation %s, want a new one for a new epoch", first.ID)
	}
	expectHistory(t, again.Messages)

	s.expectNothingPending(t, user)
	s.Restart(t)
	s.say(t, user, "Are you still there?")
	s.expect(t, user, "bot", "You said: Are you still there?")
	if now := s.botCall(t, "Are you still there?"); now.Conversation.ID != again.Conversation.ID || len(now.Messages) != 1 {
		t.Errorf("after the restart: call in %s with %d messages, want in %s with 1",
			now.Conversation.ID, len(now.Messages), again.Conversation.ID)
	}
	if repeated := s.Livechat.RepeatedAnswers(user); len(repeated) > 0 {
		t.Errorf("duplicate answers:\n%s", formatAnswers(repeated))
	}
	s.expectTranscriptAtDesk(t, user)
	s.expectNoProblems(t)
}

// expectHistory checks that the messages of a send call are the history and the question.
func expectHistory(t *testing.T, messages []botwebhook.Message) {
	t.Helper()
	var history []string
	for _, m := range messages {
		history = append(history, m.Role+": "+m.Text)
	}
	want := []string{
		"user: hello", "assistant: " + greeting, "user: I want a human", "user: It is about my parcel.",
		"assistant: This is Kim.", "user: It has not come.", "assistant: It is at the post office.", "user: hello again",
	}
	if diff := cmp.Diff(want, history); diff != "" {
		t.Errorf("history for the bot (-want +got):\n%s", diff)
	}
}

// expectTranscriptAtDesk checks that the agent got the transcript first, and then the customer's later messages.
func (s *system) expectTranscriptAtDesk(t *testing.T, user string) {
	t.Helper()
	lines := s.deskTexts(user)
	want := []string{
		"Customer: hello\nAssistant: " + greeting, "I want a human", "It is about my parcel.", "It has not come.",
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("texts at the desk (-want +got):\n%s", diff)
	}
}
