package main

import (
	"fmt"
	"maps"
	"strconv"

	"patchbay/sdk/envelope"
	"patchbay/sdk/webhook"
)

// beside returns an envelope for what happened, to be sent on beside what was said, if anything was: then it has an id of
// its own, which is as stable as the message's.
func beside(e envelope.Envelope, said bool) *envelope.Envelope {
	e.Attributes = maps.Clone(e.Attributes)
	if said && e.VendorID != "" {
		e.VendorID = bounded(e.VendorID + "#event")
	}
	return &e
}

// bounded returns an id that an envelope can hold. What is too long becomes a hash: never cut, or two would be one.
func bounded(id string) string {
	if len(id) <= envelope.MaxIDBytes {
		return id
	}
	return envelope.ShortID(id)
}

// note sets an attribute.
func note(e *envelope.Envelope, name, value string) {
	if e.Attributes == nil {
		e.Attributes = make(map[string]string)
	}
	e.Attributes[name] = value
}

// apply makes e the envelope of a visitor's event. An unknown type is kept as unparsed.
func (ev *callEvent) apply(e *envelope.Envelope) *webhook.Fault {
	const field = "payload.event"
	switch ev.Type {
	case "":
		return webhook.NewFault(field+".type", "missing")
	case "typing":
		e.Kind = envelope.KindTyping
	case "read":
		e.Kind = envelope.KindRead
		return ev.refer(e, field+".messageIds")
	case "closed":
		e.Kind = envelope.KindDisconnected
		note(e, "reason", "closed")
	default:
		e.Kind = envelope.KindUnparsed
		note(e, attrUnparsed, reasonEvent)
	}
	return nil
}

// refer sets which messages were read.
func (ev *callEvent) refer(e *envelope.Envelope, field string) *webhook.Fault {
	if n := len(ev.MessageIDs); n == 0 || n > envelope.MaxReferences {
		return webhook.NewFault(field, fmt.Sprintf("%d ids, 1 to %d are expected", n, envelope.MaxReferences))
	}
	if f := noNulls(ev.MessageIDs, field); f != nil {
		return f
	}
	for i, id := range ev.MessageIDs {
		if f := identifier(field+"."+strconv.Itoa(i), *id); f != nil {
			return f
		}
		e.RefersTo = append(e.RefersTo, *id)
	}
	return nil
}

// apply makes e the envelope of what a far end's answer says has happened. Of control that passed, only that a person has
// taken over is news to a gateway; the rest is kept, and nothing follows from it.
func (ev *replyEvent) apply(e *envelope.Envelope) {
	ev.keep(e, "reason", ev.Reason)
	switch ev.Type {
	case "typing":
		e.Kind = envelope.KindTyping
	case "closed":
		e.Kind = envelope.KindDisconnected
	case "passed":
		ev.keep(e, "owner", ev.Owner)
		ev.keep(e, "owner_role", ev.OwnerRole)
		if ev.OwnerRole != string(envelope.RoleAgent) {
			e.Kind = envelope.KindUnparsed
			note(e, attrUnparsed, reasonPassed)
			return
		}
		if e.Sender.Role != envelope.RoleAgent { // who tells of it is not who came
			e.Sender = envelope.Sender{Role: envelope.RoleAgent}
		}
		e.Kind = envelope.KindConnected
	default:
		e.Kind = envelope.KindUnparsed
		note(e, attrUnparsed, reasonEvent)
	}
}

// keep sets an attribute, if there is something to keep.
func (*replyEvent) keep(e *envelope.Envelope, name, value string) {
	switch {
	case value == "":
	case len(name)+len(value) > envelope.MaxAttributeBytes:
		leaveOut(e, "payload.event")
	default:
		note(e, name, value)
	}
}

// leaveOut notes that a member could not be carried.
func leaveOut(e *envelope.Envelope, member string) {
	if former := e.Attributes[attrLeftOut]; former != "" {
		member = former + " " + member
	}
	note(e, attrLeftOut, member)
}
