package sdk

import "patchbay/sdk/envelope"

// Description describes an adapter.
type Description struct {
	Name    string // the adapter's type, like "native"; the name in the configuration may differ
	Version string // semantic version
	Vendor  string // display name, like "GPTBots"
	// Roles are the roles that a channel may have, for documentation, for the advice of `patchbay check` and for the
	// conformance suite. Neither the gateway nor the SDK refuses other roles: Validate or Configure must do this.
	Roles []envelope.Role
	// Settings is a pointer to a zero value of the adapter's settings struct, from which the SDK makes a JSON Schema.
	// The tag json names a setting, and doc describes it. The tag patchbay has a comma-separated list of "required",
	// "vendor-address" (an address that the adapter calls), "default=…", "enum=a|b" and, as the last, "pattern=…". A
	// field of type Secret is a secret.
	Settings     any
	Capabilities Capabilities
	// ReasonCodes are the values of a declined error's Reason, each with an explanation for operators. Rules on
	// offer_failed compare `reason` with these codes, and traces show them. `patchbay check` warns of rules that compare
	// `reason` with a text that is no reason.
	ReasonCodes map[string]string
	// EventReasons are the values of the attribute "reason" of connected, disconnected and handover_requested envelopes,
	// each with an explanation. The code AnyReason means that other values are possible.
	EventReasons map[string]string
	// Attributes are the attributes of inbound envelopes that rules can read, each with an explanation. Rules can read
	// only attributes with a dot in their name, like "acme.tier". `patchbay check` warns of other names in rules. If an
	// explanation contains "JSON object", `patchbay check` advises to read members of the attribute with data().
	Attributes map[string]string
}

// AnyReason is the code in Description.EventReasons for all reasons that the list does not contain.
const AnyReason = "*"

// Capabilities describe the content that Deliver accepts. The gateway degrades or withholds other content.
type Capabilities struct {
	Parts []envelope.PartType // part types
	// Events are kinds other than message. A customer channel with disconnected has sessions, which end when the
	// conversation is closed.
	Events []envelope.Kind
	// TextBytes limits the text of one Deliver, in bytes of UTF-8. The gateway splits longer text into several
	// deliveries. 0 means no limit.
	TextBytes int
	// History means that Deliver uses Delivery.History. Without it, the gateway sends a transcript as text, split by
	// TextBytes.
	History bool
	// Idempotent means that the vendor accepts Delivery.Key, so that a repeated call has no second effect. The gateway
	// sends the key with every delivery and does not use this field yet: the setting delivery.unknown alone decides
	// about calls with an unknown outcome.
	Idempotent bool
	// Media is the form in which Deliver gets images, audio, video and files. Parts lists which of them it gets.
	Media MediaMode
	// MediaBytes limits the size of one medium. 0 means MaxMediaBytes.
	MediaBytes int64
	// MediaTypes are the accepted media types, like "image/png" or "image/*". Empty means any.
	MediaTypes []string
	// SeparateMedia means that one call carries either text or one medium. The gateway then makes separate deliveries:
	// first the text together with the captions, then each medium.
	SeparateMedia bool
}

// MediaMode is the form in which Deliver gets media. The gateway replaces a medium by text if it cannot provide this
// form.
type MediaMode string

// The media modes.
const (
	// MediaAsIs means that each medium has the URL that its vendor gave. A medium without a URL becomes text.
	MediaAsIs MediaMode = ""
	// MediaLink means that each medium has a URL that needs no credentials: its vendor's URL, or a signed URL of the
	// gateway, which expires.
	MediaLink MediaMode = "link"
	// MediaStream means that Delivery.Media has the bytes of each medium.
	MediaStream MediaMode = "stream"
)
