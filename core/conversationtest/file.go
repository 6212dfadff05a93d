// Package conversationtest defines the format of conversation tests. A file names tests, a test is a list of steps, and
// a step has an action and expectations. A [Driver] performs the steps: in virtual time with the gateway's decisions
// (package core/internal/scenario), or with built programs and simulators. docs/testing-routes.md describes the format.
//
// The package reads files strictly: unknown keys and names are problems with a position and a suggestion.
package conversationtest

import (
	"time"

	"patchbay/core/internal/config"
)

// File is a file of conversation tests.
type File struct {
	Path   string
	Config string // path of the configuration
	Tests  []Test
	Lines  int
	node   config.Value
}

// Test is one conversation, or several at the same time.
type Test struct {
	Name  string
	Start time.Time // virtual time at the first step
	Steps []Step
	node  config.Value
}

// Step is one action and its expected effects. An action belongs to one of From, Channel and Operator. A step without
// an action lets time pass or only has expectations.
type Step struct {
	After time.Duration // time that passes before the action
	At    *Clock        // time of the action
	// Customer selects the conversation.
	Customer string

	From       string // channel that sends a message or an event
	Text       string
	Parts      []string // types of the parts in addition to the text
	Event      string   // "" is a message
	Reason     string   // of the event, or of declined calls
	SenderID   string
	SenderName string
	SenderRole string            // system is a vendor's notice; "" is the channel's role
	Attributes map[string]string // of the vendor
	Thread     int               // number of the channel's thread, from 1; 0 is the newest

	Channel string // channel whose calls have other outcomes from now on
	Calls   string

	Operator string // command: close, pass, home, pause or resume
	To       string // channel that the command names

	Expect *Expect
	node   config.Value
}

// DefaultCustomer is the customer of steps that name none.
const DefaultCustomer = "customer"

// Events that a step can send, in addition to messages.
const (
	EventConnected         = "connected"
	EventDisconnected      = "disconnected"
	EventHandoverRequested = "handover_requested"
	EventTyping            = "typing"
	EventRead              = "read"
)

var events = []string{EventConnected, EventDisconnected, EventHandoverRequested, EventTyping, EventRead}

// Outcomes of the calls to a channel.
const (
	CallsDelivered   = "delivered"   // calls succeed; an offer waits for an agent
	CallsAccepted    = "accepted"    // an offer is accepted by the call that makes it
	CallsDeclined    = "declined"    // an offer is declined, with the step's reason
	CallsWaiting     = "waiting"     // calls do not end
	CallsUnreachable = "unreachable" // the circuit breaker is open: offers fail, and no calls are made
)

// ErrorCalls are the outcomes of calls that fail with a kind of error.
var ErrorCalls = []string{
	"transient", "throttled", "unauthorized", "unknown", "invalid", "unsupported", "permanent", "gone",
}

var calls = append([]string{
	CallsDelivered, CallsAccepted, CallsDeclined, CallsWaiting, CallsUnreachable,
}, ErrorCalls...)

var commands = []string{"close", "pass", "home", "pause", "resume"}

var partTypes = []string{"image", "audio", "video", "file", "location", "card", "suggestions"}

// Position returns the position of the test.
func (t *Test) Position() config.Position { return t.node.Position() }

// Position returns the position of the step.
func (s *Step) Position() config.Position { return s.node.Position() }

// StepAt returns the test and the index of the step that a line of the file belongs to, or nil. A line before the first
// step of a test, or after the end of the file, belongs to no step.
func (f *File) StepAt(line int) (*Test, int) {
	if line > f.Lines {
		return nil, 0
	}
	var found *Test
	index := 0
	for i := range f.Tests {
		t := &f.Tests[i]
		if t.Position().Line <= line {
			found, index = nil, 0
		}
		for j := range t.Steps {
			if t.Steps[j].Position().Line <= line {
				found, index = t, j
			}
		}
	}
	return found, index
}
