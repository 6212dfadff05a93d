package conversation

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/journal"
	"patchbay/core/internal/route"
	"patchbay/core/internal/state"
)

func TestReplayDeadLetter(t *testing.T) {
	toOld := route.Rule{Name: "p", From: []string{"customer"}, When: `text == "old"`, Pass: "old"}
	dead := func(h *harness, channel string) string {
		d := h.head(channel)
		h.outcome(d, attempt.Outcome{Result: attempt.ResultDead, Error: "permanent", Text: "no"})
		return d.ID
	}
	replay := func(h *harness, id string) (status string, err error) {
		h.transact(func(tx *Transaction) { status, _, err = tx.ReplayDeadLetter(id) })
		return status, err
	}
	t.Run("customer's messages go to the current owner", func(t *testing.T) {
		h := newHarness(t, testPolicy(t, toOld))
		h.customer("hello")
		h.openThread("faq", "faq-1")
		id := dead(h, "faq")
		h.want("status", h.status("hello"), state.StatusDead)
		h.customer("old")
		h.drain("old")
		if status, err := replay(h, id); err != nil || status != "replayed" {
			t.Fatalf("%s, %v", status, err)
		}
		h.wantLines("to the other bot", h.queue("old"), "hello")
		h.want("status", h.status("hello"), state.StatusQueued)
		if _, err := replay(h, id); !errors.Is(err, ErrNoDeadLetter) {
			t.Fatalf("replayed twice: %v", err)
		}
	})
	t.Run("an earlier owner's messages are fenced", func(t *testing.T) {
		h := newHarness(t, testPolicy(t, toOld))
		h.customer("hello")
		h.openThread("faq", "faq-1")
		h.receive(incoming{channel: "faq", thread: "faq-1", text: "answer"})
		id := dead(h, "web")
		h.customer("old")
		if status, err := replay(h, id); err != nil || status != state.StatusFenced {
			t.Fatalf("%s, %v", status, err)
		}
		h.want("status", h.status("answer"), state.StatusFenced)
	})
	t.Run("the owner's messages of this epoch are sent", func(t *testing.T) {
		h := newHarness(t, testPolicy(t))
		h.customer("hello")
		h.openThread("faq", "faq-1")
		h.receive(incoming{channel: "faq", thread: "faq-1", text: "answer"})
		id := dead(h, "web")
		if status, err := replay(h, id); err != nil || status != "replayed" {
			t.Fatalf("%s, %v", status, err)
		}
		h.want("status", h.status("answer"), state.StatusQueued)
	})
	t.Run("one piece in the same epoch", func(t *testing.T) {
		h := keptThreadHarness(t)
		h.customer(strings.Repeat("many words ", 12))
		id := dead(h, "old")
		h.drain("old")
		if _, err := replay(h, id); err != nil {
			t.Fatal(err)
		}
		if q := h.queue("old"); len(q) != 1 || !strings.Contains(q[0], "1/") {
			t.Fatalf("replayed: %v", q)
		}
	})
	t.Run("pieces of one message are sent once to a new owner", func(t *testing.T) {
		h := keptThreadHarness(t)
		long := strings.Repeat("many words ", 12)
		h.customer(long)
		first, second := dead(h, "old"), dead(h, "old")
		h.drain("old")
		h.customer("faq")
		h.drain("faq")
		if status, err := replay(h, first); err != nil || status != "replayed" {
			t.Fatalf("%s, %v", status, err)
		}
		h.wantLines("to the new owner", h.queue("faq"), "many words many word…")
		if _, err := replay(h, second); !errors.Is(err, ErrNoDeadLetter) {
			t.Fatalf("the other piece was replayed too: %v", err)
		}
	})
	t.Run("dead pieces are merged when control moves", func(t *testing.T) {
		h := keptThreadHarness(t)
		h.customer(strings.Repeat("many words ", 12))
		dead(h, "old")
		h.customer("faq")
		h.wantLines("to the new owner", h.queue("faq"), "open", "many words many word… [hello]", "faq")
		if l := h.state.DeadLetters(); len(l) != 0 {
			t.Fatalf("dead letters: %+v", l)
		}
	})
	t.Run("undecided", func(t *testing.T) {
		h := newHarness(t, testPolicy(t))
		h.customer("hello")
		h.transact(func(tx *Transaction) {
			tx.KeepUndecided(h.inbound(incoming{channel: "web", thread: "w1", text: "odd"}), "panic")
		})
		dead := h.state.DeadLetters()
		if len(dead) != 1 || dead[0].Error != "undecided" {
			t.Fatalf("dead letters: %v", dead)
		}
		if _, err := replay(h, dead[0].Delivery.ID); err != nil {
			t.Fatal(err)
		}
		h.wantLines("to the bot", h.queue("faq"), "open", "hello", "odd")
	})
}

// An open that was given up and the messages that needed its thread are one dead letter, with one replay.
func TestReplayDeadOpen(t *testing.T) {
	toOld := route.Rule{Name: "p", From: []string{"customer"}, When: `text == "old"`, Pass: "old"}
	toDesk := route.Rule{Name: "d", From: []string{"customer"}, When: `text == "desk"`, Pass: "desk"}
	deadOpen := func(h *harness, channel string, messages int) (id string) {
		d := h.head(channel)
		h.outcome(d, attempt.Outcome{Result: attempt.ResultDead, Error: "unauthorized", Text: "no"})
		h.wantLines("in the lane", h.queue(channel))
		l := h.state.DeadLetters()
		if len(l) != 1 || l[0].Delivery.ID != d.ID || l[0].MessageCount() != messages {
			h.Fatalf("dead letters %+v, want one with %d messages", l, messages)
		}
		return d.ID
	}
	replay := func(h *harness, id string) (status string, err error) {
		h.transact(func(tx *Transaction) { status, _, err = tx.ReplayDeadLetter(id) })
		if n := h.state.DeadLetterCount(); err == nil && n != 0 {
			h.Fatalf("%d dead letters remain", n)
		}
		return status, err
	}
	begin := func(t *testing.T, rules ...route.Rule) (h *harness, id string) {
		h = newHarness(t, testPolicy(t, rules...))
		h.customer("one")
		h.customer("two")
		h.customer("three")
		id = deadOpen(h, "faq", 3)
		h.want("status", h.status("one")+" "+h.status("three"), "dead dead")
		return h, id
	}
	t.Run("all messages in order", func(t *testing.T) {
		h, id := begin(t)
		if status, err := replay(h, id); err != nil || status != state.StatusReplayed {
			t.Fatalf("%s, %v", status, err)
		}
		h.wantLines("to the bot", h.drain("faq"), "open", "one", "two", "three")
		h.want("status", h.status("one")+" "+h.status("three"), "delivered delivered")
	})
	t.Run("by the id of a message", func(t *testing.T) {
		h, _ := begin(t)
		id := h.state.DeadLetters()[0].Messages[1].ID
		if status, err := replay(h, id); err != nil || status != state.StatusReplayed {
			t.Fatalf("%s, %v", status, err)
		}
		h.wantLines("to the bot", h.queue("faq"), "open", "one", "two", "three")
	})
	t.Run("to the current owner", func(t *testing.T) {
		h, id := begin(t, toOld)
		h.customer("old")
		h.drain("old")
		if status, err := replay(h, id); err != nil || status != state.StatusReplayed {
			t.Fatalf("%s, %v", status, err)
		}
		h.wantLines("to the other bot", h.queue("old"), "one", "two", "three")
	})
	t.Run("in a new conversation", func(t *testing.T) {
		h, id := begin(t)
		h.advance(h.policy.CloseAfter)
		if status, err := replay(h, id); err != nil || status != state.StatusReplayed {
			t.Fatalf("%s, %v", status, err)
		}
		h.wantLines("to the bot", h.queue("faq"), "open", "one", "two", "three")
	})
	t.Run("a transcript is made again", func(t *testing.T) {
		h := newHarness(t, testPolicy(t, toDesk))
		h.customer("hello")
		h.drain("faq")
		h.customer("desk")
		id := deadOpen(h, "desk", 1)
		if status, err := replay(h, id); err != nil || status != state.StatusReplayed {
			t.Fatalf("%s, %v", status, err)
		}
		h.wantLines("to the desk", h.queue("desk"), "open", "transcript [hello]", "desk")
	})
	t.Run("without messages", func(t *testing.T) {
		h, id := begin(t)
		h.transact(func(tx *Transaction) {
			tx.endDeadLetter(h.state.DeadLetter(id), state.StatusDropped, "")
			c := tx.layer.Mutable(h.conv().ID)
			tx.ensureThread(c, h.policy.Channels["faq"], false)
		})
		id = deadOpen(h, "faq", 0)
		if status, err := replay(h, id); err != nil || status != state.StatusReplayed {
			t.Fatalf("%s, %v", status, err)
		}
		h.wantLines("to the bot", h.queue("faq"), "open")
	})
	t.Run("dropped as one", func(t *testing.T) {
		h, id := begin(t)
		h.transact(func(tx *Transaction) {
			if err := tx.DropDeadLetter(id); err != nil {
				t.Error(err)
			}
		})
		if n := h.state.DeadLetterCount(); n != 0 {
			t.Errorf("%d dead letters remain", n)
		}
	})
	t.Run("when a record is purged", func(t *testing.T) {
		h, id := begin(t)
		seq := h.state.DeadLetters()[0].Messages[0].Item.Pos.Seq
		var err error
		h.transact(func(tx *Transaction) { tx.oldestRecord = seq + 1; _, _, err = tx.ReplayDeadLetter(id) })
		if err == nil || !strings.Contains(err.Error(), "no longer kept") {
			t.Fatalf("replay without the record: %v", err)
		}
	})
}

// deadLetterOfEndedConversation returns the dead letter of a conversation that close_after has closed and that has been
// removed.
func deadLetterOfEndedConversation(h *harness) (id string) {
	h.Helper()
	h.customer("hello")
	h.openThread("faq", "faq-1")
	d := h.head("faq")
	h.outcome(d, attempt.Outcome{Result: attempt.ResultDead, Error: "permanent"})
	h.advance(h.policy.CloseAfter)
	h.advance(closedRetention)
	if h.state.Len() != 0 {
		h.Fatalf("the conversation has not ended; lanes: %s", h.lanes())
	}
	return d.ID
}

func TestReplayAfterConversationEnded(t *testing.T) {
	replay := func(h *harness, id string) (delivery string, err error) {
		h.transact(func(tx *Transaction) { _, delivery, err = tx.ReplayDeadLetter(id) })
		return delivery, err
	}
	t.Run("a new conversation is opened", func(t *testing.T) {
		h := newHarness(t, testPolicy(t))
		id := deadLetterOfEndedConversation(h)
		delivery, err := replay(h, id)
		if err != nil || delivery == "" {
			t.Fatalf("replayed as %q, %v", delivery, err)
		}
		h.wantOwner("faq", 1)
		h.wantLines("to the bot", h.queue("faq"), "open", "hello")
	})
	t.Run("the customer's current conversation", func(t *testing.T) {
		h := newHarness(
			t,
			testPolicy(t, route.Rule{Name: "p", From: []string{"customer"}, When: `text == "old"`, Pass: "old"}),
		)
		id := deadLetterOfEndedConversation(h)
		h.customer("old")
		h.drain("old")
		if _, err := replay(h, id); err != nil {
			t.Fatal(err)
		}
		h.wantLines("to the owner", h.queue("old"), "hello")
	})
	t.Run("a closed conversation is adapted before the customer's next one opens", func(t *testing.T) {
		bye := route.Rule{Name: "bye", From: []string{"customer"}, When: `text == "bye"`, Close: true}
		h := newHarness(t, testPolicy(t, onWord("old", route.Rule{Pass: "old"}), bye))
		id := deadLetterOfEndedConversation(h)
		h.customer("old")
		h.customer("bye")
		h.without("old")
		if _, err := replay(h, id); err != nil {
			t.Fatal(err)
		}
		h.state.All(func(c *state.Conversation) bool {
			if c.Lane("old") != nil {
				t.Errorf("conversation %s still has deliveries to the removed channel:\n%s", c.ID, h.lanesOf(c.ID))
			}
			return true
		})
	})
	t.Run("undecided message of an unknown customer", func(t *testing.T) {
		h := newHarness(t, testPolicy(t))
		h.transact(func(tx *Transaction) {
			tx.KeepUndecided(h.inbound(incoming{channel: "web", thread: "w1", text: "odd"}), "panic")
		})
		if _, err := replay(h, h.state.DeadLetters()[0].Delivery.ID); err != nil {
			t.Fatal(err)
		}
		h.wantLines("to the bot", h.queue("faq"), "open", "odd")
	})
	t.Run("an owner's message is refused", func(t *testing.T) {
		h := newHarness(t, testPolicy(t))
		h.customer("hello")
		h.drain("faq")
		h.receive(incoming{channel: "faq", thread: h.conv().Threads["faq"].ID, text: "answer"})
		d := h.head("web")
		h.outcome(d, attempt.Outcome{Result: attempt.ResultDead, Error: "permanent"})
		h.advance(h.policy.CloseAfter)
		if _, err := replay(h, d.ID); err == nil || !strings.Contains(err.Error(), "has ended; drop it") {
			t.Fatalf("replay: %v, want advice", err)
		}
	})
	t.Run("the customer's channel was removed", func(t *testing.T) {
		h := newHarness(t, testPolicy(t))
		id := deadLetterOfEndedConversation(h)
		delete(h.policy.Channels, "web")
		if _, err := replay(h, id); err == nil || !strings.Contains(err.Error(), "drop it") {
			t.Fatalf("replay: %v, want advice", err)
		}
	})
}

func TestDeadLettersEnd(t *testing.T) {
	status := func(h *harness) string {
		var out []string
		for _, e := range lastChanges[*journal.Change_DeadLetterEnded](h) {
			out = append(out, e.DeadLetterEnded.GetStatus())
		}
		return strings.Join(out, " ")
	}
	t.Run("dropped", func(t *testing.T) {
		h := newHarness(t, testPolicy(t))
		id := deadLetterOfEndedConversation(h)
		var err error
		h.transact(func(tx *Transaction) { err = tx.DropDeadLetter(id) })
		if err != nil || h.state.DeadLetterCount() != 0 || status(h) != state.StatusDropped {
			t.Fatalf("Drop = %v; %d dead letters remain, the record has status %q", err, h.state.DeadLetterCount(), status(h))
		}
		h.want("status", h.status("hello"), state.StatusDead)
		h.transact(func(tx *Transaction) { err = tx.DropDeadLetter(id) })
		if !errors.Is(err, ErrNoDeadLetter) {
			t.Fatalf("dropped twice: %v", err)
		}
	})
	t.Run("by age", func(t *testing.T) {
		h := newHarness(t, testPolicy(t))
		deadLetterOfEndedConversation(h)
		at := h.state.DeadLetters()[0].At
		h.transact(func(tx *Transaction) { tx.ExpireDeadLetters(at, 0) })
		if h.state.DeadLetterCount() != 1 {
			t.Fatal("expired too early")
		}
		h.transact(func(tx *Transaction) { tx.ExpireDeadLetters(at.Add(1), 0) })
		if h.state.DeadLetterCount() != 0 || status(h) != state.StatusExpired {
			t.Fatalf("%d dead letters remain, the record has status %q", h.state.DeadLetterCount(), status(h))
		}
	})
	t.Run("when their record is purged", func(t *testing.T) {
		h := newHarness(t, testPolicy(t))
		id := deadLetterOfEndedConversation(h)
		seq := h.state.DeadLetters()[0].Delivery.Item.Pos.Seq
		h.transact(func(tx *Transaction) { tx.ExpireDeadLetters(time.Time{}, seq) })
		if h.state.DeadLetterCount() != 1 {
			t.Fatal("expired although its record is kept")
		}
		var err error
		h.transact(func(tx *Transaction) { tx.oldestRecord = seq + 1; _, _, err = tx.ReplayDeadLetter(id) })
		if err == nil || !strings.Contains(err.Error(), "no longer kept") {
			t.Fatalf("replay without the record: %v", err)
		}
		h.transact(func(tx *Transaction) { tx.ExpireDeadLetters(time.Time{}, seq+1) })
		if h.state.DeadLetterCount() != 0 || status(h) != state.StatusExpired {
			t.Fatalf("%d dead letters remain, the record has status %q", h.state.DeadLetterCount(), status(h))
		}
	})
}

// This test does not use the harness, because a comparison of whole states after each record would take too long.
func TestDeadLettersAreBounded(t *testing.T) {
	b, ids := state.New(), 0
	now := midnight
	transact := func(f func(*Transaction)) {
		now = now.Add(time.Second)
		tx := Begin(b, testPolicy(t), now, 1, func() string { ids++; return fmt.Sprintf("id-%06d", ids) })
		f(tx)
		tx.Commit()
	}
	in := (&harness{tester: t, policy: testPolicy(t)}).inbound(incoming{channel: "web", thread: "w1", text: "odd"})
	for i := range MaxDeadLetters + 1 {
		transact(func(tx *Transaction) { tx.KeepUndecided(in, fmt.Sprint(i)) })
	}
	var more bool
	transact(func(tx *Transaction) { more = tx.ExpireDeadLetters(time.Time{}, 0) })
	if n, want := b.DeadLetterCount(), MaxDeadLetters+1-maxExpiredAtOnce; n != want || more {
		t.Fatalf("%d dead letters remain, want %d; more %v", n, want, more)
	}
	if first := b.DeadLetters()[0].Text; first != fmt.Sprint(maxExpiredAtOnce) {
		t.Errorf("the oldest dead letter is number %s, want %d", first, maxExpiredAtOnce)
	}
	if n := b.CountDeadLetters()[state.DeadLetterClass{Channel: "web", Error: "undecided"}]; n != b.DeadLetterCount() {
		t.Errorf("counted %d of %d", n, b.DeadLetterCount())
	}
	for i, left := range []int{b.DeadLetterCount() - maxExpiredAtOnce, b.DeadLetterCount() - 2*maxExpiredAtOnce} {
		transact(func(tx *Transaction) { more = tx.ExpireDeadLetters(now.Add(time.Hour), 0) })
		if b.DeadLetterCount() != left || !more {
			t.Errorf("record %d: %d dead letters remain, want %d; more %v", i, b.DeadLetterCount(), left, more)
		}
	}
}
