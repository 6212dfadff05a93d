// Package simulator plays both ends of the native dialect: Simulator is a live-chat website, which sends what customers
// say to the gateway and takes the answers on an endpoint of its own; Proxy is the message proxy, to which the
// gateway sends what customers say, and which posts a bot's answers to the gateway.
//
// The way to the bot is the live chat's documented request. The way back has no vendor document: both ends
// use the project's own answer format, and the website demands it strictly. Nothing is deduplicated: what
// arrives twice is recorded twice, so that a test can see it.
package native

import (
	"context"
	"encoding/json"
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
	EndpointSay   = "say"   // our calls of the gateway
	EndpointReply = "reply" // the gateway's answers to us
	EndpointFile  = "file"  // the gateway's calls for our customers' files
)

// Options configure a Simulator.
type Options struct {
	Gateway      string // base address of the gateway: "http://127.0.0.1:8080"
	Prefix       string // path prefix of the channel, "" or "/x"
	Organization string // default "d8ai"
	Chatbot      string // default "d8ai_chatbot"
	AccessToken  string // goes into the body of each request
	ReplyToken   string // demanded of answers as a bearer token; "" means none is demanded
	// ReplySecret, "whsec_" and a key in base64, is what answers must be signed with by the Standard Webhooks
	// specification; of several, parted by blanks, one must fit. "" means that they need no signature.
	ReplySecret string

	Client *http.Client // default push.NewClient()
	// Observe, if set, is called with each accepted answer, after it was recorded, by the goroutine
	// that serves the call.
	Observe func(Answer)
	Discard bool // count answers, but do not keep them
}

// Answer is one accepted arrival on the reply endpoint.
type Answer struct {
	At        time.Time
	Key       string // Idempotency-Key header, "" if there was none
	WebhookID string // webhook-id header, "" if there was none
	UserID    string
	MessageID string
	// VendorMessageID is the id that the message has where it comes from, "" if there was none.
	VendorMessageID string
	Payload         Payload
	Files           []File // the payload's media
	Body            []byte // as it arrived
}

// Counts is how much the simulator saw.
type Counts struct {
	Said     int64 // requests that were sent
	Taken    int64 // of them, answered with 200
	Answers  int64 // accepted
	Refused  int64 // without the right token or signature
	Unparsed int64 // not in the documented format
}

// Simulator is the pretend live-chat website. Create it with New; it is safe for concurrent use and owns no goroutine.
type Simulator struct {
	// Faults are what goes wrong on command.
	Faults fault.Set
	// Problems lists what was wrong with the answers that were not accepted.
	Problems record.Log[string]
	// Fetched lists the calls for our customers' files.
	Fetched record.Log[FileRequest]
	// Downloads lists what links of answers led to.
	Downloads record.Log[Downloaded]

	o       Options
	gateway atomic.Pointer[string]
	users   sync.Map // user id → *record.Log[Answer]
	uploads sync.Map // path → uploaded
	turns   turns

	said, taken, answers, refused, unparsed atomic.Int64
}

// New returns a pretend live chat.
func New(o Options) *Simulator {
	if o.Organization == "" {
		o.Organization = "d8ai"
	}
	if o.Chatbot == "" {
		o.Chatbot = "d8ai_chatbot"
	}
	if o.Client == nil {
		o.Client = push.NewClient()
	}
	s := &Simulator{o: o}
	s.SetGateway(o.Gateway)
	return s
}

// Close gives the idle connections back.
func (s *Simulator) Close() { s.o.Client.CloseIdleConnections() }

// Received returns the answers for user so far, in the order of their arrival.
func (s *Simulator) Received(user string) []Answer { return s.log(user).All() }

// Wait returns nil as soon as done holds of the answers for user, or an error when ctx ends.
func (s *Simulator) Wait(ctx context.Context, user string, done func([]Answer) bool) error {
	return s.log(user).Wait(ctx, done)
}

// Next returns the answers for user at index from and later, waiting until there is one. It is how a
// stream follows a user: call it again with from advanced by the number of answers.
func (s *Simulator) Next(ctx context.Context, user string, from int) ([]Answer, error) {
	return s.log(user).Next(ctx, from)
}

// Repeated returns the answers for user whose Idempotency-Key had arrived before.
func (s *Simulator) Repeated(user string) []Answer {
	var repeated []Answer
	seen := map[string]bool{}
	for _, a := range s.Received(user) {
		if a.Key != "" && seen[a.Key] {
			repeated = append(repeated, a)
		}
		seen[a.Key] = true
	}
	return repeated
}

// Counts returns how much the simulator saw so far.
func (s *Simulator) Counts() Counts {
	return Counts{
		Said: s.said.Load(), Taken: s.taken.Load(), Answers: s.answers.Load(),
		Refused: s.refused.Load(), Unparsed: s.unparsed.Load(),
	}
}

func (s *Simulator) log(user string) *record.Log[Answer] {
	if l, ok := s.users.Load(user); ok {
		return l.(*record.Log[Answer])
	}
	l, _ := s.users.LoadOrStore(user, new(record.Log[Answer]))
	return l.(*record.Log[Answer])
}

// SetGateway changes the gateway's address, for a gateway that came back on another port.
func (s *Simulator) SetGateway(base string) { s.gateway.Store(&base) }

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// An error here means that the caller left; there is nobody to tell.
	_ = json.NewEncoder(w).Encode(v)
}
