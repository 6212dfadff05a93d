package main

import (
	"fmt"
	"maps"
	"strconv"

	"patchbay/sdk/envelope"
	"patchbay/sdk/webhook"
)

// eventEnvelope returns an envelope for the event of a call. If the call also has a message, the event's id is the
// message's with a suffix, so that a repeated call gives the same id.
func eventEnvelope(e envelope.Envelope, hasMessage bool) *envelope.Envelope {
	e.Attributes = maps.Clone(e.Attributes)
	if hasMessage && e.VendorID != "" {
		e.VendorID = limitID(e.VendorID + "#event")
	}
	return &e
}

// apply sets the kind and the attributes of a customer's event. An unknown type becomes unparsed, with the payload in
// Raw.
func (ev *inboundEvent) apply(e *envelope.Envelope, payload []byte) *webhook.Fault {
	const field = "payload.event"
	switch ev.Type {
	case "":
		return webhook.NewFault(field+".type", "missing")
	case "typing":
		e.Kind = envelope.KindTyping
	case "read":
		e.Kind = envelope.KindRead
		return ev.setReferences(e, field+".messageIds")
	case "closed":
		e.Kind = envelope.KindDisconnected
		e.SetAttribute("reason", reasonClosed)
	default:
		e.Kind, e.Raw = envelope.KindUnparsed, redact(payload)
		e.SetAttribute(attrUnparsed, reasonEvent)
	}
	return nil
}

// setReferences sets the ids of the messages that were read.
func (ev *inboundEvent) setReferences(e *envelope.Envelope, field string) *webhook.Fault {
	if n := len(ev.MessageIDs); n == 0 || n > envelope.MaxReferences {
		return webhook.NewFault(field, fmt.Sprintf("has %d ids; 1 to %d are allowed", n, envelope.MaxReferences))
	}
	if f := checkNulls(ev.MessageIDs, field); f != nil {
		return f
	}
	for i, id := range ev.MessageIDs {
		if f := webhook.CheckID(field+"."+strconv.Itoa(i), *id, envelope.MaxIDBytes); f != nil {
			return f
		}
		e.RefersTo = append(e.RefersTo, *id)
	}
	return nil
}

// apply sets the kind and the attributes of a reply's event. A passed event becomes connected if the new owner is an
// agent, and unparsed otherwise. An unknown type becomes unparsed, with the reply in Raw.
func (ev *replyEvent) apply(e *envelope.Envelope, reply []byte) {
	ev.setOptional(e, "reason", ev.Reason)
	switch ev.Type {
	case "typing":
		e.Kind = envelope.KindTyping
	case "closed":
		e.Kind = envelope.KindDisconnected
	case "passed":
		ev.setOptional(e, "owner_role", ev.OwnerRole)
		ev.setOptional(e, "title", ev.Title)
		if ev.OwnerRole != string(envelope.RoleAgent) {
			e.Kind = envelope.KindUnparsed
			e.SetAttribute(attrUnparsed, reasonPassed)
			return
		}
		if e.Sender.Role != envelope.RoleAgent { // the sender of the event is not the agent
			e.Sender = envelope.Sender{Role: envelope.RoleAgent}
		}
		e.Kind = envelope.KindConnected
	default:
		e.Kind, e.Raw = envelope.KindUnparsed, redact(reply)
		e.SetAttribute(attrUnparsed, reasonEvent)
	}
}

// setOptional sets an attribute if value is not empty and not too long.
func (*replyEvent) setOptional(e *envelope.Envelope, name, value string) {
	switch {
	case value == "":
	case !fits(name, []byte(value)):
		noteOmitted(e, "payload.event")
	default:
		e.SetAttribute(name, value)
	}
}
