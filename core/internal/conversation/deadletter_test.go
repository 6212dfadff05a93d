package conversation

import (
	"errors"
	"strings"
	"testing"

	"patchbay/core/internal/route"
)

func TestReplayOfDeadLetters(t *testing.T) {
	toOld := route.Rule{Name: "p", From: []string{"customer"}, When: `text == "old"`, Pass: "old"}
	dead := func(s *stage, channel string) string {
		d := s.head(channel)
		s.result(d, Outcome{Result: ResultDead, Error: "permanent", Text: "no"})
		return d.ID
	}
	replay := func(s *stage, id string) (status string, err error) {
		s.turn(func(t *Turn) { status, _, err = t.Replay(id) })
		return status, err
	}
	t.Run("the customer's words follow control", func(t *testing.T) {
		s := newStage(t, testPolicy(t, toOld))
		s.customer("hello")
		s.opened("faq", "faq-1")
		id := dead(s, "faq")
		s.want("fate", s.fate("hello"), StatusDead)
		s.customer("old")
		s.drain("old")
		if status, err := replay(s, id); err != nil || status != "replayed" {
			t.Fatalf("%s, %v", status, err)
		}
		s.wantLines("to the other bot", s.queue("old"), "hello")
		s.want("fate", s.fate("hello"), StatusQueued)
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
		if status, err := replay(s, id); err != nil || status != StatusFenced {
			t.Fatalf("%s, %v", status, err)
		}
		s.want("fate", s.fate("answer"), StatusFenced)
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
		s.want("fate", s.fate("answer"), StatusQueued)
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
		if l := s.book.Dead(); len(l) != 0 {
			t.Fatalf("dead letters: %+v", l)
		}
	})
	t.Run("an open is not replayed", func(t *testing.T) {
		s := newStage(t, testPolicy(t))
		s.customer("hello")
		id := dead(s, "faq")
		s.want("what waited behind it", s.fate("hello"), StatusDead)
		s.wantLines("to the bot", s.queue("faq"))
		if _, err := replay(s, id); err == nil {
			t.Fatal("an open was replayed")
		}
	})
	t.Run("undecided", func(t *testing.T) {
		s := newStage(t, testPolicy(t))
		s.customer("hello")
		s.turn(func(t *Turn) { t.Undecided(s.inbound(say{channel: "web", thread: "w1", text: "odd"}), "panic") })
		letters := s.book.Dead()
		if len(letters) != 1 || letters[0].Error != "undecided" {
			t.Fatalf("dead letters: %v", letters)
		}
		if _, err := replay(s, letters[0].Delivery.ID); err != nil {
			t.Fatal(err)
		}
		s.wantLines("to the bot", s.queue("faq"), "open", "hello", "odd")
	})
}
