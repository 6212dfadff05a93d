// Package native simulates the two vendors of the adapter native. Simulator is a website with a live chat: it sends the
// customers' messages to the gateway and receives the answers at an endpoint. Proxy is a message proxy with a bot: it
// receives the customers' messages from the gateway and posts the bot's answers to the gateway.
//
// Customers' messages have the format of the live chat's document (revision 04/17). The document does not describe
// answers and errors. Answers have a format of this project, which the website checks strictly. The website also
// records repeated answers, so that a test can detect them.
package native

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"patchbay/sandbox/simulator"
)

// The account at the message proxy.
const (
	Organization = "d8ai"
	Chatbot      = "d8ai_chatbot"
	MessagesPath = "/mp/webhooks/native/messages/" + Organization + "/" + Chatbot // of the gateway and of the proxy
)

// Names of the website's endpoints and calls, for faults.
const (
	EndpointSay   = "say"   // the website's calls to the gateway
	EndpointReply = "reply" // the gateway's answers
	EndpointFile  = "file"  // the gateway's calls for the customers' files
)

// Options configure a Simulator.
type Options struct {
	AccessToken string // sent in the body of each call
	ReplyToken  string // bearer token that calls with answers must have; "" means none
	// Observe, if set, is called with each accepted answer after it is recorded, in the goroutine that handles the
	// call.
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
	answers simulator.Logs[Answer]            // by user id
	uploads simulator.Table[http.HandlerFunc] // of files, by path
}

// New returns a simulated website.
func New(o Options) *Simulator {
	return &Simulator{o: o, Vendor: simulator.NewVendor(simulator.Retry{}, nil)}
}

// Answers returns the log of the answers for user.
func (s *Simulator) Answers(user string) *simulator.Log[Answer] { return s.answers.Get(user) }

// AllAnswers returns the answers for user that have arrived, oldest first.
func (s *Simulator) AllAnswers(user string) []Answer { return s.Answers(user).All() }

// RepeatedAnswers returns the answers for user that have the Idempotency-Key of an earlier answer.
func (s *Simulator) RepeatedAnswers(user string) []Answer {
	var repeated []Answer
	seen := map[string]bool{}
	for _, a := range s.AllAnswers(user) {
		if a.Key != "" && seen[a.Key] {
			repeated = append(repeated, a)
		}
		seen[a.Key] = true
	}
	return repeated
}

// Handler returns the website. It accepts POST requests with answers on every path, and serves the files of AddFile.
func (s *Simulator) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /", s.Endpoint(EndpointReply, s.receive))
	mux.Handle("GET /files/", s.Endpoint(EndpointFile, s.file))
	return mux
}

func (s *Simulator) receive(r *simulator.Request) (any, error) {
	if s.o.ReplyToken != "" && r.Header.Get("Authorization") != "Bearer "+s.o.ReplyToken {
		return nil, simulator.Refused(http.StatusUnauthorized, "Authorization is not the reply token")
	}
	return simulator.JSON(s.record)(r)
}

func (s *Simulator) record(r *simulator.Request, in *wireAnswer) (any, error) {
	if err := in.validate(); err != nil {
		return nil, err
	}
	a := Answer{
		At: time.Now(), Key: r.Header.Get("Idempotency-Key"), UserID: in.UserID, MessageID: in.MessageID,
		Payload: in.Payload, Body: r.Body,
	}
	s.answers.Get(a.UserID).Append(a)
	if s.o.Observe != nil {
		s.o.Observe(a)
	}
	return struct{}{}, nil
}

// Message is the body of a call with a customer's message, from the website to the gateway or from the gateway to the
// message proxy. MessageID and Media are this project's additions to the document; the proxy refuses them.
type Message struct {
	UserID      string         `json:"userId"`
	AccessToken string         `json:"accessToken"`
	MessageID   string         `json:"messageId,omitempty"`
	Payload     MessagePayload `json:"payload"`

	Header http.Header `json:"-"`
	Body   []byte      `json:"-"` // sent instead of the other fields, if it is not nil
}

// MessagePayload is the content of a customer's message.
type MessagePayload struct {
	UserSay  string    `json:"userSay"`
	UserInfo UserInfo  `json:"userInfo"`
	UserData *UserData `json:"userData,omitempty"`
	Media    []File    `json:"media,omitempty"`
}

// Option changes a message before Say sends it.
type Option func(*Message)

// WithMessageID sets the website's id of the message.
func WithMessageID(id string) Option { return func(m *Message) { m.MessageID = id } }

// WithData sets customPayload.data.
func WithData(data string) Option {
	raw, _ := json.Marshal(map[string]string{"data": data}) // never fails
	return func(m *Message) { m.Payload.UserData = &UserData{CustomPayload: raw} }
}

// WithMedia sets the files of the message.
func WithMedia(files ...File) Option { return func(m *Message) { m.Payload.Media = files } }

// Say sends a message with the user's text and returns the status and the body of the gateway's response. It does not
// retry. It returns an error only if there was no complete response. changes apply before the message is sent.
func (s *Simulator) Say(ctx context.Context, user, text string, changes ...Option) (int, []byte, error) {
	m := &Message{UserID: user, AccessToken: s.o.AccessToken, Header: http.Header{}}
	m.Payload.UserSay, m.Payload.UserInfo.ID = text, user
	for _, change := range changes {
		change(m)
	}
	if m.Body == nil {
		var err error
		if m.Body, err = json.Marshal(m); err != nil {
			return 0, nil, fmt.Errorf("encode message of %s: %w", user, err)
		}
	}
	address := s.Gateway() + MessagesPath
	return s.CallOnce(ctx, simulator.Call{
		Endpoint: EndpointSay, URL: address, Body: m.Body, Header: m.Header,
		Authenticate: func(r *http.Request, body []byte, wrong bool) {
			if wrong { // the access token is in the body
				body = bytes.Replace(body, []byte(`"accessToken":"`), []byte(`"accessToken":"wrong-`), 1)
				r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
				r.Body, _ = r.GetBody() // never fails
				r.ContentLength = int64(len(body))
			}
		},
	})
}
