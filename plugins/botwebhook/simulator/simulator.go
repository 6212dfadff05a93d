// Package simulator plays GPTBots: the conversation API that the gateway calls, and the webhook calls
// by which the answers come back.
//
// It follows the vendor's pages "Create conversation", "Send message", "Webhook receives messages" and
// "API overview". Where they are silent it takes a choice that an option changes: the HTTP status of
// errors (Options.ErrorStatus), the immediate answer in webhook mode, and whether a failed
// webhook call is tried again (Options.Retry).
package simulator

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"patchbay/sandbox/fault"
	"patchbay/sandbox/push"
	"patchbay/sandbox/record"
)

// Names of the endpoints for faults.
const (
	EndpointCreate  = "create"  // POST /v1/conversation
	EndpointMessage = "message" // POST /v2/conversation/message and its v1
	EndpointPush    = "push"    // our calls of the gateway's webhook
)

// Form is the shape of the webhook's body.
type Form int

// The forms.
const (
	FormV1   Form = iota // flat: text
	FormFlow             // flat: flow_output, no text
	FormV2               // output[].content.text
)

// Options configure a Simulator.
type Options struct {
	APIKey        string // demanded of callers as a bearer token
	Webhook       string // address of the gateway's webhook, path included
	WebhookToken  string // sent with webhook calls; "" means no Authorization header
	WebhookScheme string // "Bearer" (default) or "Basic"
	Form          Form
	// EchoQuestions makes a webhook call of type QUESTION for each user message, before the answers.
	EchoQuestions bool
	// Brain makes the answers; default Greeter. It is called by the goroutine that serves the call.
	Brain Brain
	Retry push.Retry
	// ErrorStatus is the HTTP status of all errors; 0 means one that fits each error's code.
	ErrorStatus int
	Client      *http.Client // default push.NewClient()
	Concurrency int          // webhook calls under way at once; default 64
	Discard     bool         // count messages and webhook calls, but do not keep them
	// Observe, if set, is called with each accepted message before the answers are made.
	Observe func(Asked)
}

// Brain makes the answers to a conversation's new messages. The last user message is the question.
type Brain func(c Conversation, messages []Message) []Answer

// Conversation is one that the gateway created.
type Conversation struct {
	ID     string
	UserID string
}

// Message is one entry of a send call, with parts joined to one text.
type Message struct {
	Role string // user or assistant
	Text string
	// Parts counts the entry's parts by type, nil if its content was a string.
	Parts map[string]int
}

// Answer is one webhook call to make.
type Answer struct {
	Text      string
	MessageID string // default: a new one
	Type      string // ANSWER (default) or QUESTION
	Branch    string // flow_output[].branch
	Component string // flow_output[].from_component_name
}

// Asked is one accepted send call.
type Asked struct {
	At           time.Time
	Conversation Conversation
	Messages     []Message
	Mode         string // response_mode
}

// Counts is how much the simulator saw.
type Counts struct {
	Created int64 // conversations
	Asked   int64 // accepted send calls
	Refused int64 // calls that were answered with an error

	Queued   int64 // webhook calls
	Accepted int64 // of them, taken by the gateway
	Failed   int64 // of them, given up
}

// Simulator is the pretend vendor. Create it with New and end it with Close; it is safe for
// concurrent use.
type Simulator struct {
	// Faults are what goes wrong on command.
	Faults fault.Set
	// Asked lists the accepted send calls of all conversations.
	Asked record.Log[Asked]
	// Created lists the conversations.
	Created record.Log[Conversation]
	// Problems lists what was wrong with refused calls.
	Problems record.Log[string]

	o       Options
	pusher  *push.Pusher
	webhook atomic.Pointer[string]

	conversations           sync.Map // id → Conversation
	created, asked, refused atomic.Int64
}

// New returns a pretend GPTBots.
func New(o Options) *Simulator {
	if o.Brain == nil {
		o.Brain = Greeter
	}
	if o.WebhookScheme == "" {
		o.WebhookScheme = "Bearer"
	}
	if o.Client == nil {
		o.Client = push.NewClient()
	}
	s := &Simulator{o: o}
	s.SetWebhook(o.Webhook)
	s.pusher = push.New(push.Options{
		Client: o.Client, Faults: &s.Faults, Retry: o.Retry, Concurrency: o.Concurrency, Discard: o.Discard,
	})
	return s
}

// Close ends the webhook calls, also those under way, and waits for them.
func (s *Simulator) Close() { s.pusher.Close() }

// SetWebhook changes the address of the gateway's webhook, for a gateway that came back on another port.
func (s *Simulator) SetWebhook(address string) { s.webhook.Store(&address) }

// Pushed lists what became of the webhook calls, in the order in which they ended.
func (s *Simulator) Pushed() *record.Log[push.Outcome] { return &s.pusher.Outcomes }

// AskedIn returns the accepted send calls of one conversation, in order.
func (s *Simulator) AskedIn(conversation string) []Asked {
	var in []Asked
	for _, a := range s.Asked.All() {
		if a.Conversation.ID == conversation {
			in = append(in, a)
		}
	}
	return in
}

// Conversations returns the conversations of a user, in the order in which they were created.
func (s *Simulator) Conversations(user string) []Conversation {
	var of []Conversation
	for _, c := range s.Created.All() {
		if c.UserID == user {
			of = append(of, c)
		}
	}
	return of
}

// Wait returns nil as soon as done holds of the accepted send calls, or an error when ctx ends.
func (s *Simulator) Wait(ctx context.Context, done func([]Asked) bool) error {
	return s.Asked.Wait(ctx, done)
}

// Forget drops a conversation: calls for it are answered with code 40356 from now on.
func (s *Simulator) Forget(conversation string) { s.conversations.Delete(conversation) }

// Counts returns how much the simulator saw so far.
func (s *Simulator) Counts() Counts {
	c := Counts{Created: s.created.Load(), Asked: s.asked.Load(), Refused: s.refused.Load()}
	c.Queued, c.Accepted, c.Failed = s.pusher.Counts()
	return c
}

// Answer makes a webhook call that nobody asked for: a bot that speaks late, or a second time.
// The conversation must exist.
func (s *Simulator) Answer(conversation string, a Answer) error {
	c, ok := s.conversations.Load(conversation)
	if !ok {
		return fmt.Errorf("answer in conversation %s: no such conversation", conversation)
	}
	return s.push(c.(Conversation), a)
}

// newID returns 24 hexadecimal characters, the form of the vendor's ids.
func newID() string {
	var b [12]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}
