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

// blockAppends blocks the appends to a log until open is called.
func blockAppends(log *memory.Log) (open func()) {
	ch := make(chan struct{})
	log.Hook(func(_ context.Context, op memory.Op) error {
		if op == memory.OpAppend {
			<-ch
		}
		return nil
	})
	return func() { log.Hook(nil); close(ch); synctest.Wait() }
}

func TestAcceptReturnsAfterTheCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHarness(t)
		defer h.stop()
		open := blockAppends(h.log)
		answer := h.acceptInBackground(message(t, "web", "w1", "m1", "hello"))
		if !isBlocked(answer) {
			t.Fatalf("Accept = %v before the record was stored", <-answer)
		}
		h.idle("faq")
		open()
		if err := <-answer; err != nil {
			t.Fatalf("Accept = %v, want nil", err)
		}
		if got := h.textOf(h.head("faq")); got != "hello" {
			t.Errorf("released %q, want hello", got)
		}
	})
}

func TestConcurrentCallsShareARecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHarness(t)
		defer h.stop()
		before := h.log.Bounds().Last
		open := blockAppends(h.log)
		var answers []<-chan error
		for i := range 100 {
			id := fmt.Sprint(i)
			answers = append(answers, h.acceptInBackground(message(t, "web", "w"+id, "m"+id, "hello")))
		}
		open()
		time.Sleep(time.Second)
		for i, a := range answers {
			if err := <-a; err != nil {
				t.Fatalf("Accept %d = %v", i, err)
			}
		}
		if got := h.log.Bounds().Last - before; got != 2 {
			t.Errorf("%d records, want 2: the first call's and one of all others", got)
		}
		if n := len(h.accepted()); n != 100 {
			t.Errorf("%d messages are in the log, want 100", n)
		}
	})
}

func TestCommitsArePacedUnderLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHarness(t)
		defer h.stop()
		time.Sleep(time.Second)
		began := time.Now()
		h.customer("w1", "m1", "one")
		if took := time.Since(began); took != 0 {
			t.Errorf("an idle writer took %v, want no delay", took)
		}
		h.customer("w1", "m2", "two")
		if took := time.Since(began); took != commitSpacing {
			t.Errorf("the second record came after %v, want %v", took, commitSpacing)
		}
	})
}

func TestLargeWebhookIsStoredInSeveralRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHarness(t)
		defer h.stop()
		before := h.log.Bounds().Last
		var in []*inbound.Envelope
		for i := range 5 {
			in = append(in, message(t, "web", "w1", fmt.Sprint(i), strings.Repeat("x", 60<<10)), message(t, "web", "w1", fmt.Sprint(i, "b"), strings.Repeat("y", 60<<10)))
		}
		if err := h.Accept(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		if got := h.log.Bounds().Last - before; got != 2 {
			t.Errorf("%d records, want 2", got)
		}
		if n := len(h.accepted()); n != len(in) {
			t.Errorf("%d messages are in the log, want %d", n, len(in))
		}
	})
}

func TestAcceptRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		options func(*Options)
		act     func(*testing.T, *harness) error
		want    error
	}{
		"too large": {nil, func(t *testing.T, h *harness) error {
			in := message(t, "web", "w1", "m1", "x")
			in.Bytes = make([]byte, maxRecord)
			return h.Accept(t.Context(), []*inbound.Envelope{in})
		}, ErrTooLarge},
		"opens too many conversations": {func(o *Options) { o.OpensPerMinute = 6 }, func(_ *testing.T, h *harness) error {
			for i := range 2 {
				if err := h.accept(fmt.Sprint("w", i), "m", "hello"); err != nil {
					return err
				}
			}
			return nil
		}, ErrBusy},
		"channel unknown": {nil, func(t *testing.T, h *harness) error {
			in := message(t, "web", "w1", "m1", "x")
			in.Channel = "elsewhere"
			return h.Accept(t.Context(), []*inbound.Envelope{in})
		}, ErrBusy},
		"store is not writable": {nil, func(_ *testing.T, h *harness) error {
			h.log.SetHealth(&store.Health{Reason: "90 % full"})
			return h.accept("w1", "m1", "hello")
		}, ErrUnavailable},
		"caller gave up": {nil, func(t *testing.T, h *harness) error {
			open := blockAppends(h.log)
			defer open()
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			return h.Accept(ctx, []*inbound.Envelope{message(t, "web", "w1", "m1", "hello")})
		}, context.DeadlineExceeded},
		"stopped": {nil, func(t *testing.T, h *harness) error {
			h.cancel()
			synctest.Wait()
			if err := h.View(t.Context(), func(*state.State) {}); !errors.Is(err, ErrStopping) {
				t.Errorf("View = %v, want ErrStopping", err)
			}
			return h.accept("w1", "m1", "hello")
		}, ErrStopping},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var options []func(*Options)
				if tc.options != nil {
					options = append(options, tc.options)
				}
				h := openHarness(t, options...)
				defer h.stop()
				if err := tc.act(t, h); !errors.Is(err, tc.want) {
					t.Errorf("Accept = %v, want %v", err, tc.want)
				}
			})
		})
	}
}

func TestOpeningLimitDoesNotAffectKnownConversations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHarness(t, func(o *Options) { o.OpensPerMinute = 6 })
		defer h.stop()
		h.customer("w1", "m1", "hello")
		if err := h.accept("w2", "m2", "hello"); !errors.Is(err, ErrBusy) {
			t.Fatalf("a second conversation: %v, want ErrBusy", err)
		}
		h.customer("w1", "m3", "again")
		time.Sleep(10 * time.Second) // the limit is six per minute
		h.customer("w2", "m2", "hello")
	})
}

func TestConversationWithTooManyDeliveriesIsBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHarness(t)
		defer h.stop()
		var in []*inbound.Envelope
		for i := range conversation.MaxUndelivered {
			in = append(in, message(t, "web", "w1", fmt.Sprint(i), "hello"))
		}
		if err := h.Accept(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		if err := h.accept("w1", "more", "hello"); !errors.Is(err, ErrBusy) {
			t.Errorf("Accept = %v, want ErrBusy", err)
		}
		h.finish(h.head("faq"), attempt.Outcome{Result: attempt.ResultDelivered})
		h.customer("w1", "more", "hello")
	})
}

func TestDuplicatesHaveTheResultOfTheFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHarness(t)
		defer h.stop()
		h.customer("w1", "m1", "hello")
		h.customer("w1", "m1", "hello")
		if n := h.accepted()["m1"]; n != 1 {
			t.Errorf("accepted %d times, want once", n)
		}
		h.finish(h.head("faq"), attempt.Outcome{Result: attempt.ResultDelivered})
		h.idle("faq")
	})
}

// TestRepeatedPushIsDeliveredOnce repeats a push of 1,000 messages immediately, after a crash, after a stop, and after
// the conversations have ended.
func TestRepeatedPushIsDeliveredOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHarness(t, func(o *Options) { o.OpensPerMinute, o.Policy.CloseAfter = 6, time.Hour })
		defer func() { h.stop() }()
		threads := []string{"w1", "w2"}
		for _, thread := range threads {
			h.customer(thread, "first", "hello")
			time.Sleep(10 * time.Second)
		}
		push := func() {
			t.Helper()
			var in []*inbound.Envelope
			for i := range 1000 {
				in = append(in, message(t, "web", threads[i%2], fmt.Sprint("m", i), "hello"))
			}
			if err := h.Accept(t.Context(), in); err != nil {
				t.Fatal(err)
			}
		}
		push()
		push()
		h.crash()
		h.checkRestored()
		h.open()
		push()
		h.restart()
		push()
		for h.conv("w1") != nil || h.conv("w2") != nil {
			for j := h.lanes.take("faq"); j != nil; j = h.lanes.take("faq") {
				h.finish(j, attempt.Outcome{Result: attempt.ResultDelivered})
			}
			time.Sleep(time.Minute)
		}
		push()
		h.idle("faq")
		for id, n := range h.accepted() {
			if n != 1 && id != "first" {
				t.Fatalf("message %s was accepted %d times", id, n)
			}
		}
	})
}
