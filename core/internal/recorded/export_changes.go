package recorded

import (
	"slices"

	"patchbay/core/internal/journal"
	"patchbay/core/internal/state"
)

// failures are the kinds of errors that a step of a test can set for calls.
var failures = []string{
	"declined", "transient", "throttled", "unauthorized", "unknown", "invalid", "unsupported", "permanent",
}

// change adds the effect of a change to a step.
func (x *Export) change(s *exportStep, ch *journal.Change) {
	switch k := ch.GetKind().(type) {
	case *journal.Change_Routed:
		s.rules = append(s.rules, k.Routed.GetRules()...)
		for _, channel := range k.Routed.GetClosed() { // outside its hours, a channel is not open in the test anyway
			x.setCalls(s, s, yamlStep{Channel: channel, Calls: "unreachable"})
		}
		if from := x.queued[k.Routed.GetChannel()]; k.Routed.GetEvent() == "delivery_failed" && from != nil {
			x.failCalls(from, s, k.Routed.GetChannel(), k.Routed.GetReason())
		}
	case *journal.Change_Passed:
		x.owner = k.Passed.GetOwner()
		s.owner = x.owner
	case *journal.Change_Departing:
		x.departing = s
	case *journal.Change_Offered:
		target := k.Offered.GetTarget()
		x.offer, s.offer = s, &target
	case *journal.Change_OfferEnded:
		x.reproduceOfferEnd(s, k.OfferEnded)
	case *journal.Change_Linked:
		list := x.threads[k.Linked.GetChannel()]
		if len(list) == 0 || list[len(list)-1] != k.Linked.GetThread() {
			x.threads[k.Linked.GetChannel()] = append(list, k.Linked.GetThread())
		}
	case *journal.Change_Queued:
		x.queued[k.Queued.GetDelivery().GetId()], x.queued[k.Queued.GetDelivery().GetChannel()] = s, s
	case *journal.Change_DeadLettered:
		x.reproduceDeadLetter(s, k.DeadLettered)
	case *journal.Change_Closing:
		s.closed, x.closed = k.Closing.GetRule(), true
	case *journal.Change_Disposed:
		if samePosition(s.position, k.Disposed.GetPosition()) {
			s.message = k.Disposed.GetStatus()
		}
	}
}

func samePosition(a, b *journal.Position) bool {
	return a != nil && b != nil && a.GetSeq() == b.GetSeq() && a.GetIndex() == b.GetIndex()
}

// reproduceOfferEnd adds steps by which the offer ends in the same way in the test.
func (x *Export) reproduceOfferEnd(s *exportStep, o *journal.OfferEnded) {
	none := ""
	s.offer = &none
	made := x.offer
	if made == nil {
		made = s
	}
	calls := yamlStep{Channel: o.GetTarget()}
	switch o.GetOutcome() {
	case state.OfferDeclined:
		calls.Calls, calls.Reason = "declined", o.GetReason()
	case state.OfferUnreachable:
		calls.Calls = "unreachable"
	case state.OfferAccepted:
		if s.step.From == o.GetTarget() {
			return
		}
		calls.Calls = "accepted"
	case state.OfferPaused:
		x.surround(made, s, yamlStep{Operator: "pause", To: o.GetTarget()}, yamlStep{Operator: "resume", To: o.GetTarget()})
		return
	default:
		return
	}
	x.setCalls(made, s, calls)
}

// reproduceDeadLetter adds steps by which the delivery fails in the same way in the test.
func (x *Export) reproduceDeadLetter(s *exportStep, d *journal.DeadLettered) {
	channel := d.GetDelivery().GetChannel()
	s.dead = append(s.dead, channel)
	if from := x.queued[d.GetDelivery().GetId()]; from != nil {
		x.failCalls(from, s, channel, d.GetError())
	}
}

// failCalls makes the calls to a channel fail from one step to another one.
func (x *Export) failCalls(from, to *exportStep, channel, kind string) {
	if slices.Contains(failures, kind) {
		x.setCalls(from, to, yamlStep{Channel: channel, Calls: kind})
	}
}

// setCalls sets the outcome of a channel's calls before one step, and resets it after another one.
func (x *Export) setCalls(from, to *exportStep, calls yamlStep) {
	x.surround(from, to, calls, yamlStep{Channel: calls.Channel, Calls: "delivered"})
}

// surround adds a step before one step, and another one after a later step.
func (x *Export) surround(from, to *exportStep, before, after yamlStep) {
	same := func(y yamlStep) bool {
		return y.Channel == before.Channel && y.Calls == before.Calls && y.Operator == before.Operator && y.To == before.To
	}
	if slices.ContainsFunc(from.before, same) {
		return
	}
	from.before, to.after = append(from.before, before), append(to.after, after)
}
