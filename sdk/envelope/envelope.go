// Package envelope defines Patchbay's canonical message: what every adapter
// produces from its vendor's webhook and what every adapter is asked to deliver.
//
// An envelope is a plain value. Nobody keeps a reference to one that was handed
// over: the receiver owns it. The package imports only the standard library, so
// that a tool can read envelopes without linking a plugin runtime.
package envelope

import "time"

// Role says what stands at the far end of a channel, or who speaks.
type Role string

// The roles. RoleSystem is only ever a sender (a vendor's own notices, and what
// the gateway itself says); a channel has one of the other four.
const (
	RoleCustomer Role = "customer"
	RoleBot      Role = "bot"
	RoleAgent    Role = "agent"
	RoleObserver Role = "observer"
	RoleSystem   Role = "system"
)

// Kind says what an envelope is: a message, an echo of one, or an event.
type Kind string

// Kinds that adapters produce.
const (
	KindMessage           Kind = "message"
	KindEcho              Kind = "echo"               // a customer's own words repeated by a vendor
	KindConnected         Kind = "connected"          // the far end took the conversation
	KindDisconnected      Kind = "disconnected"       // the far end left the conversation
	KindHandoverRequested Kind = "handover_requested" // the far end asks that somebody else takes over
	KindRead              Kind = "read"
	KindTyping            Kind = "typing"
	KindDelivered         Kind = "delivered"
	KindFailed            Kind = "failed"
	KindUnparsed          Kind = "unparsed" // verified, but not understood; Raw has the bytes
)

// Kinds that the gateway produces and offers to adapters that declare them.
const (
	KindPassed Kind = "passed" // control moved; attributes owner, owner_role, reason
	KindClosed Kind = "closed" // the conversation ended; attribute reason
)

// PartType says what a part holds.
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

// Limits that Validate enforces. They bound what one vendor call can cost.
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

// Sender is who speaks, in the vendor's own terms.
type Sender struct {
	Role Role   `json:"role"`
	ID   string `json:"id,omitempty"`
	Name string `json:"name,omitempty"`
}

// Part is one piece of a message. Which fields count depends on Type.
type Part struct {
	Type PartType `json:"type"`
	// Text is the words of a text part, the transcript of audio, the caption of other media.
	Text string `json:"text,omitempty"`
	// URL is where media can be fetched without credentials; else Ref is the vendor's own handle.
	URL string `json:"url,omitempty"`
	Ref string `json:"ref,omitempty"`
	// ContentType is the media type, "" if unknown. Name is a file's name. Size is in bytes, 0 if unknown.
	ContentType string `json:"content_type,omitempty"`
	Name        string `json:"name,omitempty"`
	Size        int64  `json:"size,omitempty"`
	// Latitude and Longitude are degrees, of a location part.
	Latitude  float64 `json:"latitude,omitempty"`
	Longitude float64 `json:"longitude,omitempty"`
	// Items are the suggestions of a suggestions part.
	Items []string `json:"items,omitempty"`
	// Attributes are facts about this part alone (a flow bot's branch and component).
	Attributes map[string]string `json:"attributes,omitempty"`
}

// Envelope is the canonical message or event.
//
// An adapter fills Channel, VendorID, Thread, Sender, Kind, Parts, RefersTo,
// SentAt, Attributes and Raw. The gateway assigns ID, Conversation, Epoch,
// AcceptedAt, Cause and Hops, and ignores what an adapter writes there.
type Envelope struct {
	ID      string `json:"id"`      // UUIDv7
	Channel string `json:"channel"` // name of the channel it came in on; "" when the gateway speaks
	// VendorID is the vendor's id of this message, stable over the vendor's retries; the
	// gateway deduplicates by (channel, thread, VendorID). Empty means: never a duplicate.
	VendorID string `json:"vendor_id,omitempty"`
	// Thread is the channel's own handle for the conversation.
	Thread       string            `json:"thread"`
	Conversation string            `json:"conversation,omitempty"`
	Epoch        uint64            `json:"epoch,omitempty"`
	Sender       Sender            `json:"sender"`
	Kind         Kind              `json:"kind"`
	Parts        []Part            `json:"parts,omitempty"`
	RefersTo     []string          `json:"refers_to,omitempty"` // vendor ids that an event is about
	SentAt       time.Time         `json:"sent_at,omitzero"`    // the vendor's clock; zero if it sent none
	AcceptedAt   time.Time         `json:"accepted_at,omitzero"`
	Attributes   map[string]string `json:"attributes,omitempty"`
	Cause        string            `json:"cause,omitempty"` // id of the envelope that made the gateway speak
	Hops         int               `json:"hops,omitempty"`
	Raw          []byte            `json:"raw,omitempty"` // credentials stripped by the adapter
}

// Text returns the words of all text parts, joined by newlines.
func (e *Envelope) Text() string {
	var out string
	for _, p := range e.Parts {
		if p.Type != PartText || p.Text == "" {
			continue
		}
		if out != "" {
			out += "\n"
		}
		out += p.Text
	}
	return out
}

// TextPart returns a text part.
func TextPart(text string) Part { return Part{Type: PartText, Text: text} }
