package writer

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/conversation"
	"patchbay/core/internal/store/memory"
	"patchbay/sdk/envelope"
)

func TestOldDeadLettersExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHarness(t, func(o *Options) { o.HistoryAge = time.Hour })
		h.customer("w1", "m1", "given up")
		h.finish(h.head("faq"), attempt.Outcome{Result: attempt.ResultDead, Error: "permanent"})
		time.Sleep(time.Hour - time.Minute)
		if n := len(h.deadLetters()); n != 1 {
			t.Errorf("%d dead letters before their time, want 1", n)
		}
		time.Sleep(3 * time.Minute) // without any input
		if n := len(h.deadLetters()); n != 0 {
			t.Errorf("%d dead letters are left", n)
		}
		if err := h.stop(); err != nil {
			t.Errorf("Run = %v", err)
		}
		h.checkRestored()
	})
}

// openNearlyFull calls f with a harness. Its log is nearly full, because a dead letter needs a record near the
// beginning.
func openNearlyFull(t *testing.T, f func(h *harness)) {
	synctest.Test(t, func(t *testing.T) {
		h := &harness{tester: t, disk: memory.NewDisk(1 << 20), commits: &commits{}, ids: &idSource{}, options: func(o *Options) {
			o.Policy.History = 0
		}}
		h.open()
		h.customer("w1", "m1", "given up")
		h.finish(h.head("faq"), attempt.Outcome{Result: attempt.ResultDead, Error: "permanent"})
		for i := 0; h.log.Bounds().Bytes < 1<<20/10*8; i++ {
			h.customer("w2", fmt.Sprint("x", i), strings.Repeat("much ", 2000))
			h.finish(h.head("faq"), attempt.Outcome{Result: attempt.ResultDelivered})
		}
		f(h)
		if err := h.stop(); err != nil {
			t.Errorf("Run = %v", err)
		}
	})
}

func TestDeadLettersDoNotKeepALogFull(t *testing.T) {
	openNearlyFull(t, func(h *harness) {
		time.Sleep(5 * time.Minute) // the writer takes the snapshot that allows the purge without an input
		if b := h.log.Bounds(); b.Bytes >= b.Cap/10*8 {
			t.Errorf("the log takes %d of %d bytes from record %d on", b.Bytes, b.Cap, b.First)
		}
		if n := len(h.deadLetters()); n != 0 {
			t.Errorf("%d dead letters are left without their records", n)
		}
	})
}

func TestDeadLettersStayIfOtherRecordsFreeSpace(t *testing.T) {
	openNearlyFull(t, func(h *harness) {
		if err := h.Do(context.Background(), func(tx *conversation.Transaction) error {
			_, _, err := tx.ReplayDeadLetter(h.state.DeadLetters()[0].Delivery.ID)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		h.finish(h.head("faq"), attempt.Outcome{Result: attempt.ResultDelivered})
		h.customer("w1", "m2", "given up, too")
		h.finish(h.head("faq"), attempt.Outcome{Result: attempt.ResultDead, Error: "permanent"})
		time.Sleep(5 * time.Minute)
		if b := h.log.Bounds(); b.Bytes >= b.Cap/10*8 {
			t.Errorf("the log takes %d of %d bytes from record %d on", b.Bytes, b.Cap, b.First)
		}
		if dead := h.deadLetters(); len(dead) != 1 || h.textOf(&attempt.Job{Delivery: dead[0].Delivery}) != "given up, too" {
			t.Errorf("dead letters %+v, want the new one, with its record", dead)
		}
	})
}

func TestWebhookThatCannotBeDecidedOnIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHarness(t)
		in := message(t, "web", "webhook", "", "odd")
		in.Envelope.Kind, in.Envelope.Sender = envelope.KindUnparsed, envelope.Sender{Role: envelope.RoleSystem}
		if err := h.Keep(t.Context(), in, "killed_adapter", "panic"); err != nil {
			t.Fatal(err)
		}
		dead := h.deadLetters()
		if len(dead) != 1 || dead[0].Error != "killed_adapter" || dead[0].Text != "panic" || h.state.Len() != 0 {
			t.Fatalf("dead letters %+v, %d conversations", dead, h.state.Len())
		}
		err := h.Do(t.Context(), func(tx *conversation.Transaction) error {
			_, _, err := tx.ReplayDeadLetter(dead[0].Delivery.ID)
			return err
		})
		if err == nil || !strings.Contains(err.Error(), "let the vendor send it again") {
			t.Errorf("replay: %v, want advice", err)
		}
		if err := h.stop(); err != nil {
			t.Errorf("Run = %v", err)
		}
		h.checkRestored()
	})
}
