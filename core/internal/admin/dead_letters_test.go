package admin

import (
	"strings"
	"testing"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/conversation"
	"patchbay/core/internal/inbound"
	"patchbay/core/internal/state"
	"patchbay/core/internal/trail"
	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol"
)

type deadLetterResponse struct {
	DeadLetters []trail.DeadLetter `json:"dead_letters"`
}

func TestDeadLetterIsListedShownAndReplayed(t *testing.T) {
	a := newTestAPI(t)
	a.say("web", "w1", "m1", "hello")
	j := a.job("faq")
	a.finish(j, attempt.Outcome{Result: attempt.ResultDead, Error: "permanent", Text: "no such user"})
	var all, faq, desk deadLetterResponse
	a.call("GET", "/api/dead-letters", 200, &all)
	a.call("GET", "/api/dead-letters?channel=faq", 200, &faq)
	a.call("GET", "/api/dead-letters?channel=desk", 200, &desk)
	if len(all.DeadLetters) != 1 || len(faq.DeadLetters) != 1 || len(desk.DeadLetters) != 0 {
		t.Fatalf("%d dead letters, %d for faq, %d for desk; want 1, 1, 0",
			len(all.DeadLetters), len(faq.DeadLetters), len(desk.DeadLetters))
	}
	d := all.DeadLetters[0]
	if d.ID != j.Delivery.ID || d.Channel != "faq" || d.Attempts != 1 || d.Error != "permanent" {
		t.Errorf("dead letter %+v", d)
	}
	if d.Detail != "no such user" {
		t.Errorf("detail %q", d.Detail)
	}
	var shown struct {
		DeadLetter    trail.DeadLetter `json:"dead_letter"`
		Conversations []*trail.Conversation
	}
	a.call("GET", "/api/dead-letters/"+j.Delivery.ID, 200, &shown)
	if shown.DeadLetter.ID != j.Delivery.ID || len(shown.Conversations) != 1 {
		t.Fatalf("shown %+v, want the dead letter with its conversation", shown)
	}
	if got := steps(shown.Conversations[0]); !strings.HasSuffix(got, "dead faq") {
		t.Errorf("steps %q, want the dead letter last", got)
	}
	var replayed struct{ Status, Delivery string }
	a.call("POST", "/api/dead-letters/"+j.Delivery.ID+"/replay", 200, &replayed)
	again := a.job("faq")
	sameMessage := again.Delivery.Item.Pos == j.Delivery.Item.Pos
	if replayed.Status != "replayed" || replayed.Delivery != again.Delivery.ID || !sameMessage {
		t.Errorf("replayed %+v, released %+v", replayed, again.Delivery)
	}
	var traced struct{ Conversations []*trail.Conversation }
	a.call("GET", "/api/trace?id="+j.Delivery.ID, 200, &traced)
	entries := traced.Conversations[0].Entries
	if last := entries[len(entries)-1]; last.Step != "command dead replay" || last.Detail != "by ann" {
		t.Errorf("last step %+v, want the command with its user", last)
	}
	a.call("POST", "/api/dead-letters/"+j.Delivery.ID+"/replay", 404, nil)
	a.call("GET", "/api/dead-letters/"+j.Delivery.ID, 404, nil)
}

func TestReplayIsFenced(t *testing.T) {
	a := newTestAPI(t)
	a.say("web", "w1", "m1", "hello")
	j := a.job("faq")
	a.finish(j, attempt.Outcome{Result: attempt.ResultDelivered})
	a.say("faq", j.Thread, "a1", "an answer")
	answer := a.job("web")
	a.finish(answer, attempt.Outcome{Result: attempt.ResultDead, Error: "permanent"})
	a.say("web", "w1", "m2", "desk now")
	var replayed struct{ Status string }
	a.call("POST", "/api/dead-letters/"+answer.Delivery.ID+"/replay", 200, &replayed)
	if replayed.Status != state.StatusFenced {
		t.Errorf("replay of a former owner's message: %q, want fenced", replayed.Status)
	}
	opening := a.job("desk")
	a.finish(opening, attempt.Outcome{Result: attempt.ResultDead, Error: "permanent"})
	var list deadLetterResponse
	a.call("GET", "/api/dead-letters", 200, &list)
	if len(list.DeadLetters) != 1 || list.DeadLetters[0].Kind != state.KindOpen || list.DeadLetters[0].Messages != 1 {
		t.Errorf("dead letters %+v, want the open with its message", list.DeadLetters)
	}
	a.call("POST", "/api/dead-letters/"+opening.Delivery.ID+"/replay", 200, &replayed)
	if again := a.job("desk"); replayed.Status != state.StatusReplayed || again.Delivery.Kind != state.KindOpen {
		t.Errorf("replay of an open: %q, released %+v", replayed.Status, again.Delivery)
	}
}

func TestRefusedReplayKeepsDeadLetter(t *testing.T) {
	a := newTestAPI(t)
	e := &envelope.Envelope{Channel: "faq", Kind: envelope.KindUnparsed}
	b, err := protocol.EncodeEnvelope(e)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.w.Do(t.Context(), func(tx *conversation.Transaction) error {
		tx.KeepDead(&inbound.Envelope{Channel: "faq", Envelope: e, Bytes: b}, "killed_adapter", "crashed")
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	var list deadLetterResponse
	a.call("GET", "/api/dead-letters", 200, &list)
	path := "/api/dead-letters/" + list.DeadLetters[0].ID
	a.call("POST", path+"/replay", 409, nil)
	var dropped struct{ Status string }
	a.call("DELETE", path, 200, &dropped)
	if dropped.Status != state.StatusDropped {
		t.Errorf("drop after a failed replay: %q, want dropped", dropped.Status)
	}
	a.call("DELETE", path, 404, nil)
}
