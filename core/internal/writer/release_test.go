package writer

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/conversation"
	"patchbay/core/internal/inbound"
	"patchbay/core/internal/journal"
	"patchbay/core/internal/route"
	"patchbay/core/internal/state"
	"patchbay/core/internal/store/memory"
)

func TestOneInFlightPerLane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHarness(t)
		defer h.stop()
		h.customer("w1", "m1", "one")
		h.customer("w1", "m2", "two")
		h.customer("w2", "m3", "other conversation")
		first, other := h.head("faq"), h.head("faq")
		if a, b := h.textOf(first), h.textOf(other); a != "one" || b != "other conversation" {
			t.Fatalf("released %q and %q, want one of each conversation", a, b)
		}
		h.idle("faq")
		open := blockAppends(h.log)
		h.Finish(outcome(first, attempt.Outcome{Result: attempt.ResultDelivered}))
		time.Sleep(2 * commitSpacing)
		h.idle("faq") // the outcome is not stored yet
		open()
		time.Sleep(2 * commitSpacing)
		if got := h.textOf(h.head("faq")); got != "two" {
			t.Errorf("the next head says %q, want two", got)
		}
	})
}

func TestLaneStopsAtADeadLetter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHarness(t, func(o *Options) { o.Policy.Channels["faq"].Block = true })
		defer func() { h.stop() }()
		h.customer("w1", "m1", "one")
		h.customer("w1", "m2", "two")
		h.customer("w2", "m3", "other conversation")
		first := h.head("faq")
		h.finish(first, attempt.Outcome{Result: attempt.ResultDead, Error: "permanent"})
		if got := h.textOf(h.head("faq")); got != "other conversation" {
			t.Errorf("released %q, want the other conversation", got)
		}
		h.idle("faq")
		h.stop()
		h.open()
		if got := h.textOf(h.head("faq")); got != "other conversation" {
			t.Errorf("released %q after a restart, want the other conversation", got)
		}
		h.idle("faq")
		drop := func(tx *conversation.Transaction) error { return tx.DropDeadLetter(first.Delivery.ID) }
		if err := h.Do(t.Context(), drop); err != nil {
			t.Fatal(err)
		}
		if got := h.textOf(h.head("faq")); got != "two" {
			t.Errorf("the lane continues with %q, want two", got)
		}
	})
}

func TestJobCarriesThreadAndState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHarness(t)
		defer h.stop()
		h.customer("w1", "m1", "one")
		h.customer("w1", "m2", "two")
		first := h.head("faq")
		if want := first.Conv.CustomerID(); first.Thread != want || first.State != nil {
			t.Errorf("thread %q with state %q, want %q without", first.Thread, first.State, want)
		}
		h.finish(first, attempt.Outcome{Result: attempt.ResultDelivered, State: []byte("token")})
		if j := h.head("faq"); string(j.State) != "token" {
			t.Errorf("state %q, want token", j.State)
		}
	})
}

func TestHandoverCancelsTheDeliveryInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHarness(t)
		h.customer("w1", "m1", "one")
		running := h.head("faq")
		h.customer("w1", "m2", "desk now")
		if !h.lanes.wasCanceled(running.Delivery.ID) {
			t.Error("the call to the former owner was not canceled")
		}
		opening := h.head("desk")
		if opening.Delivery.Kind != state.KindOpen {
			t.Fatalf("released a %s to the desk, want an open", opening.Delivery.Kind)
		}
		h.finish(opening, attempt.Outcome{Result: attempt.ResultDelivered, Thread: "desk-1"})
		h.customer("w1", "m3", "bot now")
		h.idle("faq") // the lane has a delivery, but the canceled call has not returned
		h.finish(running, attempt.Outcome{Result: attempt.ResultRetry, Error: "canceled"})
		if got := h.head("faq"); got.Delivery.ID == running.Delivery.ID {
			t.Error("the canceled delivery was released again")
		}
		if err := h.stop(); err != nil {
			t.Errorf("Run = %v", err)
		}
		h.checkRestored()
	})
}

func TestRetryWaitsForItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHarness(t)
		defer h.stop()
		h.customer("w1", "m1", "one")
		h.customer("w1", "m2", "two")
		job := h.head("faq")
		h.finish(job, attempt.Outcome{Result: attempt.ResultRetry, Error: "transient", Next: time.Now().Add(10 * time.Second)})
		h.idle("faq")
		time.Sleep(9 * time.Second)
		h.idle("faq")
		time.Sleep(time.Second)
		again := h.head("faq")
		if again.Delivery.ID != job.Delivery.ID || again.Delivery.Attempts != 1 {
			t.Errorf("released %s after %d attempts, want %s after 1", again.Delivery.ID, again.Delivery.Attempts, job.Delivery.ID)
		}
		h.idle("faq")
	})
}

func TestOfferExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHarness(t)
		defer h.stop()
		h.customer("w1", "m1", "help")
		if opening := h.head("desk"); !opening.Delivery.Offer {
			t.Fatalf("the desk was not asked: %+v", opening.Delivery)
		}
		h.idle("faq") // the message is held until the offer ends
		if last := h.commits.all(); last[len(last)-1].Offers != 1 {
			t.Errorf("%d offers pending, want 1", last[len(last)-1].Offers)
		}
		time.Sleep(time.Minute - time.Second)
		if c := h.conv("w1"); c.Offer == nil {
			t.Fatal("the offer ended before its time")
		}
		time.Sleep(time.Second + 10*time.Millisecond)
		if c := h.conv("w1"); c.Offer != nil {
			t.Fatal("the offer did not end in time")
		}
		if got := h.textOf(h.head("faq")); got != "help" {
			t.Errorf("the owner got %q, want help", got)
		}
		if last := h.commits.all(); last[len(last)-1].Offers != 0 {
			t.Errorf("%d offers pending, want 0", last[len(last)-1].Offers)
		}
	})
}

func TestIdleConversationsAreClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHarness(t)
		h.customer("w1", "m1", "one")
		h.finish(h.head("faq"), attempt.Outcome{Result: attempt.ResultDelivered})
		time.Sleep(72*time.Hour + time.Second)
		if c := h.conv("w1"); c.Closing != state.ReasonCloseAfter {
			t.Errorf("conversation %s is still open after 72 hours of silence", c.ID)
		}
		time.Sleep(10*time.Minute + time.Second)
		if c := h.conv("w1"); c != nil {
			t.Errorf("conversation %s has not been removed", c.ID)
		}
		if err := h.stop(); err != nil {
			t.Errorf("Run = %v", err)
		}
		h.checkRestored()
	})
}

func TestOverdueDeadlinesAfterAStart(t *testing.T) {
	offer := route.NewOffer("desk")
	offer.Within = 10 * time.Second
	synctest.Test(t, func(t *testing.T) {
		h := openHarness(t, func(o *Options) {
			o.Policy.Routes = compileRules(t, route.Rule{Name: "help", When: `text == "help"`, Offer: offer})
		})
		h.customer("w1", "m1", "help") // causes an offer
		h.customer("w2", "m2", "bye")  // stays idle
		for j := h.lanes.take("faq"); j != nil; j = h.lanes.take("faq") {
			h.finish(j, attempt.Outcome{Result: attempt.ResultDelivered})
		}
		if err := h.stop(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(100 * time.Hour)
		h.open()
		defer h.stop()
		time.Sleep(offer.Within - 10*time.Millisecond)
		if c := h.conv("w1"); c == nil || c.Offer == nil {
			t.Error("the offer expired before the desk could accept it after the restart")
		}
		time.Sleep(20 * time.Millisecond)
		if c := h.conv("w1"); c == nil || c.Offer != nil {
			t.Error("the offer did not expire after the restart")
		}
		time.Sleep(conversation.MaxOverdueWait - offer.Within - 20*time.Millisecond)
		if h.conv("w2").Closing != "" {
			t.Error("the silent conversation was closed before its customer could come again")
		}
		time.Sleep(20 * time.Millisecond)
		if h.conv("w2").Closing != state.ReasonCloseAfter {
			t.Error("the silent conversation was not closed after the restart")
		}
	})
}

func TestDeadlinesPerRecordAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHarness(t)
		defer h.stop()
		n := 2*maxDeadlinesAtOnce + 10
		var in []*inbound.Envelope
		for i := range n {
			in = append(in, message(t, "web", fmt.Sprint("w", i), "m", "help"))
		}
		if err := h.Accept(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		before := len(h.commits.all())
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		most, ended := 0, 0
		for _, c := range h.commits.all()[before:] {
			expired := 0
			for _, ch := range c.Record.GetChanges() {
				if ch.GetOfferEnded().GetOutcome() == state.OfferExpired {
					expired++
				}
			}
			most, ended = max(most, expired), ended+expired
		}
		if ended != n || most != maxDeadlinesAtOnce {
			t.Errorf("%d of %d offers expired, at most %d in one record; want all and %d", ended, n, most, maxDeadlinesAtOnce)
		}
	})
}

func TestSchedule(t *testing.T) {
	at := func(s int) time.Time { return time.Unix(int64(s), 0) }
	s, tm := state.New(), newSchedule()
	for _, id := range []string{"a", "b", "x"} {
		ch := &journal.Change{Conversation: id}
		journal.SetKind(ch, &journal.Change_Opened{Opened: &journal.Opened{Channel: "web", Thread: id}})
		if err := s.FoldRecord(1, &journal.Record{Changes: []*journal.Change{ch}}); err != nil {
			t.Fatal(err)
		}
	}
	tm.set("ended", at(1))
	tm.set("a", at(10))
	tm.set("b", at(5))
	tm.set("a", at(3)) // replaced
	tm.set("c", at(1))
	tm.set("c", time.Time{})
	if got := append(tm.take(at(20), 2, s), tm.take(at(20), 9, s)...); fmt.Sprint(got) != "[a b]" {
		t.Errorf("took %v, want a, b: each once, in order", got)
	}
	for i := range 5000 {
		tm.set("x", at(100+i))
	}
	for i := range 5000 {
		tm.set("b", at(1_000_000-i))
	}
	if len(tm.heap) > 2048 {
		t.Errorf("%d entries are kept for two deadlines that were moved often", len(tm.heap))
	}
	if ids := tm.take(at(100+4998), 1, s); len(ids) > 0 {
		t.Errorf("took %q before its time", ids)
	}
	if ids := tm.take(at(100+4999), 1, s); !slices.Equal(ids, []string{"x"}) {
		t.Errorf("took %q, want x", ids)
	}
}

func TestTimersSurviveAFullStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHarness(t)
		defer h.stop()
		h.customer("w1", "m1", "help")
		h.log.Fail(memory.Full, memory.Full)
		time.Sleep(time.Minute + 10*time.Second)
		if c := h.conv("w1"); c.Offer != nil {
			t.Error("the offer did not expire once there was room again")
		}
	})
}
