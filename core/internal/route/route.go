// Package route turns the rules of the configuration into a table that says what an input does.
//
// A patch bay is normalled: with no rule at all a customer's message goes to the owner and the owner's
// message goes to the customer. Rules only intervene. One input makes one pass over the rules in file
// order; the first rule that matches stops the pass, unless it says `continue`.
//
// The package is pure: no I/O, no clock, no goroutines. A Table is immutable and safe for concurrent use;
// it decides from a Facts alone and never applies anything: that is the conversation's part.
package route

import (
	"time"

	"patchbay/sdk/envelope"
)

// Event says what happened.
type Event string

// The events, a closed list.
const (
	EventMessage           Event = "message"
	EventOpened            Event = "opened"       // a customer's first message made a conversation
	EventConnected         Event = "connected"    // the far end took the conversation
	EventDisconnected      Event = "disconnected" // the far end left the conversation
	EventHandoverRequested Event = "handover_requested"
	EventPassed            Event = "passed" // control moved
	EventClosed            Event = "closed"
	EventOfferFailed       Event = "offer_failed"
	EventIdle              Event = "idle"
	EventUnanswered        Event = "unanswered"
	EventDeliveryFailed    Event = "delivery_failed"
)

// What `pass` and `to` can name beside a channel.
const (
	Home       = "home"     // pass: the conversation's home channel
	ToOwner    = "owner"    // to: the owner
	ToCustomer = "customer" // to: the customer
)

// DefaultWithin is how long an offer waits when the rule does not say.
const DefaultWithin = 60 * time.Second

// Rule is one rule as it was written. The zero value of a field means that the key is absent.
type Rule struct {
	Name     string            // unique slug; label in metrics and trail, reason that travels with control
	Events   []Event           // empty means message
	From     []string          // channels or roles whom the event is about; empty means anybody
	When     string            // CEL condition; empty means true
	Set      map[string]string // attributes to set
	Home     string            // channel: the conversation's new home
	Pass     string            // channel or Home: control moves now
	Offer    *Offer            // control moves when accepted
	Close    bool              // end the conversation
	Drop     bool              // consume this message
	Continue bool              // go on to later rules
	Copy     []string          // observer channels
	Say      string            // text to the customer
	To       string            // "", ToOwner or ToCustomer: states the normal path and stops
}

// Offer is the `offer` of a rule.
type Offer struct {
	To     []string      // channels, tried in order, each for Within
	Within time.Duration // 0 means DefaultWithin
	Else   string        // channel or Home that gets control if nobody accepts; "" means it stays
	Hold   bool          // customer messages wait with the offer; NewOffer sets it
}

// NewOffer returns an offer with the defaults: DefaultWithin, hold.
func NewOffer(to ...string) *Offer { return &Offer{To: to, Within: DefaultWithin, Hold: true} }

// Channels are the names that rules may use, with the role of each.
type Channels map[string]envelope.Role

// Severity says whether a problem keeps the rules from being used.
type Severity int

// The severities.
const (
	Error   Severity = iota // the table is refused
	Warning                 // the table works, but hardly as meant
)

// Problem is one thing that is wrong with a rule.
type Problem struct {
	Severity Severity
	Rule     string // name, "" if it has none
	Index    int    // place in the list, from 0
	Field    string // key below the rule: "when", "offer.to[1]", "" for the rule as a whole
	// Line and Column are inside the expression, from 1, in characters; 0 if the problem is not inside one.
	Line, Column int
	Message      string
	Suggestion   string // what was probably meant, "" if nothing comes close
}

// Facts are what a rule can know about one input. Decide reads them and keeps nothing.
type Facts struct {
	Event    Event
	Channel  string        // whom the event is about: who sent, was offered, left, or could not be reached
	Role     envelope.Role // the role that Channel has in the configuration, not the sender's
	Text     string        // words of the message, "" for events
	Parts    []string      // types of the message's parts
	SenderID string
	// SenderName is for people, in the vendor's terms.
	SenderName   string
	Owner        string
	OwnerRole    envelope.Role
	Home         string
	Pending      string // channel that has an offer open, "" if none
	Customer     string // the customer's channel
	Handovers    int64  // how often control moved
	Age          time.Duration
	Silence      time.Duration
	Reason       string // why: offer_failed, disconnected, passed
	Attributes   map[string]string
	Open         func(channel string) bool // whether the channel is within its hours and reachable; nil means always
	Conversation string                    // makes bucket() stick to the conversation
}

// Decision is what the rules say about one input.
type Decision struct {
	// Steps are the matching `continue` rules in order, then the rule that stopped the pass. Empty: the
	// input follows the normal path.
	Steps  []Step
	Errors []RuleError // rules whose condition failed at run time; each counted as no match
}

// Step is one rule that matched.
type Step struct {
	Index int
	Rule  *Rule // owned by the table: read only
}

// RuleError is a condition that failed at run time.
type RuleError struct {
	Index int
	Rule  string
	Err   error // never holds message text
}

// Explanation says what one rule made of an input.
type Explanation struct {
	Index   int
	Rule    string
	Matched bool
	// Reached is false for rules after the one that stopped the pass.
	Reached bool
	// Why is the first reason for no match: "event", "from", "when", "error"; "" if it matched or was not reached.
	Why string
	// Detail says more, for people: "when is false", "from agent, but the event is about bot \"faq\"".
	Detail string
}
