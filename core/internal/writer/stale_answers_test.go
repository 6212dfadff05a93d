package writer

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/conversation"
	"patchbay/core/internal/inbound"
	"patchbay/core/internal/journal"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
)

// handovers moves control between the bot and the desk of several customers. At each move, a message to the former owner
// and answers of it are in flight.
type handovers struct {
	*harness
	inFlight map[string]*attempt.Job // messages to owners, by conversation
	received []state.Position        // positions of the envelopes that the customers received
}

// deliver makes all calls succeed, except those with messages to owners.
func (h *handovers) deliver() {
	for again := true; again; {
		again = false
		synctest.Wait()
		for _, channel := range []string{"web", "faq", "desk"} {
			for j := h.lanes.take(channel); j != nil; j = h.lanes.take(channel) {
				switch {
				case j.Delivery.Kind == state.KindOpen:
					h.Finish(outcome(j, attempt.Outcome{Thread: "desk of " + j.Conv.Thread}))
				case channel == "web":
					h.received = append(h.received, j.Delivery.Item.Pos)
					h.Finish(outcome(j, attempt.Outcome{}))
				case j.Delivery.Kind == state.KindTranscript:
					h.Finish(outcome(j, attempt.Outcome{}))
				default:
					h.inFlight[j.Conv.ID] = j
					continue
				}
				again = true
			}
		}
		time.Sleep(2 * outcomeLinger)
	}
}

// move passes a customer's conversation to the other owner, while the owner answers by webhook and in its response.
func (h *handovers) move(t *testing.T, customer string, n int) {
	c := h.conv(customer)
	text, thread := "desk now", c.CustomerID()
	if c.Owner == "desk" {
		text, thread = "bot now", "desk of "+customer
	}
	id := func(what string) string { return fmt.Sprint(what, " ", customer, " ", n) }
	inputs := []*inbound.Envelope{
		message(t, "web", customer, id("move"), text), message(t, c.Owner, thread, id("answer"), "answer"),
	}
	accept := func(in *inbound.Envelope) {
		go func() {
			if err := h.Accept(context.Background(), []*inbound.Envelope{in}); err != nil {
				t.Errorf("Accept: %v", err)
			}
		}()
		switch n / 2 % 3 { // 0: all inputs may be in one record, in any order
		case 1: // this input is in an earlier record than the next input
			synctest.Wait()
		case 2: // and the next input waits for no commit
			time.Sleep(2 * commitSpacing)
		}
	}
	accept(inputs[n%2])
	accept(inputs[1-n%2])
	if j := h.inFlight[c.ID]; j != nil {
		delete(h.inFlight, c.ID)
		h.Finish(outcome(j, attempt.Outcome{Replies: []*inbound.Envelope{
			message(t, j.Delivery.Channel, "", id("reply"), "reply"),
		}}))
	}
	h.deliver()
}

// staleAnswers returns the positions of the answers that were accepted from a channel that was not the owner, and the
// numbers of moves and of answers. It uses only the records.
func staleAnswers(records []*journal.Record) (stale map[state.Position]bool, moves, answers int) {
	stale = map[state.Position]bool{}
	owner, opened := map[string]string{}, map[string]string{}
	for _, r := range records {
		for _, ch := range r.GetChanges() {
			id := ch.GetConversation()
			switch k := ch.GetKind().(type) {
			case *journal.Change_Opened:
				owner[id], opened[id] = k.Opened.GetOwner(), k.Opened.GetChannel()
			case *journal.Change_Passed:
				owner[id] = k.Passed.GetOwner()
				moves++
			case *journal.Change_Accepted:
				a := k.Accepted
				if a.GetChannel() == opened[id] || a.GetKind() != string(envelope.KindMessage) {
					continue
				}
				answers++
				if a.GetChannel() != owner[id] {
					stale[state.PositionOf(a.GetPosition())] = true
				}
			}
		}
	}
	return stale, moves, answers
}

func TestNoStaleAnswerReachesTheCustomerIn10000Handovers(t *testing.T) {
	const customers, wanted = 50, 10_000
	total := wanted
	if testing.Short() {
		total = 500
	}
	synctest.Test(t, func(t *testing.T) {
		h := &handovers{inFlight: map[string]*attempt.Job{}, harness: openHarness(t, func(o *Options) {
			o.Policy.Channels["faq"] = &conversation.Channel{Name: "faq", Role: envelope.RoleBot, History: true}
		})}
		for i := range customers {
			h.customer(fmt.Sprint("w", i), fmt.Sprint("hello ", i), "hello")
		}
		h.deliver()
		for n := range total {
			h.move(t, fmt.Sprint("w", n%customers), n/customers)
		}
		if err := h.stop(); err != nil {
			t.Fatalf("Run: %v", err)
		}
		stale, moves, answers := staleAnswers(h.records())
		reached := 0
		for _, p := range h.received {
			if stale[p] {
				reached++
			}
		}
		t.Logf("%d handovers, %d answers, %d of them stale, %d delivered", moves, answers, len(stale), len(h.received))
		if moves != total || len(stale) < total/3 || len(h.received) < total/4 {
			t.Errorf("%d handovers with %d stale answers and %d deliveries test too little", moves, len(stale), len(h.received))
		}
		if reached > 0 {
			t.Errorf("%d stale answers reached the customers", reached)
		}
		h.checkRestored()
	})
}
