package e2e

import (
	"testing"

	"patchbay/test/harness"
)

// The desk has one thread for all sessions of a customer. The DISCONNECT of the first session arrives in the second
// one.
func TestLateDisconnectDoesNotEndTheNextSession(t *testing.T) {
	t.Parallel()
	s := newSystem(t, harness.Vendors{}, harness.Config{})
	const user = "ada"
	s.connectAgent(t, user)
	late, err := s.Desk.HangupWithoutPush(deskID(user))
	if err != nil {
		t.Fatal(err)
	}
	s.say(t, user, "still there?") // the desk refuses it because the session has ended
	s.expectHandover(t, user, "Assistant")
	s.expect(t, user, "bot", "You said: still there?")

	s.say(t, user, "I want a human again")
	s.awaitQueue(t, user)
	if err := s.Desk.Accept(deskID(user), "Lee"); err != nil {
		t.Fatal(err)
	}
	s.agentSays(t, user, "This is Lee.")
	s.expect(t, user, "agent", "This is Lee.")
	if err := s.Desk.Push(late); err != nil {
		t.Fatal(err)
	}
	s.agentSays(t, user, "Your parcel is on its way.") // pushed after the late event
	s.expect(t, user, "agent", "Your parcel is on its way.")
	if owner := s.TraceOne(t, user).State.Owner; owner != "desk" {
		t.Errorf("owner after the late event: %s", owner)
	}
}

// In one push, the agent's last message follows the agent's DISCONNECT.
func TestLastMessageOfAnAgentIsDelivered(t *testing.T) {
	t.Parallel()
	s := newSystem(t, harness.Vendors{}, harness.Config{})
	const user = "ada"
	s.connectAgent(t, user)
	end, err := s.Desk.HangupWithoutPush(deskID(user))
	if err != nil {
		t.Fatal(err)
	}
	last := s.Desk.Message(deskID(user), "AGENT", "CHAT", "TEXT", "Good bye.")
	last.Timestamp = end.Timestamp
	if err := s.Desk.Push(end, last); err != nil {
		t.Fatal(err)
	}
	s.expect(t, user, "agent", "Good bye.") // before the handover
	s.say(t, user, "hello again")           // waits until the departure takes effect
	s.expectHandover(t, user, "Assistant")
	s.expect(t, user, "system", noticeBack)
	s.expect(t, user, "bot", greeting)
	s.expectNoProblems(t)
}
