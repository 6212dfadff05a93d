package main

import (
	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// Attributes with the userData of a customer message. Replies return them to the vendor.
const (
	attrTargetAgents  = "native.target_agents"  // payload.userData.targetAgents, a JSON array of strings
	attrCustomPayload = "native.custom_payload" // payload.userData.customPayload, the JSON object as received
)

// Attributes that describe how a call was translated.
const (
	attrUnparsed = "native.unparsed" // reason of kind unparsed, see below
	attrOmitted  = "native.omitted"  // omitted members, separated by spaces
	attrMedium   = "native.type"     // of a part of type file: the media type that the vendor declared
)

// readableAttributes are the attributes that rules can read, with their descriptions.
var readableAttributes = map[string]string{
	attrTargetAgents:  "The customer's payload.userData.targetAgents, a JSON array.",
	attrCustomPayload: "The customer's payload.userData.customPayload, a JSON object.",
	attrUnparsed:      "Why a call is unparsed.",
	attrOmitted:       "Members of a call that could not be translated, separated by spaces.",
}

var eventReasons = map[string]string{
	reasonClosed:  "The customer closed the chat.",
	sdk.AnyReason: "A bot's far end can give any reason.",
}

// reasonClosed is the reason of a disconnected event of a customer.
const reasonClosed = "closed"

// Reasons of kind unparsed.
const (
	reasonPayload   = "payload"   // the payload has an undocumented format or no content
	reasonEvent     = "event"     // the event's type is unknown
	reasonAddressee = "addressee" // the reply names a different organization or chatbot
	reasonPassed    = "passed"    // control passed at the far end, but not to an agent
)

// fits reports whether an attribute is within the limit of an envelope.
func fits(name string, value []byte) bool { return len(name)+len(value) <= envelope.MaxAttributeBytes }

// noteOmitted adds a member to attrOmitted.
func noteOmitted(e *envelope.Envelope, member string) {
	if previous := e.Attributes[attrOmitted]; previous != "" {
		member = previous + " " + member
	}
	e.SetAttribute(attrOmitted, member)
}
