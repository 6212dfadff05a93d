// Package envelope defines the canonical message. Adapters translate a vendor's webhooks into envelopes, and envelopes
// into calls of a vendor's API.
//
// An envelope is a plain value. The receiver of an envelope owns it; the sender keeps no reference. The package imports
// only the standard library, so that a tool can read envelopes without the plugin runtime.
package envelope

import (
	"strings"
	"time"
)

// Role is the role of a channel or of a sender.
type Role string

// The roles. RoleSystem is for senders only: a vendor's notices, and the gateway's own messages.
const (
	RoleCustomer Role = "customer"
	RoleBot      Role = "bot"
	RoleAgent    Role = "agent"
	RoleObserver Role = "observer"
	RoleSystem   Role = "system"
)

// Kind is the kind of an envelope: a message, an echo of a message, or an event.
type Kind string

// Kinds made by adapters.
const (
	KindMessage           Kind = "message"
	KindEcho              Kind = "echo"               // a message of the customer that a vendor sent back
	KindConnected         Kind = "connected"          // the channel accepted the conversation
	KindDisconnected      Kind = "disconnected"       // the channel left the conversation
	KindHandoverRequested Kind = "handover_requested" // the channel asks for another owner
	KindRead              Kind = "read"
	KindTyping            Kind = "typing"
	KindDelivered         Kind = "delivered"
	KindFailed            Kind = "failed"
	KindUnparsed          Kind = "unparsed" // authentic but not understood; Raw has the bytes
)

// Kinds made by the gateway. It delivers them to channels whose Capabilities list them.
const (
	KindPassed Kind = "passed" // control has moved; attributes owner_role, title, reason
	KindClosed Kind = "closed" // the conversation has ended; attribute reason
)

// PartType is the type of a part's content.
type PartType string

// The part types.
const (
	PartText        PartType = "text"
	PartImage       PartType = "image"
	PartAudio       PartType = "audio"
	PartVideo       PartType = "video"
	PartFile        PartType = "file"
	PartLocation    PartType = "location"
	PartCard        PartType = "card"
	PartSuggestions PartType = "suggestions"
)

// Limits that Validate enforces. They bound the cost of one envelope.
const (
	MaxParts          = 64
	MaxTextBytes      = 64 << 10 // of one part, UTF-8
	MaxAttributes     = 64
	MaxAttributeBytes = 4 << 10 // one name and value together
	MaxIDBytes        = 256
	MaxThreadBytes    = 512
	MaxRawBytes       = 64 << 10
	MaxReferences     = 64
)

// Sender is the author of an envelope. ID and Name are the vendor's.
type Sender struct {
	Role Role   `json:"role"`
	ID   string `json:"id,omitempty"`
	Name string `json:"name,omitempty"`
}

// Part is one piece of a message. Type determines the fields that are used.
type Part struct {
	Type PartType `json:"type"`
	// Text is the text of a text part, the transcript of audio, the caption of other media, the description of a card,
	// or the text before suggestions.
	Text string `json:"text,omitempty"`
	// URL is a link to the medium, or the link of a card. The link needs no credentials; see ParseLink. If a medium has
	// no URL, Ref is the vendor's handle of the medium. The Ref of a card is that of its picture.
	URL string `json:"url,omitempty"`
	Ref string `json:"ref,omitempty"`
	// ContentType is the media type, "" if unknown. Name is the file name, or the title of a card. Size is in bytes, 0
	// if unknown.
	ContentType string `json:"content_type,omitempty"`
	Name        string `json:"name,omitempty"`
	Size        int64  `json:"size,omitempty"`
	// Latitude and Longitude are the degrees of a location part.
	Latitude  float64 `json:"latitude,omitempty"`
	Longitude float64 `json:"longitude,omitempty"`
	// Items are the suggestions of a suggestions part.
	Items []string `json:"items,omitempty"`
	// Attributes are additional data of this part, like the branch and component of a flow bot.
	Attributes map[string]string `json:"attributes,omitempty"`
}

// Envelope is the canonical message or event.
//
// An adapter sets Channel, VendorID, Thread, Sender, Kind, Parts, RefersTo, SentAt, Attributes and Raw. It sets Hops
// only if the vendor's calls have the number of gateways that a message went through. The gateway sets ID,
// Conversation, Epoch, AcceptedAt and Cause: an adapter must leave them empty.
type Envelope struct {
	ID      string `json:"id"`      // UUIDv7
	Channel string `json:"channel"` // name of the channel that received it, "" if the gateway is the author
	// VendorID is the vendor's id, the same in each retry of the vendor. The gateway deduplicates by channel, thread
	// and VendorID. An envelope without VendorID is never a duplicate.
	VendorID string `json:"vendor_id,omitempty"`
	// Thread is the channel's handle for the conversation.
	Thread       string `json:"thread"`
	Conversation string `json:"conversation,omitempty"`
	Epoch        uint64 `json:"epoch,omitempty"`
	Sender       Sender `json:"sender"`
	Kind         Kind   `json:"kind"`
	Parts        []Part `json:"parts,omitempty"`
	// RefersTo has the ids of the messages that an event refers to, as the vendor of the event sent them. The gateway
	// does not translate them, so the vendor of the target channel may not know them.
	RefersTo   []string          `json:"refers_to,omitempty"`
	SentAt     time.Time         `json:"sent_at,omitzero"` // by the vendor's clock; zero if unknown
	AcceptedAt time.Time         `json:"accepted_at,omitzero"`
	Attributes map[string]string `json:"attributes,omitempty"`
	Cause      string            `json:"cause,omitempty"` // id of the envelope that caused this one, if the gateway is the author
	Hops       int               `json:"hops,omitempty"`
	Raw        []byte            `json:"raw,omitempty"` // the vendor's bytes without credentials
}

// Text returns the text of all text parts, joined by newlines.
func (e *Envelope) Text() string {
	var texts []string
	for _, p := range e.Parts {
		if p.Type == PartText && p.Text != "" {
			texts = append(texts, p.Text)
		}
	}
	return strings.Join(texts, "\n")
}

// TextPart returns a text part.
func TextPart(text string) Part { return Part{Type: PartText, Text: text} }
