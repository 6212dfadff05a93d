package writer

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/conversation"
	"patchbay/core/internal/inbound"
	"patchbay/core/internal/state"
	"patchbay/core/internal/store"
	"patchbay/core/internal/store/memory"
)

func TestRecordInDoubt(t *testing.T) {
	for name, tc := range map[string]struct {
		fault memory.Fault
		want  error
		times int
	}{
		"it was stored":     {memory.LostStored, nil, 1},
		"it was not stored": {memory.LostUnstored, ErrUnavailable, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := openHarness(t)
				h.log.Fail(tc.fault)
				if err := h.accept("w1", "m1", "hello"); !errors.Is(err, tc.want) {
					t.Fatalf("Accept = %v, want %v", err, tc.want)
				}
				if n := h.accepted()["m1"]; n != tc.times {
					t.Errorf("stored %d times, want %d", n, tc.times)
				}
				h.customer("w1", "m1", "hello")
				if n := h.accepted()["m1"]; n != 1 {
					t.Errorf("stored %d times after the vendor repeated it, want once", n)
				}
				if err := h.stop(); err != nil {
					t.Errorf("Run = %v", err)
				}
				h.checkRestored()
			})
		})
	}
}

func TestOutcomesSurviveARecordInDoubt(t *testing.T) {
	for name, fault := range map[string]memory.Fault{"stored": memory.LostStored, "not stored": memory.LostUnstored} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := openHarness(t)
				h.customer("w1", "m1", "one")
				h.customer("w1", "m2", "two")
				h.log.Fail(fault)
				h.finish(h.head("faq"), attempt.Outcome{Result: attempt.ResultDelivered})
				time.Sleep(2 * retryCommit)
				if got := h.textOf(h.head("faq")); got != "two" {
					t.Errorf("the next head says %q, want two", got)
				}
				if err := h.stop(); err != nil {
					t.Errorf("Run = %v", err)
				}
				h.checkRestored()
			})
		})
	}
}

func TestLogRecoversSlowly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHarness(t)
		down := errors.New("disk is away")
		h.log.Fail(memory.LostUnstored)
		h.log.Hook(func(_ context.Context, op memory.Op) error {
			if op == memory.OpRecover {
				return down
			}
			return nil
		})
		first := h.acceptInBackground(message(t, "web", "w1", "m1", "one"))
		if !isBlocked(first) {
			t.Fatalf("Accept = %v while its record is in doubt, want it to wait", <-first)
		}
		if err := h.Writable(); !errors.Is(err, ErrUnavailable) {
			t.Errorf("Writable = %v while the log recovers, want ErrUnavailable", err)
		}
		if err := h.accept("w1", "m2", "two"); !errors.Is(err, ErrUnavailable) {
			t.Errorf("Accept = %v while the log recovers, want ErrUnavailable", err)
		}
		nothing := func(*conversation.Transaction) error { return nil }
		if err := h.Do(t.Context(), nothing); !errors.Is(err, ErrNotStored) {
			t.Errorf("Do = %v while the log recovers, want ErrNotStored", err)
		}
		looked := false
		if err := h.View(t.Context(), func(b *state.State) { looked = b.Len() == 0 }); err != nil || !looked {
			t.Errorf("View while the log recovers: %v, saw the state before: %v", err, looked)
		}
		h.log.Hook(nil)
		if err := <-first; !errors.Is(err, ErrUnavailable) {
			t.Errorf("Accept = %v after recovery, want ErrUnavailable: it was not stored", err)
		}
		h.customer("w1", "m1", "one")
		if err := h.stop(); err != nil {
			t.Errorf("Run = %v", err)
		}
	})
}

func TestStopWithARecordInDoubtAppendsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHarness(t)
		h.log.Fail(memory.LostStored)
		h.log.Hook(func(_ context.Context, op memory.Op) error {
			if op == memory.OpRecover {
				return store.ErrUnavailable
			}
			return nil
		})
		answer := h.acceptInBackground(message(t, "web", "w1", "m1", "one"))
		other := h.acceptInBackground(message(t, "web", "w2", "m2", "two"))
		before := h.disk.Open().Bounds().Last
		h.cancel()
		if err := <-answer; !errors.Is(err, ErrUnavailable) {
			t.Errorf("Accept = %v, want ErrUnavailable", err)
		}
		if err := <-other; err == nil {
			t.Error("a call that waited got nil though the writer stopped in doubt")
		}
		if err := <-h.done; !errors.Is(err, errRecordInDoubt) {
			t.Errorf("Run = %v, want errDoubt", err)
		}
		if after := h.disk.Open().Bounds().Last; after != before {
			t.Errorf("the log went from %d to %d after the doubt", before, after)
		}
		h.open()
		h.customer("w1", "m1", "one")
		if n := h.accepted()["m1"]; n != 1 {
			t.Errorf("stored %d times over the restart, want once", n)
		}
		h.stop()
	})
}

func TestFullStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHarness(t)
		h.customer("w1", "m1", "one")
		h.customer("w1", "m2", "two")
		job := h.head("faq")
		h.log.Fail(memory.Full, memory.Full, memory.Full)
		h.Finish(outcome(job, attempt.Outcome{Result: attempt.ResultDelivered}))
		synctest.Wait()
		h.idle("faq")
		if err := h.accept("w1", "m3", "three"); !errors.Is(err, ErrUnavailable) || !errors.Is(err, store.ErrFull) {
			t.Errorf("Accept = %v, want ErrUnavailable because of ErrFull", err)
		}
		seen := false
		open := blockAppends(h.log) // the outcome is stored again, together with the view
		time.Sleep(2 * retryCommit)
		look := make(chan error, 1)
		go func() { look <- h.View(context.Background(), func(b *state.State) { seen = b.Len() == 1 }) }()
		open()
		if err := <-look; err != nil || !seen {
			t.Errorf("View while the store is full = %v, saw the conversation: %v", err, seen)
		}
		time.Sleep(3 * retryCommit) // the log has space now
		if got := h.textOf(h.head("faq")); got != "two" {
			t.Errorf("the next head says %q, want two", got)
		}
		if err := h.stop(); err != nil {
			t.Errorf("Run = %v", err)
		}
		h.checkRestored()
	})
}

func TestStartOnAFullStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHarness(t)
		h.customer("w1", "m1", "one")
		h.crash()
		h.build()
		h.log.Fail(memory.Full, memory.Full, memory.Full)
		began := time.Now()
		if err := h.Start(t.Context()); err != nil {
			t.Fatalf("Start = %v, want it to wait for room", err)
		}
		if took := time.Since(began); took != 2*retryStart {
			t.Errorf("Start took %v, want %v", took, 2*retryStart)
		}
		h.run()
		if h.head("faq") == nil || h.stop() != nil {
			t.Error("it does not go on")
		}
	})
}

func TestStartPurgesAFullStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &harness{tester: t, disk: memory.NewDisk(64 << 10), commits: &commits{}, ids: &idSource{}, options: func(o *Options) {
			o.Policy.History = 0
		}}
		h.open()
		for i := 0; h.accept("w1", fmt.Sprint(i), strings.Repeat("much ", 20)) == nil; i++ {
			h.finish(h.head("faq"), attempt.Outcome{Result: attempt.ResultDelivered})
		}
		h.crash()
		h.build()
		full := true // completely, until the first purge
		h.log.Hook(func(_ context.Context, op memory.Op) error {
			if full && op == memory.OpAppend {
				return store.ErrFull
			}
			full = full && op != memory.OpPurge
			return nil
		})
		began := time.Now()
		if err := h.Start(t.Context()); err != nil || time.Since(began) != 0 {
			t.Errorf("Start = %v after %v, want room at once", err, time.Since(began))
		}
		if b := h.log.Bounds(); b.Last-b.First > 3 {
			t.Errorf("records %d to %d are left", b.First, b.Last)
		}
		h.run()
		h.customer("w1", "more", "goes on")
		if err := h.stop(); err != nil {
			t.Errorf("Run = %v", err)
		}
	})
}

func TestStartOnAFullStoreStopsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHarness(t)
		h.crash()
		h.build()
		h.log.Hook(func(_ context.Context, op memory.Op) error {
			if op == memory.OpAppend {
				return store.ErrFull
			}
			return nil
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if err := h.Start(ctx); !errors.Is(err, store.ErrFull) {
			t.Errorf("Start = %v, want ErrFull", err)
		}
	})
}

func TestOutcomesAreRetriedSoonAfterAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHarness(t)
		defer h.stop()
		h.customer("w1", "m1", "one")
		job := h.head("faq")
		h.log.Fail(memory.Full)
		before := h.log.Bounds().Last
		h.Finish(outcome(job, attempt.Outcome{Result: attempt.ResultDelivered}))
		synctest.Wait()
		time.Sleep(retryCommit + 2*outcomeLinger)
		synctest.Wait()
		if got := h.log.Bounds().Last; got != before+1 {
			t.Errorf("the log is at %d, want %d: the outcome was not tried again", got, before+1)
		}
	})
}

func TestWriterStopsAfterOtherWriter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHarness(t)
		open := blockAppends(h.log)
		h.log.Fail(memory.OtherWriter)
		first := h.acceptInBackground(message(t, "web", "w1", "m1", "one"))
		second := h.acceptInBackground(message(t, "web", "w2", "m2", "two"))
		looked := make(chan error, 1)
		go func() { looked <- h.View(context.Background(), func(*state.State) {}) }()
		open()
		if err := <-h.done; !errors.Is(err, store.ErrOtherWriter) {
			t.Fatalf("Run = %v, want ErrOtherWriter", err)
		}
		for name, c := range map[string]<-chan error{"the record's call": first, "a call that waited": second, "a look that waited": looked} {
			if isBlocked(c) {
				t.Fatalf("%s was never answered", name)
			}
			if err := <-c; err == nil {
				t.Errorf("%s got nil from a writer that lost its log", name)
			}
		}
		if err := h.Writable(); !errors.Is(err, ErrUnavailable) {
			t.Errorf("Writable = %v, want ErrUnavailable", err)
		}
		if err := h.accept("w1", "m1", "one"); err == nil {
			t.Error("Accept = nil after the log was lost")
		}
	})
}

func TestPanicInADecisionAffectsOneMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHarness(t)
		for _, w := range []string{"w1", "w2", "w3"} {
			h.customer(w, "first-"+w, "hello")
			h.finish(h.head("faq"), attempt.Outcome{Result: attempt.ResultDelivered})
		}
		open := blockAppends(h.log)
		blocker := h.acceptInBackground(message(t, "web", "w4", "m0", "hello"))
		var answers []<-chan error
		for _, w := range []string{"w1", "w2", "w3"} {
			answers = append(answers, h.acceptInBackground(message(t, "web", w, "m-"+w, "from "+w)))
		}
		h.ids.panicAt(3) // a message needs two ids, for itself and for its delivery, so that the second message panics
		open()
		time.Sleep(time.Second)
		if err := <-blocker; err != nil {
			t.Fatal(err)
		}
		for i, a := range answers {
			if err := <-a; err != nil {
				t.Errorf("Accept %d = %v, want nil: what cannot be decided is kept", i+1, err)
			}
		}
		h.head("faq") // of w4
		if a, b := h.textOf(h.head("faq")), h.textOf(h.head("faq")); a != "from w1" || b != "from w3" {
			t.Errorf("released %q and %q, want those of w1 and w3", a, b)
		}
		dead := h.deadLetters()
		if len(dead) != 1 || dead[0].Error != errorUndecided || !strings.Contains(dead[0].Text, "no id today") {
			t.Fatalf("dead letters %+v, want one undecided with the panic's text", dead)
		}
		j := &attempt.Job{Delivery: dead[0].Delivery}
		if got := h.textOf(j); got != "from w2" {
			t.Errorf("the dead letter is of %q, want that of w2", got)
		}
		h.customer("w2", "m2", "on we go")
		if got := h.textOf(h.head("faq")); got != "on we go" {
			t.Errorf("after the panic: %q", got)
		}
		if err := h.stop(); err != nil {
			t.Errorf("Run = %v", err)
		}
		h.checkRestored()
	})
}

func TestPanicOnAnOutcomeReleasesTheLane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHarness(t)
		h.customer("w1", "m1", "one")
		h.customer("w1", "m2", "two")
		job := h.head("faq")
		h.ids.panicAt(1) // the reply's id
		h.finish(job, attempt.Outcome{
			Result: attempt.ResultDelivered, Replies: []*inbound.Envelope{message(t, "faq", job.Thread, "r1", "answer")},
		})
		dead := h.deadLetters()
		if len(dead) != 1 || dead[0].Error != errorUndecided || dead[0].Delivery.ID != job.Delivery.ID {
			t.Errorf("dead letters %+v, want the delivery, undecided", dead)
		}
		if got := h.textOf(h.head("faq")); got != "two" {
			t.Errorf("the next head says %q, want two", got)
		}
		if err := h.stop(); err != nil {
			t.Errorf("Run = %v", err)
		}
		h.checkRestored()
	})
}

func TestUndecidableInputIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHarness(t)
		defer h.stop()
		bad := message(t, "web", "w1", "m1", "one")
		bad.Envelope = nil // both the decision and the dead letter panic
		if err := h.Accept(t.Context(), []*inbound.Envelope{bad}); !errors.Is(err, ErrUnavailable) {
			t.Errorf("Accept = %v, want ErrUnavailable", err)
		}
		h.customer("w1", "m2", "two")
	})
}

func TestPanicInACommand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHarness(t)
		defer h.stop()
		err := h.Do(t.Context(), func(*conversation.Transaction) error { panic("oops") })
		if err == nil || !strings.Contains(err.Error(), "oops") {
			t.Errorf("Do = %v, want the panic's text", err)
		}
		want := errors.New("no")
		if err := h.Do(t.Context(), func(*conversation.Transaction) error { return want }); !errors.Is(err, want) {
			t.Errorf("Do = %v, want the function's error", err)
		}
		h.customer("w1", "m1", "one")
	})
}

func TestPanicInAView(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHarness(t)
		defer h.stop()
		err := h.View(t.Context(), func(*state.State) { panic("oops") })
		if err == nil || !strings.Contains(err.Error(), "oops") {
			t.Errorf("View = %v, want the panic's text", err)
		}
		h.customer("w1", "m1", "one")
	})
}

// tinyPieces limits the bot's texts to a few bytes, so that the record of a long message is too large.
func tinyPieces(o *Options) { o.Policy.Channels["faq"].TextBytes = 8 }

func TestMessageWhoseRecordIsTooLarge(t *testing.T) {
	skipIfShort(t)
	synctest.Test(t, func(t *testing.T) {
		h := openHarness(t, tinyPieces)
		open := blockAppends(h.log)
		blocker := h.acceptInBackground(message(t, "web", "w0", "m0", "hello"))
		good1 := h.acceptInBackground(message(t, "web", "w1", "m1", "one"))
		huge := h.acceptInBackground(message(t, "web", "w2", "m2", strings.Repeat("long ", 12_000)))
		good2 := h.acceptInBackground(message(t, "web", "w3", "m3", "three"))
		open()
		time.Sleep(time.Second)
		for name, c := range map[string]<-chan error{"blocker": blocker, "first": good1, "huge": huge, "last": good2} {
			if isBlocked(c) {
				t.Fatalf("%s call was never answered", name)
			}
			if err := <-c; err != nil {
				t.Errorf("%s call: %v", name, err)
			}
		}
		said := []string{h.textOf(h.head("faq")), h.textOf(h.head("faq")), h.textOf(h.head("faq"))}
		if strings.Join(said, " ") != "hello one three" {
			t.Errorf("released %q, want the three short messages in order", said)
		}
		if dead := h.deadLetters(); len(dead) != 1 || dead[0].Error != errorUndecided {
			t.Errorf("dead letters %+v, want the long message", dead)
		}
		if err := h.stop(); err != nil {
			t.Errorf("Run = %v", err)
		}
		h.checkRestored()
	})
}

func TestOutcomeWhoseRecordIsTooLarge(t *testing.T) {
	skipIfShort(t)
	synctest.Test(t, func(t *testing.T) {
		h := openHarness(t, func(o *Options) { o.Policy.Channels["web"].TextBytes = 8 })
		h.customer("w1", "m1", "one")
		h.customer("w1", "m2", "two")
		h.customer("w2", "m3", "other")
		job := h.head("faq")
		h.finish(job, attempt.Outcome{
			Result:  attempt.ResultDelivered,
			Replies: []*inbound.Envelope{message(t, "faq", job.Thread, "r1", strings.Repeat("long ", 12_000))},
		})
		other := h.head("faq")
		if got := h.textOf(other); got != "other" {
			t.Fatalf("the other conversation's head says %q", got)
		}
		if got := h.textOf(h.head("faq")); got != "two" {
			t.Errorf("the next head says %q, want two", got)
		}
		h.finish(other, attempt.Outcome{Result: attempt.ResultDelivered})
		if c := h.conv("w2"); c.Undelivered() != 0 {
			t.Errorf("another conversation's outcome was not stored: %d left", c.Undelivered())
		}
		if dead := h.deadLetters(); len(dead) != 1 || dead[0].Delivery.ID != job.Delivery.ID {
			t.Errorf("dead letters %+v, want the delivery", dead)
		}
		if err := h.stop(); err != nil {
			t.Errorf("Run = %v", err)
		}
		h.checkRestored()
	})
}
