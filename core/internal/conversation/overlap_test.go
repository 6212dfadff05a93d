package conversation

import (
	"strings"
	"testing"
	"time"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/inbound"
	"patchbay/core/internal/route"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol"
)

// overlapHarness returns a harness. Its bot has this overlap, keeps one thread, and takes texts of at most 64 bytes.
func overlapHarness(t *testing.T, o Overlap, rules ...route.Rule) *harness {
	t.Helper()
	p := testPolicy(t, rules...)
	p.Owner, p.Channels["old"].Overlap = "old", o
	return newHarness(t, p)
}

// call makes the delivery at the head of the bot's lane succeed. If answer is not empty, it is the bot's reply.
func (h *harness) call(answer string) string {
	h.Helper()
	d := h.head("old")
	if h.conv().AwaitsAnswer(&d) {
		h.Fatalf("%s waits for an answer", h.line(&d))
	}
	o := attempt.Outcome{}
	if answer != "" {
		o.Replies = []*inbound.Envelope{h.inbound(incoming{channel: "old", text: answer, role: envelope.RoleBot})}
	}
	h.outcome(d, o)
	return h.line(&d)
}

func (h *harness) answer(text string) {
	h.Helper()
	h.receive(incoming{channel: "old", thread: h.conv().CustomerID(), text: text})
}

func (h *harness) waits() bool {
	h.Helper()
	d := h.head("old")
	return h.conv().AwaitsAnswer(&d)
}

func TestOverlapSendDoesNotWait(t *testing.T) {
	h := overlapHarness(t, OverlapSend)
	h.customer("one")
	h.customer("two")
	h.call("")
	h.want("the second message", h.call(""), "two")
}

func TestQueueWaitsForTheFirstAnswer(t *testing.T) {
	t.Run("in the response", func(t *testing.T) {
		h := overlapHarness(t, OverlapQueue)
		h.customer("one")
		h.customer("two")
		h.call("answer")
		h.want("the second message", h.call(""), "two")
	})
	t.Run("later", func(t *testing.T) {
		h := overlapHarness(t, OverlapQueue)
		h.customer("one")
		h.call("")
		h.customer("two")
		h.customer("three")
		if !h.waits() {
			t.Fatal("the second message does not wait")
		}
		h.answer("first")
		h.want("the second message", h.call(""), "two")
		if !h.waits() {
			t.Fatal("the third message does not wait")
		}
		h.answer("second")
		h.want("the third message", h.call(""), "three")
	})
	t.Run("before the outcome of the call", func(t *testing.T) {
		h := overlapHarness(t, OverlapQueue)
		h.customer("one")
		h.customer("two")
		h.answer("early")
		h.call("")
		h.want("the second message", h.call(""), "two")
	})
	t.Run("not for an answer that a rule drops", func(t *testing.T) {
		h := overlapHarness(t, OverlapQueue, route.Rule{Name: "spam", From: []string{"bot"}, Drop: true})
		h.customer("one")
		h.customer("two")
		h.call("dropped")
		if !h.waits() {
			t.Error("the second message does not wait")
		}
	})
	t.Run("a divided message is one", func(t *testing.T) {
		h := overlapHarness(t, OverlapQueue)
		h.customer(strings.Repeat("many words ", 12))
		h.customer("two")
		h.call("")
		h.call("")
		h.call("")
		if !h.waits() {
			t.Error("the second message does not wait")
		}
	})
}

func TestQueueWaitsAtMost30Seconds(t *testing.T) {
	h := overlapHarness(t, OverlapQueue)
	h.customer("one")
	h.call("")
	h.customer("two")
	called := h.now
	h.want("deadline", NextDeadline(h.conv(), h.policy).String(), called.Add(30*time.Second).String())
	h.advance(30*time.Second - 1)
	if !h.waits() {
		t.Fatal("the wait has ended early")
	}
	h.advance(1)
	h.want("the second message", h.call(""), "two")
	h.now = h.now.Add(time.Minute)
	h.customer("three") // the wait is over when it arrives
	h.want("the third message", h.call(""), "three")
}

func TestQueueEndsWithAMoveOfControl(t *testing.T) {
	h := overlapHarness(t, OverlapQueue, onWord("faq", route.Rule{Pass: "faq"}))
	h.customer("one")
	h.call("")
	h.customer("two")
	h.customer("faq")
	h.openThread("faq", "faq-1")
	h.wantLines("delivered to the next owner", h.drain("faq"), "two [one]", "faq")
}

func TestGiveUpDoesNotCountTheWaitForAnAnswer(t *testing.T) {
	h := overlapHarness(t, OverlapQueue)
	h.customer("one")
	h.call("")
	h.customer("two")
	h.customer("three")
	h.advance(20 * time.Second)
	h.answer("first")
	d := h.head("old")
	if w := h.policy.WaitTime(h.conv(), &d, h.now); w != 20*time.Second {
		t.Errorf("the second message waited %v", w)
	}
	h.advance(5 * time.Second)
	h.call("")
	h.advance(30 * time.Second)
	d = h.head("old")
	if w := h.policy.WaitTime(h.conv(), &d, h.now); w != 50*time.Second {
		t.Errorf("the third message waited %v", w)
	}
}

func TestWaitingMessagesNeedAnAnswer(t *testing.T) {
	h := overlapHarness(t, OverlapQueue)
	h.customer("one")
	h.call("")
	h.advance(time.Second)
	h.customer("two")
	h.answer("first")
	if h.conv().UnansweredSince != h.now {
		t.Errorf("unanswered since %v, want %v", h.conv().UnansweredSince, h.now)
	}
	h.call("second")
	if !h.conv().UnansweredSince.IsZero() {
		t.Error("the second message has no answer")
	}
}

func TestMergeJoinsWaitingTexts(t *testing.T) {
	t.Run("up to the text limit", func(t *testing.T) {
		h := overlapHarness(t, OverlapMerge)
		h.customer("one")
		h.call("")
		long := strings.Repeat("w", 56)
		for _, text := range []string{"two", "three", long, "four"} {
			h.customer(text)
		}
		h.answer("first")
		h.want("joined", h.queue("old")[0], "two + three")
		h.want("status of the originals", h.status("two")+" "+h.status("three"), "queued queued")
		h.call("")
		h.answer("second")
		h.want("joined next", h.queue("old")[0], long[:20]+"… + four")
		if n := len(h.conv().History); n != 7 {
			t.Errorf("the history has %d messages, want 7", n)
		}
	})
	t.Run("after 30 seconds", func(t *testing.T) {
		h := overlapHarness(t, OverlapMerge)
		h.customer("one")
		h.call("")
		h.customer("two")
		h.customer("three")
		h.advance(30 * time.Second)
		h.want("joined", h.queue("old")[0], "two + three")
	})
	t.Run("media go alone, in order", func(t *testing.T) {
		h := overlapHarness(t, OverlapMerge)
		h.customer("one")
		h.call("")
		h.customer("two")
		h.customer("three")
		h.transact(func(tx *Transaction) { tx.Receive(imageMessage(h)) })
		h.customer("four")
		h.customer("five")
		h.answer("first")
		var got []string
		for h.conv().Lane("old") != nil {
			got = append(got, h.call("next"))
		}
		h.wantLines("to the bot", got, "two + three", "look", "four + five")
	})
	t.Run("joined messages follow control one by one", func(t *testing.T) {
		h := overlapHarness(t, OverlapMerge, onWord("faq", route.Rule{Pass: "faq"}))
		h.customer("one")
		h.call("")
		h.customer("two")
		h.customer("three")
		h.answer("first")
		h.customer("faq")
		h.wantLines("to the next owner", h.queue("faq"), "open", "two [one, first]", "three", "faq")
	})
	t.Run("a dead letter has all of them", func(t *testing.T) {
		h := overlapHarness(t, OverlapMerge)
		h.customer("one")
		h.call("")
		h.customer("two")
		h.customer("three")
		h.answer("first")
		d := h.head("old")
		h.outcome(d, attempt.Outcome{Result: attempt.ResultDead, Error: "permanent"})
		if n := h.state.DeadLetter(d.ID).MessageCount(); n != 2 {
			t.Errorf("the dead letter has %d messages", n)
		}
		h.transact(func(tx *Transaction) { _, _, _ = tx.ReplayDeadLetter(d.ID) })
		h.wantLines("replayed", h.queue("old"), "two", "three")
	})
}

func TestLostMessageOfAJoinedDeliveryIsGivenUp(t *testing.T) {
	h := overlapHarness(t, OverlapMerge)
	h.customer("one")
	h.call("")
	h.customer("two")
	h.customer("three")
	h.answer("first")
	d := h.head("old")
	lost := d.Joined[0].Pos
	h.transact(func(tx *Transaction) {
		tx.GiveUpLost(h.conv().ID, func(p state.Position) bool { return p == lost })
	})
	if dead := h.state.DeadLetter(d.ID); dead == nil || dead.MessageCount() != 2 {
		t.Errorf("the dead letter is %+v", dead)
	}
}

// imageMessage returns a message of the customer with an image.
func imageMessage(h *harness) *inbound.Envelope {
	in := h.inbound(incoming{channel: "web", thread: "w1", text: "look"})
	in.Envelope.Parts = append(in.Envelope.Parts, envelope.Part{Type: envelope.PartImage, Ref: "r"})
	data, err := protocol.EncodeEnvelope(in.Envelope)
	if err != nil {
		h.Fatalf("encode: %v", err)
	}
	in.Bytes = data
	return in
}
