package trail

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"patchbay/core/internal/conversation"
	"patchbay/core/internal/journal"
)

// step is an entry whose envelope has yet to get its id: it may be stored in a record that is read later.
type step struct {
	Entry
	envelope conversation.Position // zero if it is about none
}

func at(p *journal.Position) conversation.Position {
	return conversation.Position{Seq: p.GetSeq(), Index: p.GetIndex()}
}

// describeChange tells one change in words; false if it says nothing to an operator.
func describeChange(ch *journal.Change) (step, bool) {
	for _, tell := range []func(*journal.Change) (step, bool){ofMessage, ofControl, ofDelivery, ofDead} {
		if s, ok := tell(ch); ok {
			return s, true
		}
	}
	return step{}, false
}

// ofMessage tells what became of an envelope.
func ofMessage(ch *journal.Change) (step, bool) {
	switch k := ch.GetKind().(type) {
	case *journal.Change_Accepted:
		a := k.Accepted
		return step{Entry{
			What: conversation.StatusAccepted, Channel: a.GetChannel(), VendorID: a.GetVendorId(), Kind: a.GetKind(), Role: a.GetRole(),
		}, at(a.GetPosition())}, true
	case *journal.Change_Duplicate:
		d := k.Duplicate
		return step{Entry: Entry{What: conversation.StatusDuplicate, Channel: d.GetChannel(), VendorID: d.GetVendorId()}}, true
	case *journal.Change_Routed:
		r := k.Routed
		return step{Entry{
			What: "routed", Kind: r.GetEvent(), Rule: strings.Join(r.GetRules(), ", "), Detail: strings.Join(r.GetErrors(), "; "),
		}, at(r.GetPosition())}, true
	case *journal.Change_Disposed:
		d := k.Disposed
		return step{Entry{
			What: d.GetStatus(), Channel: d.GetChannel(), Rule: d.GetRule(), Detail: d.GetReason(),
		}, at(d.GetPosition())}, true
	case *journal.Change_Held:
		return step{Entry{What: conversation.StatusHeld, Detail: "waits with the offer"}, at(k.Held.GetItem().GetPosition())}, true
	case *journal.Change_ThreadPending:
		o := k.ThreadPending
		return step{Entry{
			What: conversation.StatusHeld, Channel: o.GetChannel(), Detail: "waits for its thread " + o.GetThread(),
		}, at(o.GetPosition())}, true
	}
	return step{}, false
}

// ofControl tells who answers.
func ofControl(ch *journal.Change) (step, bool) {
	switch k := ch.GetKind().(type) {
	case *journal.Change_Opened:
		return step{Entry: Entry{What: "opened", Channel: k.Opened.GetChannel(), Detail: "owner " + k.Opened.GetOwner()}}, true
	case *journal.Change_HomeMoved:
		return step{Entry: Entry{What: "home", Channel: k.HomeMoved.GetHome()}}, true
	case *journal.Change_Offered:
		o := k.Offered
		return step{Entry: Entry{
			What: "offered", Channel: o.GetTarget(), Rule: o.GetRule(), Detail: "for " + time.Duration(o.GetWithin()).String(),
		}}, true
	case *journal.Change_OfferEnded:
		o := k.OfferEnded
		return step{Entry: Entry{What: "offer " + o.GetOutcome(), Channel: o.GetTarget(), Detail: o.GetReason()}}, true
	case *journal.Change_Passed:
		p := k.Passed
		return step{Entry: Entry{
			What: "passed", Channel: p.GetOwner(), Rule: p.GetReason(),
			Detail: fmt.Sprintf("from %s, epoch %d", p.GetFrom(), p.GetEpoch()),
		}}, true
	case *journal.Change_Linked:
		l := k.Linked
		return step{Entry: Entry{
			What: "thread", Channel: l.GetChannel(), VendorID: l.GetThread(),
			Detail: "epoch " + strconv.FormatUint(l.GetEpoch(), 10),
		}}, true
	case *journal.Change_Closing:
		return step{Entry: Entry{What: "closed", Rule: k.Closing.GetRule()}}, true
	case *journal.Change_Closed:
		if k.Closed.GetReason() == conversation.ReasonArchived { // it was told when a rule closed it
			return step{}, false
		}
		return step{Entry: Entry{What: "closed", Detail: k.Closed.GetReason()}}, true
	}
	return step{}, false
}

// notAttempted begins why a delivery is tried again whose vendor was not asked.
const notAttempted = "not attempted: "

// ofDelivery tells how a delivery goes.
func ofDelivery(ch *journal.Change) (step, bool) {
	switch k := ch.GetKind().(type) {
	case *journal.Change_Queued:
		d := k.Queued.GetDelivery()
		e := Entry{
			What: conversation.StatusQueued, Channel: d.GetChannel(), Kind: d.GetKind(), Delivery: d.GetId(), Rule: d.GetReason(),
		}
		if d.GetPieces() > 1 {
			e.Detail = fmt.Sprintf("piece %d of %d", d.GetPiece()+1, d.GetPieces())
		}
		return step{e, at(d.GetItem().GetPosition())}, true
	case *journal.Change_Attempted:
		a := k.Attempted
		try := "attempt " + strconv.Itoa(int(a.GetAttempts())) + " failed: "
		if a.GetNotCalled() {
			try = notAttempted
		}
		return step{Entry: Entry{
			What: conversation.StatusRetrying, Delivery: a.GetDelivery(), Kind: a.GetError(), Detail: try + a.GetText(),
		}}, true
	case *journal.Change_Ended:
		d := k.Ended
		return step{Entry: Entry{
			What: d.GetStatus(), Channel: d.GetChannel(), Delivery: d.GetDelivery(), VendorID: d.GetVendorId(),
			Kind: d.GetError(), Detail: strings.TrimSpace(d.GetText() + " " + d.GetDegraded()),
		}}, true
	case *journal.Change_Late:
		l := k.Late
		return step{Entry: Entry{
			What: "late", Channel: l.GetChannel(), Delivery: l.GetDelivery(),
			Detail: "outcome " + l.GetOutcome() + " came after the delivery had ended",
		}}, true
	}
	return step{}, false
}

// ofDead tells about a dead letter. One that was queued says no more than the end of its delivery does.
func ofDead(ch *journal.Change) (step, bool) {
	switch k := ch.GetKind().(type) {
	case *journal.Change_DeadLettered:
		d := k.DeadLettered
		if d.GetError() != "undecided" || d.GetAttempts() > 0 {
			return step{}, false
		}
		return step{Entry{
			What: conversation.StatusDead, Channel: d.GetDelivery().GetChannel(), Delivery: d.GetDelivery().GetId(),
			Kind: d.GetError(), Detail: d.GetText(),
		}, at(d.GetDelivery().GetItem().GetPosition())}, true
	case *journal.Change_DeadLetterEnded:
		d := k.DeadLetterEnded
		return step{Entry: Entry{What: "dead letter " + d.GetStatus(), Delivery: d.GetDead()}}, true
	}
	return step{}, false
}
