package botwebhook

import (
	"net/http"
	"time"

	"patchbay/sandbox/push"
)

// Names of the endpoints for faults.
const (
	EndpointCreate  = "create"  // POST /v1/conversation
	EndpointMessage = "message" // POST /v2/conversation/message and its v1
	// EndpointStream is the answer to a call in streaming mode, once it has begun. Slow waits before each frame;
	// the others happen in its middle: Hang, Reset, Truncate (the answer ends, well formed, without its last
	// frames) and Refuse (the last frame is an error).
	EndpointStream   = "stream"
	EndpointCheck    = "check"    // POST /v1/webhook/check
	EndpointFeedback = "feedback" // POST /v1/message/feedback
	EndpointQuality  = "quality"  // POST /v1/message/quality
	EndpointReceive  = "receive"  // POST /v1/human/message/receive
	EndpointEnd      = "end"      // POST /v1/human/close

	// Our calls of the gateway's webhooks.
	EndpointPush      = "push"
	EndpointEstablish = "establish"
	EndpointChat      = "chat"
	EndpointClose     = "close"
)

// Form is the shape of the webhook's body.
type Form int

// The forms.
const (
	FormV1   Form = iota // flat: text; further items of an answer are flow_output
	FormFlow             // flat: flow_output, no text
	FormV2               // output[].content
)

// Options configure a Simulator.
type Options struct {
	APIKey        string // demanded of callers as a bearer token
	Webhook       string // address of the gateway's webhook, path included
	WebhookToken  string // sent with webhook calls; "" means no Authorization header
	WebhookScheme string // "Bearer" (default) or "Basic"
	Form          Form
	Milliseconds  bool // create_time is in milliseconds, as in the vendor's lists, instead of seconds
	// EchoQuestions makes a webhook call of type QUESTION for each user message, before the answers. FormV2 has none.
	EchoQuestions bool
	Stream        Stream
	Human         Human
	// Brain makes the answers; default Greeter. It is called by the goroutine that serves the call.
	Brain Brain
	Retry push.Retry
	// ErrorStatus is the HTTP status of all errors; 0 means one that fits each error's code.
	ErrorStatus int
	// Ack is the immediate answer to a call in webhook mode; nil means 200 with ids.
	Ack         *Ack
	TestFields  map[string]any // more members of test calls, beside istest
	Formats     []string       // of documents, beside those that the page lists; its list is open
	NoImages    bool           // the agent's model takes no images: code 40364
	Lenient     bool           // takes members that no page names
	Client      *http.Client   // default push.NewClient()
	Concurrency int            // webhook calls under way at once; default 64
	Discard     bool           // count messages and webhook calls, but do not keep them
	// Observe, if set, is called with each accepted message before the answers are made.
	Observe func(Asked)
}

// Ack is an immediate answer.
type Ack struct {
	Status int // default 200
	Body   string
}

// Stream is how answers in streaming mode are written.
type Stream struct {
	Pieces int  // of a text, a transcript and a sound; default 3
	Bare   bool // one JSON value a line, as the pages print it, instead of SSE
	Joined bool // two frames in one line, as in one of the vendor's samples
}

// Human is how dialogues are handed to people at the gateway's side.
type Human struct {
	// Base is the base address of the gateway's three webhooks; "" means that there are none.
	Base          string
	EstablishPath string // default "/conversation/establish"
	ChatPath      string // default "/chat"
	ClosePath     string // default "/conversation/close"
	Token         string // sent with these calls; "" means no Authorization header
	Scheme        string // "Bearer" (default) or "Basic"
	// Wait is how long after establish the first message of a person may take; default 60 s.
	Wait time.Duration
	// KeyOptional takes the gateway's calls also without the API key; a wrong one is refused all the same. The pages
	// don't show whether they need it.
	KeyOptional bool
	// Answer is the body of the answer to such a call; default {"code":200,"message":"success"}. The pages don't
	// show one.
	Answer string
	BotID  string // default: a new one
}

func (o *Options) fill() {
	if o.Brain == nil {
		o.Brain = Greeter
	}
	if o.WebhookScheme == "" {
		o.WebhookScheme = "Bearer"
	}
	if o.Client == nil {
		o.Client = push.NewClient()
	}
	if o.Stream.Pieces == 0 {
		o.Stream.Pieces = 3
	}
	o.Human.fill()
}

func (h *Human) fill() {
	if h.EstablishPath == "" {
		h.EstablishPath = "/conversation/establish"
	}
	if h.ChatPath == "" {
		h.ChatPath = "/chat"
	}
	if h.ClosePath == "" {
		h.ClosePath = "/conversation/close"
	}
	if h.Scheme == "" {
		h.Scheme = "Bearer"
	}
	if h.Wait == 0 {
		h.Wait = time.Minute
	}
	if h.Answer == "" {
		h.Answer = `{"code":200,"message":"success"}`
	}
	if h.BotID == "" {
		h.BotID = newID()
	}
}
