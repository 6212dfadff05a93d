package conversation

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"patchbay/core/internal/delivery"
	"patchbay/core/internal/journal"
	"patchbay/core/internal/route"
	"patchbay/core/internal/state"
)

func TestReplayOfDeadLetters(t *testing.T) {
	toOld := route.Rule{Name: "p", From: []string{"customer"}, When: `text == "old"`, Pass: "old"}
	dead := func(s *stage, channel string) string {
		d := s.head(channel)
		s.result(d, delivery.Outcome{Result: delivery.ResultDead, Error: "permanent", Text: "no"})
		return d.ID
	}
	replay := func(s *stage, id string) (status string, err error) {
		s.turn(func(tx *Transaction) { status, _, err = tx.ReplayDeadLetter(id) })
		return status, err
	}
	t.Run("the customer's words follow control", func(t *testing.T) {
		s := newStage(t, testPolicy(t, toOld))
		s.customer("hello")
		s.opened("faq", "faq-1")
		id := dead(s, "faq")
		s.want("fate", s.fate("hello"), state.StatusDead)
		s.customer("old")
		s.drain("old")
		if status, err := replay(s, id); err != nil || status != "replayed" {
			t.Fatalf("%s, %v", status, err)
		}
		s.wantLines("to the other bot", s.queue("old"), "hello")
		s.want("fate", s.fate("hello"), state.StatusQueued)
		if _, err := replay(s, id); !errors.Is(err, ErrNoDeadLetter) {
			t.Fatalf("replayed twice: %v", err)
		}
	})
	t.Run("an earlier owner's words are fenced", func(t *testing.T) {
		s := newStage(t, testPolicy(t, toOld))
		s.customer("hello")
		s.opened("faq", "faq-1")
		s.in(say{channel: "faq", thread: "faq-1", text: "answer"})
		id := dead(s, "web")
		s.customer("old")
		if status, err := replay(s, id); err != nil || status != state.StatusFenced {
			t.Fatalf("%s, %v", status, err)
		}
		s.want("fate", s.fate("answer"), state.StatusFenced)
	})
	t.Run("the owner's words of this term are sent", func(t *testing.T) {
		s := newStage(t, testPolicy(t))
		s.customer("hello")
		s.opened("faq", "faq-1")
		s.in(say{channel: "faq", thread: "faq-1", text: "answer"})
		id := dead(s, "web")
		if status, err := replay(s, id); err != nil || status != "replayed" {
			t.Fatalf("%s, %v", status, err)
		}
		s.want("fate", s.fate("answer"), state.StatusQueued)
	})
	t.Run("a piece alone in its own term", func(t *testing.T) {
		s := keptThread(t)
		s.customer(strings.Repeat("many words ", 12))
		id := dead(s, "old")
		s.drain("old")
		if _, err := replay(s, id); err != nil {
			t.Fatal(err)
		}
		if q := s.queue("old"); len(q) != 1 || !strings.Contains(q[0], "1/") {
			t.Fatalf("replayed: %v", q)
		}
	})
	t.Run("pieces of one message once, whoever has control", func(t *testing.T) {
		s := keptThread(t)
		long := strings.Repeat("many words ", 12)
		s.customer(long)
		first, second := dead(s, "old"), dead(s, "old")
		s.drain("old")
		s.customer("faq")
		s.drain("faq")
		if status, err := replay(s, first); err != nil || status != "replayed" {
			t.Fatalf("%s, %v", status, err)
		}
		s.wantLines("to the new owner", s.queue("faq"), "many words many word…")
		if _, err := replay(s, second); !errors.Is(err, ErrNoDeadLetter) {
			t.Fatalf("the other piece can be replayed, too: %v", err)
		}
	})
	t.Run("pieces of a message that followed control", func(t *testing.T) {
		s := keptThread(t)
		s.customer(strings.Repeat("many words ", 12))
		dead(s, "old")
		s.customer("faq")
		s.wantLines("to the new owner", s.queue("faq"), "open", "many words many word… [hello]", "faq")
		if l := s.state.DeadLetters(); len(l) != 0 {
			t.Fatalf("dead letters: %+v", l)
		}
	})
	t.Run("an open is not replayed", func(t *testing.T) {
		s := newStage(t, testPolicy(t))
		s.customer("hello")
		id := dead(s, "faq")
		s.want("what waited behind it", s.fate("hello"), state.StatusDead)
		s.wantLines("to the bot", s.queue("faq"))
		if _, err := replay(s, id); err == nil {
			t.Fatal("an open was replayed")
		}
	})
	t.Run("undecided", func(t *testing.T) {
		s := newStage(t, testPolicy(t))
		s.customer("hello")
		s.turn(func(tx *Transaction) {
			tx.KeepUndecided(s.inbound(say{channel: "web", thread: "w1", text: "odd"}), "panic")
		})
		letters := s.state.DeadLetters()
		if len(letters) != 1 || letters[0].Error != "undecided" {
			t.Fatalf("dead letters: %v", letters)
		}
		if _, err := replay(s, letters[0].Delivery.ID); err != nil {
			t.Fatal(err)
		}
		s.wantLines("to the bot", s.queue("faq"), "open", "hello", "odd")
	})
}

// endedWith gives up what waits for the bot and lets the conversation end.
func endedWith(s *stage) (letter string) {
	s.Helper()
	s.customer("hello")
	s.opened("faq", "faq-1")
	d := s.head("faq")
	s.result(d, delivery.Outcome{Result: delivery.ResultDead, Error: "permanent"})
	s.wait(s.policy.CloseAfter)
	if s.state.Len() != 0 {
		s.Fatalf("the conversation has not ended; lanes: %s", s.lanes())
	}
	return d.ID
}

func TestReplayIntoAnotherConversation(t *testing.T) {
	replay := func(s *stage, id string) (delivery string, err error) {
		s.turn(func(tx *Transaction) { _, delivery, err = tx.ReplayDeadLetter(id) })
		return delivery, err
	}
	t.Run("opened for it", func(t *testing.T) {
		s := newStage(t, testPolicy(t))
		id := endedWith(s)
		delivery, err := replay(s, id)
		if err != nil || delivery == "" {
			t.Fatalf("replayed as %q, %v", delivery, err)
		}
		s.wantOwner("faq", 1)
		s.wantLines("to the bot", s.queue("faq"), "open", "hello")
	})
	t.Run("that the customer has now", func(t *testing.T) {
		s := newStage(t, testPolicy(t, route.Rule{Name: "p", From: []string{"customer"}, When: `text == "old"`, Pass: "old"}))
		id := endedWith(s)
		s.customer("old")
		s.drain("old")
		if _, err := replay(s, id); err != nil {
			t.Fatal(err)
		}
		s.wantLines("to who has control", s.queue("old"), "hello")
	})
	t.Run("undecided words of a stranger", func(t *testing.T) {
		s := newStage(t, testPolicy(t))
		s.turn(func(tx *Transaction) {
			tx.KeepUndecided(s.inbound(say{channel: "web", thread: "w1", text: "odd"}), "panic")
		})
		if _, err := replay(s, s.state.DeadLetters()[0].Delivery.ID); err != nil {
			t.Fatal(err)
		}
		s.wantLines("to the bot", s.queue("faq"), "open", "odd")
	})
	t.Run("not an owner's words", func(t *testing.T) {
		s := newStage(t, testPolicy(t))
		s.customer("hello")
		s.drain("faq")
		s.in(say{channel: "faq", thread: s.conv().Threads["faq"].ID, text: "answer"})
		d := s.head("web")
		s.result(d, delivery.Outcome{Result: delivery.ResultDead, Error: "permanent"})
		s.wait(s.policy.CloseAfter)
		if _, err := replay(s, d.ID); err == nil || !strings.Contains(err.Error(), "has ended; drop it") {
			t.Fatalf("replay: %v, want what to do", err)
		}
	})
	t.Run("whose channel is gone", func(t *testing.T) {
		s := newStage(t, testPolicy(t))
		id := endedWith(s)
		delete(s.policy.Channels, "web")
		if _, err := replay(s, id); err == nil || !strings.Contains(err.Error(), "drop it") {
			t.Fatalf("replay: %v, want what to do", err)
		}
	})
}

func TestLettersEnd(t *testing.T) {
	status := func(s *stage) string {
		var out []string
		for _, e := range lastOf[*journal.Change_DeadLetterEnded](s) {
			out = append(out, e.DeadLetterEnded.GetStatus())
		}
		return strings.Join(out, " ")
	}
	t.Run("dropped", func(t *testing.T) {
		s := newStage(t, testPolicy(t))
		id := endedWith(s)
		var err error
		s.turn(func(tx *Transaction) { err = tx.DropDeadLetter(id) })
		if err != nil || s.state.DeadLetterCount() != 0 || status(s) != state.StatusDropped {
			t.Fatalf("Drop = %v; %d letters are left, the record says %q", err, s.state.DeadLetterCount(), status(s))
		}
		s.want("fate", s.fate("hello"), state.StatusDead)
		s.turn(func(tx *Transaction) { err = tx.DropDeadLetter(id) })
		if !errors.Is(err, ErrNoDeadLetter) {
			t.Fatalf("dropped twice: %v", err)
		}
	})
	t.Run("by age", func(t *testing.T) {
		s := newStage(t, testPolicy(t))
		endedWith(s)
		at := s.state.DeadLetters()[0].At
		s.turn(func(tx *Transaction) { tx.ExpireDeadLetters(at, 0) })
		if s.state.DeadLetterCount() != 1 {
			t.Fatal("expired before its time")
		}
		s.turn(func(tx *Transaction) { tx.ExpireDeadLetters(at.Add(1), 0) })
		if s.state.DeadLetterCount() != 0 || status(s) != state.StatusExpired {
			t.Fatalf("%d letters are left, the record says %q", s.state.DeadLetterCount(), status(s))
		}
	})
	t.Run("with their record", func(t *testing.T) {
		s := newStage(t, testPolicy(t))
		id := endedWith(s)
		seq := s.state.DeadLetters()[0].Delivery.Item.Pos.Seq
		s.turn(func(tx *Transaction) { tx.ExpireDeadLetters(time.Time{}, seq) })
		if s.state.DeadLetterCount() != 1 {
			t.Fatal("expired though its record is kept")
		}
		var err error
		s.turn(func(tx *Transaction) { tx.oldestRecord = seq + 1; _, _, err = tx.ReplayDeadLetter(id) })
		if err == nil || !strings.Contains(err.Error(), "no longer kept") {
			t.Fatalf("replay of what is gone: %v", err)
		}
		s.turn(func(tx *Transaction) { tx.ExpireDeadLetters(time.Time{}, seq+1) })
		if s.state.DeadLetterCount() != 0 || status(s) != state.StatusExpired {
			t.Fatalf("%d letters are left, the record says %q", s.state.DeadLetterCount(), status(s))
		}
	})
}

// TestLettersAreBounded does without the stage, which compares whole books after each record.
func TestLettersAreBounded(t *testing.T) {
	b, ids := state.New(), 0
	now := midnight
	turn := func(f func(*Transaction)) {
		now = now.Add(time.Second)
		tx := Begin(b, testPolicy(t), now, 1, func() string { ids++; return fmt.Sprintf("id-%06d", ids) })
		f(tx)
		tx.Commit()
	}
	in := (&stage{tester: t, policy: testPolicy(t)}).inbound(say{channel: "web", thread: "w1", text: "odd"})
	for i := range MaxDeadLetters + 1 {
		turn(func(tx *Transaction) { tx.KeepUndecided(in, fmt.Sprint(i)) })
	}
	var more bool
	turn(func(tx *Transaction) { more = tx.ExpireDeadLetters(time.Time{}, 0) })
	if n, want := b.DeadLetterCount(), MaxDeadLetters+1-maxExpiredAtOnce; n != want || more {
		t.Fatalf("%d letters are left, want %d; more %v", n, want, more)
	}
	if first := b.DeadLetters()[0].Text; first != fmt.Sprint(maxExpiredAtOnce) {
		t.Errorf("the oldest that is left is number %s, want %d", first, maxExpiredAtOnce)
	}
	if n := b.CountDeadLetters()[state.DeadLetterClass{Channel: "web", Error: "undecided"}]; n != b.DeadLetterCount() {
		t.Errorf("counted %d of %d", n, b.DeadLetterCount())
	}
	for i, left := range []int{b.DeadLetterCount() - maxExpiredAtOnce, b.DeadLetterCount() - 2*maxExpiredAtOnce} {
		turn(func(tx *Transaction) { more = tx.ExpireDeadLetters(now.Add(time.Hour), 0) })
		if b.DeadLetterCount() != left || !more {
			t.Errorf("record %d of those too old: %d are left, want %d; more %v", i, b.DeadLetterCount(), left, more)
		}
	}
}
