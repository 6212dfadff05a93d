package conversationtest

import "regexp"

// Expect has the expected changes of a step's conversation since its previous step. Only the given fields are compared.
// A list is compared completely and in order.
type Expect struct {
	To         map[string][]Match  // messages that channels received, with notices and copies
	Events     map[string][]string // events that channels received: kinds, and "open" for a new thread
	History    map[string][]Match  // earlier messages that channels received
	Notices    []Match             // texts of rules to the customer
	Rules      []string            // rules that matched
	Owner      *string
	Home       *string
	Offer      *string // channel with a pending offer
	Reason     *string // see Observed
	Message    *string // outcome of the step's message
	Closed     *string // rule or cause
	Attributes map[string]string
	Dead       []Dead
}

// Match describes one message.
type Match struct {
	Text       *string
	Pattern    *regexp.Regexp    // in the text
	Parts      []string          // types other than text
	Attributes map[string]string // at least these
	Decision   *string           // of a copy: what was decided about the original
	Rule       *string           // of a copy: the rule that sends it
}

// Dead describes a dead letter.
type Dead struct {
	Channel string `json:"channel"`
	Error   string `json:"error"` // "" is any
}

// Outcomes of the message of a step.
const (
	MessageSent     = "sent" // queued for a channel, or delivered
	MessageHeld     = "held"
	MessageDropped  = "dropped"
	MessageFenced   = "fenced"
	MessageUnrouted = "unrouted"
	MessageBlank    = "blank"
)

var messageOutcomes = []string{
	MessageSent, MessageHeld, MessageDropped, MessageFenced, MessageUnrouted, MessageBlank,
}

// Observed has the changes of a conversation since its previous step. Owner, Home, Offer, Closed and Attributes are
// those at the end of the step.
type Observed struct {
	To         map[string][]Message `json:"to,omitempty"`
	Events     map[string][]string  `json:"events,omitempty"`
	History    map[string][]string  `json:"history,omitempty"`
	Notices    []string             `json:"notices,omitempty"`
	Rules      []string             `json:"rules,omitempty"`
	Owner      string               `json:"owner,omitempty"`
	Home       string               `json:"home,omitempty"`
	Offer      string               `json:"offer,omitempty"`
	Reason     string               `json:"reason,omitempty"` // why control moved last, else why an offer failed last
	Message    string               `json:"message,omitempty"`
	Closed     string               `json:"closed,omitempty"`
	Attributes map[string]string    `json:"attributes,omitempty"`
	Dead       []Dead               `json:"dead,omitempty"`
}

// Message is a message that a channel received.
type Message struct {
	Text       string            `json:"text"`
	Parts      []string          `json:"parts,omitempty"` // types other than text
	Attributes map[string]string `json:"attributes,omitempty"`
	Decision   string            `json:"decision,omitempty"` // of a copy: sent, held, dropped or unrouted
	Rule       string            `json:"rule,omitempty"`     // of a copy
}
