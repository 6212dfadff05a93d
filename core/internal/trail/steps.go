package trail

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"patchbay/core/internal/journal"
	"patchbay/core/internal/state"
)

// draft is an entry without the id of its envelope. The search can read the record with this id later than the entry.
type draft struct {
	Entry
	position state.Position // of the envelope; zero if there is none
}

func positionOf(p *journal.Position) state.Position {
	return state.Position{Seq: p.GetSeq(), Index: p.GetIndex()}
}

// describeChange returns the entry for a change. It returns false for a change that has no entry.
func describeChange(ch *journal.Change) (draft, bool) {
	for _, describe := range []func(*journal.Change) (draft, bool){
		describeMessage, describeControl, describeDelivery, describeDeadLetter,
	} {
		if d, ok := describe(ch); ok {
			return d, true
		}
	}
	return draft{}, false
}

// describeMessage describes changes about an envelope.
func describeMessage(ch *journal.Change) (draft, bool) {
	switch k := ch.GetKind().(type) {
	case *journal.Change_Accepted:
		a := k.Accepted
		return draft{Entry{
			Step: state.StatusAccepted, Channel: a.GetChannel(), VendorID: a.GetVendorId(), Kind: a.GetKind(),
			Role: a.GetRole(),
		}, positionOf(a.GetPosition())}, true
	case *journal.Change_Duplicate:
		d := k.Duplicate
		return draft{Entry: Entry{Step: state.StatusDuplicate, Channel: d.GetChannel(), VendorID: d.GetVendorId()}}, true
	case *journal.Change_Routed:
		r := k.Routed
		if len(r.GetRules()) == 0 && len(r.GetErrors()) == 0 { // the default path
			return draft{}, false
		}
		return draft{Entry{
			Step: "routed", Kind: r.GetEvent(), Rule: strings.Join(r.GetRules(), ", "), Detail: strings.Join(r.GetErrors(), "; "),
		}, positionOf(r.GetPosition())}, true
	case *journal.Change_Disposed:
		d := k.Disposed
		return draft{Entry{
			Step: d.GetStatus(), Channel: d.GetChannel(), Rule: d.GetRule(), Detail: d.GetReason(),
		}, positionOf(d.GetPosition())}, true
	case *journal.Change_Held:
		position := positionOf(k.Held.GetItem().GetPosition())
		detail := "held during the offer"
		if k.Held.GetDeparting() {
			detail = heldDuringDeparture
		}
		return draft{Entry{Step: state.StatusHeld, Detail: detail}, position}, true
	case *journal.Change_ThreadPending:
		o := k.ThreadPending
		detail := "pending thread " + o.GetThread()
		if o.GetDeparting() {
			detail = heldDuringDeparture
		}
		return draft{Entry{
			Step: state.StatusHeld, Channel: o.GetChannel(), Detail: detail,
		}, positionOf(o.GetPosition())}, true
	}
	return draft{}, false
}

// stepThread is the step at which a channel gets a thread. Its vendor's id is the thread.
const stepThread = "thread"

const heldDuringDeparture = "held until the departure of the owner takes effect"

// describeControl describes changes of the conversation, its owner and its threads.
func describeControl(ch *journal.Change) (draft, bool) {
	switch k := ch.GetKind().(type) {
	case *journal.Change_Opened:
		o := k.Opened
		return draft{Entry: Entry{Step: "opened", Channel: o.GetChannel(), Detail: "owner " + o.GetOwner()}}, true
	case *journal.Change_HomeMoved:
		return draft{Entry: Entry{Step: "home", Channel: k.HomeMoved.GetHome()}}, true
	case *journal.Change_Offered:
		o := k.Offered
		return draft{Entry: Entry{
			Step: "offered", Channel: o.GetTarget(), Rule: o.GetRule(),
			Detail: "for " + time.Duration(o.GetWithin()).String(),
		}}, true
	case *journal.Change_OfferEnded:
		o := k.OfferEnded
		return draft{Entry: Entry{Step: "offer " + o.GetOutcome(), Channel: o.GetTarget(), Detail: o.GetReason()}}, true
	case *journal.Change_Passed:
		p := k.Passed
		return draft{Entry: Entry{
			Step: "passed", Channel: p.GetOwner(), Rule: p.GetReason(),
			Detail: fmt.Sprintf("from %s, epoch %d", p.GetFrom(), p.GetEpoch()),
		}}, true
	case *journal.Change_Departing:
		return draft{Entry: Entry{
			Step: "leaving", Channel: k.Departing.GetChannel(), Detail: "the last messages of the owner are awaited",
		}}, true
	case *journal.Change_Linked:
		l := k.Linked
		return draft{Entry: Entry{
			Step: stepThread, Channel: l.GetChannel(), VendorID: l.GetThread(),
			Detail: "epoch " + strconv.FormatUint(l.GetEpoch(), 10),
		}}, true
	case *journal.Change_Commanded:
		detail := "by " + k.Commanded.GetUser()
		if reason := k.Commanded.GetReason(); reason != "" {
			detail += ": " + reason
		}
		return draft{Entry: Entry{
			Step: "command " + k.Commanded.GetCommand(), Channel: k.Commanded.GetChannel(), Detail: detail,
		}}, true
	case *journal.Change_Closing:
		return draft{Entry: Entry{Step: "closed", Rule: k.Closing.GetRule()}}, true
	case *journal.Change_Closed:
		if k.Closed.GetReason() == state.ReasonArchived { // Closing has an entry
			return draft{}, false
		}
		return draft{Entry: Entry{Step: "closed", Detail: k.Closed.GetReason()}}, true
	}
	return draft{}, false
}

// notCalled precedes the reason of a retry for which the vendor was not called.
const notCalled = "not called: "

// describeDelivery describes changes of a delivery.
func describeDelivery(ch *journal.Change) (draft, bool) {
	switch k := ch.GetKind().(type) {
	case *journal.Change_Queued:
		d := k.Queued.GetDelivery()
		e := Entry{
			Step: state.StatusQueued, Channel: d.GetChannel(), Kind: d.GetKind(), Delivery: d.GetId(), Rule: d.GetReason(),
		}
		if d.GetPieces() > 1 {
			e.Detail = fmt.Sprintf("piece %d of %d", d.GetPiece()+1, d.GetPieces())
		}
		return draft{e, positionOf(d.GetItem().GetPosition())}, true
	case *journal.Change_Attempted:
		a := k.Attempted
		failure := "attempt " + strconv.Itoa(int(a.GetAttempts())) + " failed: "
		if a.GetNotCalled() {
			failure = notCalled
		}
		return draft{Entry: Entry{
			Step: state.StatusRetrying, Delivery: a.GetDelivery(), Kind: a.GetError(), Detail: failure + a.GetText(),
		}}, true
	case *journal.Change_Ended:
		d := k.Ended
		return draft{Entry: Entry{
			Step: d.GetStatus(), Channel: d.GetChannel(), Delivery: d.GetDelivery(), VendorID: d.GetVendorId(),
			Kind: d.GetError(), Detail: strings.TrimSpace(d.GetText() + " " + d.GetDegraded()),
		}}, true
	case *journal.Change_DeliveryFailed:
		f := k.DeliveryFailed
		return draft{Entry{
			Step: "delivery failed", Channel: f.GetChannel(), Kind: f.GetReason(), Delivery: f.GetDelivery(),
			Detail: "before the dead letter, rules are run",
		}, positionOf(f.GetMessages()[0])}, true
	case *journal.Change_Late:
		l := k.Late
		return draft{Entry: Entry{
			Step: "late", Channel: l.GetChannel(), Delivery: l.GetDelivery(),
			Detail: "outcome " + l.GetOutcome() + " after the end of the delivery",
		}}, true
	}
	return draft{}, false
}

// describeDeadLetter describes changes of a dead letter. A dead letter that was a queued delivery has an epoch. It gets
// no entry here, because the end of the delivery has one.
func describeDeadLetter(ch *journal.Change) (draft, bool) {
	switch k := ch.GetKind().(type) {
	case *journal.Change_DeadLettered:
		d := k.DeadLettered
		if d.GetDelivery().GetEpoch() > 0 {
			return draft{}, false
		}
		return draft{Entry{
			Step: state.StatusDead, Channel: d.GetDelivery().GetChannel(), Delivery: d.GetDelivery().GetId(),
			Kind: d.GetError(), Detail: d.GetText(),
		}, positionOf(d.GetDelivery().GetItem().GetPosition())}, true
	case *journal.Change_DeadLetterEnded:
		d := k.DeadLetterEnded
		return draft{Entry: Entry{Step: "dead letter " + d.GetStatus(), Delivery: d.GetDead()}}, true
	}
	return draft{}, false
}
