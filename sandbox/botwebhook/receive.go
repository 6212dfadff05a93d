package botwebhook

import (
	"time"

	"patchbay/sandbox/simulator"
)

// spokenTo is the body of the gateway's calls in a hand-off.
type spokenTo struct {
	ConversationID string  `json:"conversation_id"`
	Timestamp      int64   `json:"timestamp"` // milliseconds, as in the example of "Human handoff service"
	Body           *string `json:"body"`
}

// handoffAnswer is the response to the gateway's calls. "Human handoff service" shows no response.
var handoffAnswer = object{"code": 200, "message": "success"}

// receive records a message of an agent.
func (s *Simulator) receive(r *simulator.Request) (any, error) {
	h, in, err := s.handoff(r)
	if err != nil {
		return nil, err
	}
	if in.Body == nil || *in.Body == "" {
		return nil, badParameters("body: missing or empty")
	}
	if !h.hear(Heard{At: time.Now(), Text: *in.Body, Timestamp: in.Timestamp}) {
		return nil, vendorError(codeConversation)
	}
	return handoffAnswer, nil
}

// hangUp ends a hand-off at the gateway's request.
func (s *Simulator) hangUp(r *simulator.Request) (any, error) {
	h, in, err := s.handoff(r)
	if err != nil {
		return nil, err
	}
	if in.Body != nil {
		return nil, badParameters("body: this call has none")
	}
	if !h.end(ByAgent) {
		return nil, vendorError(codeConversation)
	}
	return handoffAnswer, nil
}

func (s *Simulator) handoff(r *simulator.Request) (*Handoff, *spokenTo, error) {
	var in spokenTo
	if err := r.Decode(&in); err != nil {
		return nil, nil, badParameters("%v", err)
	}
	if in.Timestamp < 1e12 || in.Timestamp > 1e14 {
		return nil, nil, badParameters("timestamp: %d, must be milliseconds", in.Timestamp)
	}
	h, ok := s.handoffs.Get(in.ConversationID)
	if !ok {
		return nil, nil, vendorError(codeConversation)
	}
	return h, &in, nil
}
