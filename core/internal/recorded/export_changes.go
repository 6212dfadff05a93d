package recorded

import (
	"slices"
	"strings"
	"time"

	"patchbay/core/internal/journal"
	"patchbay/core/internal/state"
)

// retried are the errors after which a delivery is repeated until delivery.give_up. failures are all errors that the
// calls of a step can return.
var (
	retried  = []string{"transient", "throttled", "unauthorized", "unknown"}
	failures = append([]string{"declined", "invalid", "unsupported", "permanent", "gone"}, retried...)
)

// Errors of dead letters that no call of a step can return.
var (
	callErrors     = []string{"killed_adapter", "panicked", "unavailable"}
	decisionErrors = []string{"overflow", "unconfigured", "undecided", "unreadable"}
)

// change adds the effect of a change to a step.
func (x *Export) change(s *exportStep, at time.Time, ch *journal.Change) {
	switch k := ch.GetKind().(type) {
	case *journal.Change_Routed:
		x.addRouted(s, k.Routed)
	case *journal.Change_DeliveryFailed:
		if from := x.queued[k.DeliveryFailed.GetDelivery()]; from != nil {
			x.failDelivery(from, s, k.DeliveryFailed.GetDelivery(), k.DeliveryFailed.GetChannel(), k.DeliveryFailed.GetReason())
		}
	case *journal.Change_Ended:
		if from := x.stepOfDelayed(at, k.Ended); from != nil && s.at.Equal(at) {
			x.setCalls(from, s, yamlStep{Channel: k.Ended.GetChannel(), Calls: "delivered"})
		}
	case *journal.Change_Attempted:
		x.repeated[k.Attempted.GetDelivery()] = true
	case *journal.Change_Passed:
		x.owner = k.Passed.GetOwner()
		s.owner = x.owner
	case *journal.Change_Departing:
		x.departing = s
	case *journal.Change_Offered:
		x.target, x.offer = k.Offered.GetTarget(), s
		target := x.target
		s.offer = &target
	case *journal.Change_OfferEnded:
		x.reproduceOfferEnd(s, k.OfferEnded)
		target := x.target
		s.offer = &target
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
		if strings.HasPrefix(k.Disposed.GetReason(), "sent ") { // see package conversation
			x.omit("the vendor's times, by which an envelope of %s was fenced", k.Disposed.GetChannel())
		}
	}
}

func samePosition(a, b *journal.Position) bool {
	return a != nil && b != nil && a.GetSeq() == b.GetSeq() && a.GetIndex() == b.GetIndex()
}

// addRouted adds a run of the rules to a step.
func (x *Export) addRouted(s *exportStep, r *journal.Routed) {
	s.rules = append(s.rules, r.GetRules()...)
	for _, channel := range r.GetClosed() { // outside its hours, a channel is not open in the test anyway
		x.setCalls(s, s, yamlStep{Channel: channel, Calls: "unreachable"})
	}
	if from := x.queued[r.GetChannel()]; r.GetEvent() == "disconnected" && r.GetReason() == "gone" && from != nil {
		x.setCalls(from, s, yamlStep{Channel: r.GetChannel(), Calls: "gone"})
	}
}

// reproduceOfferEnd adds steps by which the offer ends in the same way in the test.
func (x *Export) reproduceOfferEnd(s *exportStep, o *journal.OfferEnded) {
	made, failed := s, "unreachable" // if the channel was not asked
	if o.GetTarget() == x.target {
		made, failed, x.target = x.offer, "permanent", ""
	}
	calls := yamlStep{Channel: o.GetTarget()}
	switch o.GetOutcome() {
	case state.OfferDeclined:
		calls.Calls, calls.Reason = "declined", o.GetReason()
	case state.OfferUnreachable:
		calls.Calls = failed
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
		x.failDelivery(from, s, d.GetDelivery().GetId(), channel, d.GetError())
	}
}

// longWait is the shortest wait of a delivery that the test repeats, for example for a vendor that was down.
const longWait = time.Minute

// stepOfDelayed returns the step that queued a delivery, if the delivery arrived after a long wait. Otherwise it
// returns nil.
func (x *Export) stepOfDelayed(at time.Time, e *journal.Ended) *exportStep {
	from := x.queued[e.GetDelivery()]
	if from == nil || e.GetStatus() != state.StatusDelivered || at.Sub(from.at) < longWait {
		return nil
	}
	return from
}

// failDelivery makes the calls to a channel fail from the step that queued a delivery to the one in which it failed.
// The reason is a kind of error, or the reason code with which an adapter declined.
func (x *Export) failDelivery(from, to *exportStep, id, channel, reason string) {
	calls := yamlStep{Channel: channel, Calls: reason}
	switch {
	case slices.Contains(decisionErrors, reason):
		x.omit("the error %s of a delivery to %s", reason, channel)
		return
	case slices.Contains(callErrors, reason), reason == "unknown" && !x.repeated[id]: // delivery.unknown is dead
		x.omit("the error %s of a delivery to %s, which is permanent instead", reason, channel)
		calls.Calls = "permanent"
	case !slices.Contains(failures, reason):
		calls.Calls, calls.Reason = "declined", reason
	}
	x.setCalls(from, to, calls)
}

// setCalls sets the outcome of a channel's calls before one step, and resets it after another one. If the outcome came
// in a later step that has no action, the calls wait until then.
func (x *Export) setCalls(from, to *exportStep, calls yamlStep) {
	isFree := to.step.From == "" && to.step.Operator == "" && (to.step.Channel == "" || to.step.Channel == calls.Channel)
	if from != to && isFree && !slices.Contains(retried, calls.Calls) {
		to.step.Channel, to.step.Calls, to.step.Reason = calls.Channel, calls.Calls, calls.Reason
		calls = yamlStep{Channel: calls.Channel, Calls: "waiting"}
	}
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
