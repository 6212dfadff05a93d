// Package route compiles the rules of the configuration into a table that evaluates inputs.
//
// Without rules, a customer's message goes to the owner and the owner's message to the customer. Rules change that. An
// input is evaluated against the rules in file order. The first matching rule ends the evaluation, unless it has
// `continue`.
//
// The package is pure: no I/O, no clock, no goroutines. A Table is immutable and safe for concurrent use. A decision
// depends only on the Facts of the input. Package conversation applies it.
package route

import (
	"time"

	"patchbay/core/internal/finding"
	"patchbay/sdk/envelope"
)

// Event is the kind of an input.
type Event string

// The events.
const (
	EventMessage           Event = "message"
	EventOpened            Event = "opened"       // a conversation was opened
	EventConnected         Event = "connected"    // the vendor accepted the conversation
	EventDisconnected      Event = "disconnected" // the vendor left the conversation
	EventHandoverRequested Event = "handover_requested"
	EventPassed            Event = "passed" // control moved
	EventClosed            Event = "closed" // the conversation is being closed
	EventOfferFailed       Event = "offer_failed"
	EventIdle              Event = "idle"       // a conversation has had no message for the time `after`
	EventUnanswered        Event = "unanswered" // a customer's message has had no answer for the time `after`
	EventDeliveryFailed    Event = "delivery_failed"
)

// Values of `pass` and `to` in addition to channels.
const (
	Home       = "home"     // pass: the conversation's home channel
	ToOwner    = "owner"    // to: the owner
	ToCustomer = "customer" // to: the customer
)

// DefaultWithin is the default time limit of an offer.
const DefaultWithin = 60 * time.Second

// Rule is one rule as in the file. The zero value of a field means that the key is absent.
type Rule struct {
	Name     string            // unique slug for metrics and traces; the reason of a handover
	Events   []Event           // empty means message
	From     []string          // channels or roles that the event is about; empty means any
	When     string            // CEL condition; empty means true
	After    time.Duration     // of idle and unanswered; 0 for other events
	Set      map[string]string // attributes to set
	Home     string            // channel: the conversation's new home
	Pass     string            // channel or Home: control moves now
	Offer    *Offer            // control moves when accepted
	Close    bool              // ends the conversation
	Drop     bool              // does not deliver the message
	Continue bool              // does not end the evaluation
	Copy     []string          // observer channels
	Say      Say               // text to the customer
	To       string            // "", ToOwner or ToCustomer: delivers as without rules
}

// Offer is the `offer` of a rule.
type Offer struct {
	To     []string      // channels, in order, each for Within
	Within time.Duration // 0 means DefaultWithin
	Else   string        // channel or Home that gets control if no channel accepts; "" means that the owner keeps it
	Hold   bool          // holds customer messages until the offer ends; NewOffer sets it
}

// NewOffer returns an offer with the defaults: DefaultWithin, hold.
func NewOffer(to ...string) *Offer { return &Offer{To: to, Within: DefaultWithin, Hold: true} }

// Channels are the names that rules may use, with the role of each.
type Channels map[string]envelope.Role

// Problem is one mistake in a rule. Its code decides whether it is an error or a warning.
type Problem struct {
	Code  finding.Code
	Rule  string // name, "" if it has none
	Index int    // in the list of rules
	Field string // key below the rule: "when", "offer.to[1]", "" for the rule as a whole
	Key   bool   // the problem is in the last name of Field, not in its value
	// Line and Column are the position in the value of the key, from 1, in characters; 0 for the value as a whole.
	Line, Column int
	Message      string
	Suggestion   string // the most likely correction, "" without one
	Variable     string // the unknown variable with its members, such as sender.email; "" for other problems
}

// Facts are the properties of one input that rules can use. Decide keeps no reference to them.
type Facts struct {
	Event      Event
	After      time.Duration // of idle and unanswered: only the rules with this After are run
	Channel    string        // subject of the event: it sent the message, left, or got the offer
	Role       envelope.Role // of Channel in the configuration, not of the sender
	Text       string        // of the message, "" for events
	Parts      []string      // types of the message's parts
	SenderID   string
	SenderName string // as displayed by the vendor
	Owner      string
	OwnerRole  envelope.Role
	Home       string
	Pending    string // target of the pending offer, "" if none
	Customer   string // the customer's channel
	Handovers  int64  // number of times that control moved
	Age        time.Duration
	Silence    time.Duration
	Reason     string // see eventsWithReason
	Attributes map[string]string
	Open       func(channel string) bool // implements open(); nil means that all channels are open
	CustomerID string                    // the customer's id at the vendor, for bucket()
	Now        time.Time                 // in the time zone of the conditions
	Done       map[int]bool              // indexes of the rules that are not run, because they matched before
}

// Decision is the result of the evaluation of one input.
type Decision struct {
	// Steps are the matching rules with `continue` in order, then the rule that ended the evaluation. Without steps,
	// the input is delivered as without rules.
	Steps  []Step
	Errors []RuleError // rules whose condition failed at run time; each counted as no match
}

// Step is one rule that matched.
type Step struct {
	Index int
	Rule  *Rule // belongs to the table and must not be changed
}

// RuleError is a condition that failed at run time.
type RuleError struct {
	Index int
	Rule  string
	Err   error // contains no text of the message
}
