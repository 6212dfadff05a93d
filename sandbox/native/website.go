// Package native simulates both ends of the native dialect. Simulator is a website with a live chat: it sends the
// customers' messages to the gateway and receives the answers at an endpoint. Proxy is the message proxy: it receives
// the customers' messages from the gateway and posts a bot's answers to the gateway.
//
// The call to the bot is the live chat's documented request (revision 04/17). The answer has no vendor document: both
// ends use the project's own format, and the website checks it strictly. It also records duplicates of an answer, so
// that a test can detect them. The document shows no errors.
package native

import (
	"net/http"
	"time"

	"patchbay/sandbox/simulator"
)

// The account at the message proxy.
const (
	Organization = "d8ai"
	Chatbot      = "d8ai_chatbot"
	messagesPath = "/mp/webhooks/native/messages/" + Organization + "/" + Chatbot
)

// Names of the website's endpoints and calls, for faults.
const (
	EndpointSay   = "say"   // the website's calls to the gateway
	EndpointReply = "reply" // the gateway's answers
	EndpointFile  = "file"  // the gateway's calls for the customers' files
)

// Options configure a Simulator.
type Options struct {
	AccessToken string // sent in the body of each request
	ReplyToken  string // bearer token that answers must have; "" means none
	// Observe, if set, is called with each accepted answer, after it was recorded, by the goroutine that serves the call.
	Observe func(Answer)
}

// Answer is one accepted answer of the gateway.
type Answer struct {
	At        time.Time
	Key       string // Idempotency-Key header, "" if there was none
	UserID    string
	MessageID string
	Payload   Payload
	Body      []byte // as it arrived
}

// Simulator is the simulated website. Create it with New and end it with Close; it is safe for concurrent use.
type Simulator struct {
	*simulator.Vendor

	o       Options
	answers simulator.Logs[Answer]    // by user id
	uploads simulator.Table[uploaded] // by path
}

// New returns a simulated website.
func New(o Options) *Simulator {
	return &Simulator{o: o, Vendor: simulator.NewVendor(simulator.Retry{}, nil)}
}

// Answers returns the log of the answers for user.
func (s *Simulator) Answers(user string) *simulator.Log[Answer] { return s.answers.Of(user) }

// Received returns the answers for user in the order of their arrival.
func (s *Simulator) Received(user string) []Answer { return s.Answers(user).All() }

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

// Handler returns the website. It accepts answers by POST on every path, and serves the files of AddFile by GET. Paths
// begin at the root.
func (s *Simulator) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /", s.Endpoint(EndpointReply, s.reply))
	mux.Handle("GET /files/", s.Endpoint(EndpointFile, s.file))
	return mux
}

func (s *Simulator) reply(r *simulator.Request) (any, error) {
	if s.o.ReplyToken != "" && r.Header.Get("Authorization") != "Bearer "+s.o.ReplyToken {
		return nil, simulator.Refused(http.StatusUnauthorized, "Authorization is not the reply token")
	}
	return simulator.JSON(s.record)(r)
}

func (s *Simulator) record(r *simulator.Request, in *reply) (any, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	a := Answer{
		At: time.Now(), Key: r.Header.Get("Idempotency-Key"), UserID: in.UserID, MessageID: in.MessageID,
		Payload: in.Payload, Body: r.Body,
	}
	s.answers.Of(a.UserID).Append(a)
	if s.o.Observe != nil {
		s.o.Observe(a)
	}
	return struct{}{}, nil
}
