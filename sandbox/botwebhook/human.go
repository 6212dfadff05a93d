package botwebhook

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"patchbay/sandbox/push"
)

// humanCall is a call of one of the gateway's webhooks of the page "Human handoff service".
func (s *Simulator) humanCall(endpoint string, body []byte) push.Call {
	h := s.o.Human
	path := map[string]string{
		EndpointEstablish: h.EstablishPath, EndpointChat: h.ChatPath, EndpointClose: h.ClosePath,
	}[endpoint]
	return push.Call{
		Endpoint: endpoint, URL: *s.human.Load() + path, Body: body,
		Prove: prove(h.Scheme, h.Token),
		Accepted: func(status int, answer []byte) bool {
			err := checkAnswer(status, answer)
			if err != nil {
				s.Problems.Append(fmt.Sprintf("%s: %v", endpoint, err))
			}
			return err == nil
		},
	}
}

// checkAnswer demands 200 and {"code":int,"message":string}. The page doesn't say which code means success: 200 and 0 do.
func checkAnswer(status int, body []byte) error {
	if status != http.StatusOK {
		return fmt.Errorf("status %d, must be 200", status)
	}
	var answer struct {
		Code    *int    `json:"code"`
		Message *string `json:"message"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || answer.Code == nil || answer.Message == nil {
		return fmt.Errorf("answer %.100q, must have an integer code and a string message", body)
	}
	if *answer.Code != 0 && *answer.Code != http.StatusOK {
		return fmt.Errorf("answer has code %d", *answer.Code)
	}
	return nil
}

// spokenTo is the body of the gateway's calls in a hand-off.
type spokenTo struct {
	ConversationID string  `json:"conversation_id"`
	Timestamp      int64   `json:"timestamp"` // milliseconds, as in the page's example
	Body           *string `json:"body"`
}

// receive takes what a person at the gateway's side says.
func (s *Simulator) receive(_ context.Context, body []byte) (any, error) {
	var in spokenTo
	h, err := s.handoff(body, &in)
	if err != nil {
		return nil, err
	}
	if in.Body == nil || *in.Body == "" {
		return nil, badParameters("body: missing or empty")
	}
	if !h.hear(Heard{At: time.Now(), Text: *in.Body, Timestamp: in.Timestamp}) {
		return nil, errNoConversation
	}
	return &Ack{Body: s.o.Human.Answer}, nil
}

// hangUp takes the end of a hand-off from the gateway.
func (s *Simulator) hangUp(_ context.Context, body []byte) (any, error) {
	var in spokenTo
	h, err := s.handoff(body, &in)
	if err != nil {
		return nil, err
	}
	if in.Body != nil {
		return nil, badParameters("body: this call has none")
	}
	if !h.end(ByAgent) {
		return nil, errNoConversation
	}
	return &Ack{Body: s.o.Human.Answer}, nil
}

func (s *Simulator) handoff(body []byte, in *spokenTo) (*Handoff, error) {
	if err := s.decode(body, in); err != nil {
		return nil, err
	}
	if in.Timestamp < 1e12 || in.Timestamp > 1e14 {
		return nil, badParameters("timestamp: %d, must be milliseconds", in.Timestamp)
	}
	h, ok := s.handoffs.Load(in.ConversationID)
	if !ok {
		return nil, errNoConversation
	}
	return h.(*Handoff), nil
}
