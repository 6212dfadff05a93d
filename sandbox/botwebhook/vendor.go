// Package botwebhook simulates GPTBots: the conversation API that the gateway calls, the webhook calls with the
// answers, and hand-offs to agents at the gateway.
//
// It follows the vendor's pages "Create conversation", "Send message" (both versions), "Webhook receives messages"
// (both versions), "Webhook check", "Human handoff service" and "API overview". It refuses members that are on no page,
// so that misspelt names are detected. The pages do not state the HTTP status of an error, the response to a call in
// webhook mode, and the retries of failed webhook calls. The simulator chooses these.
package botwebhook

import (
	"cmp"
	"fmt"
	"net/http"

	"patchbay/sandbox/simulator"
)

// Names of the endpoints and webhook calls, for faults.
const (
	EndpointCreate  = "create"  // POST /v1/conversation
	EndpointMessage = "message" // POST /v2/conversation/message and /v1/conversation/message
	// EndpointStream is the stream of frames in streaming mode. Slow delays each line. Hang, Reset, Truncate (omits the
	// remaining lines) and Refuse (ends with an error frame) apply in the middle of the stream.
	EndpointStream  = "stream"
	EndpointReceive = "receive" // POST /v1/human/message/receive
	EndpointEnd     = "end"     // POST /v1/human/close

	EndpointPush      = "push" // webhook calls
	EndpointEstablish = "establish"
	EndpointChat      = "chat"
	EndpointClose     = "close"
)

// Paths of the gateway's webhooks, for answers and for hand-offs.
const (
	webhookPath = "/webhooks/botwebhook/" // and the channel's name
	handoffPath = "/webhooks/botwebhook/handoff"
)

// Form is the format of a webhook call.
type Form int

const (
	FormV1   Form = iota // flat body: text, and flow_output for the further items of an answer
	FormFlow             // flat body: flow_output without text
	FormV2               // nested body: output[].content
)

// Options configure a Simulator.
type Options struct {
	Channel       string // name of the gateway's channel, the last segment of the webhook's path; default faq
	APIKey        string // bearer token that calls must have
	WebhookToken  string // sent with webhook calls; "" means no Authorization header
	WebhookScheme string // "Bearer" (default) or "Basic"
	Form          Form
	Milliseconds  bool // create_time is in milliseconds, as in the vendor's tables, instead of seconds
	// EchoQuestions makes a webhook call of type QUESTION for each user message, before the answers. FormV2 does not
	// support it.
	EchoQuestions bool
	Stream        Stream
	// Answer makes the answers; default GreetOrRepeat. It runs in the goroutine that handles the call.
	Answer AnswerFunc
	Retry  simulator.Retry
}

// Simulator is the simulated vendor. Create it with New and end it with Close; it is safe for concurrent use.
type Simulator struct {
	*simulator.Vendor
	// SendCalls lists the accepted send calls of all conversations.
	SendCalls simulator.Log[SendCall]
	// Created lists the conversations that the gateway created.
	Created simulator.Log[Conversation]

	o             Options
	conversations simulator.Table[Conversation]
	handoffs      simulator.Table[*Handoff]
}

// New returns a simulated GPTBots.
func New(o Options) *Simulator {
	if o.Answer == nil {
		o.Answer = GreetOrRepeat
	}
	o.Channel = cmp.Or(o.Channel, "faq")
	o.WebhookScheme = cmp.Or(o.WebhookScheme, "Bearer")
	o.Stream.Pieces = cmp.Or(o.Stream.Pieces, 3)
	return &Simulator{o: o, Vendor: simulator.NewVendor(o.Retry, refuse)}
}

// Handler returns the API; its paths start with /v1 and /v2.
func (s *Simulator) Handler() http.Handler {
	mux := http.NewServeMux()
	handle := func(name, path string, call simulator.Endpoint) {
		mux.Handle("POST "+path, s.Endpoint(name, func(r *simulator.Request) (any, error) {
			if r.Header.Get("Authorization") != "Bearer "+s.o.APIKey {
				return nil, vendorError(codeAuthentication)
			}
			return call(r)
		}))
	}
	handle(EndpointCreate, "/v1/conversation", simulator.JSON(s.create))
	handle(EndpointMessage, "/v1/conversation/message", simulator.JSON(s.sendV1))
	handle(EndpointMessage, "/v2/conversation/message", simulator.JSON(s.sendV2))
	handle(EndpointReceive, "/v1/human/message/receive", s.handoffEndpoint(true, (*Handoff).recordMessage))
	handle(EndpointEnd, "/v1/human/close", s.handoffEndpoint(false, (*Handoff).endByAgent))
	return mux
}

// Conversations returns the conversations of a user, in the order of their creation.
func (s *Simulator) Conversations(user string) []Conversation {
	return s.Created.Select(func(c Conversation) bool { return c.UserID == user })
}

// Answer queues a webhook call with an answer without a send call: a late or an additional answer. The conversation
// must exist.
func (s *Simulator) Answer(conversation string, a Answer) error {
	c, ok := s.conversations.Get(conversation)
	if !ok {
		return fmt.Errorf("answer in conversation %s: no such conversation", conversation)
	}
	return s.push(c, a)
}
