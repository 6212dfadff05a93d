package botwebhook

import (
	"errors"
	"fmt"
	"time"

	"patchbay/sandbox/simulator"
)

// handoffCall is the body of the gateway's calls for a hand-off.
type handoffCall struct {
	ConversationID string  `json:"conversation_id"`
	Timestamp      int64   `json:"timestamp"` // milliseconds, as in the example of "Human handoff service"
	Body           *string `json:"body"`
}

// handoffEndpoint returns an endpoint for the gateway's calls for a hand-off, with or without a text. do returns false
// if the hand-off has ended. The page "Human handoff service" shows no response.
func (s *Simulator) handoffEndpoint(withText bool, do func(*Handoff, *handoffCall) bool) simulator.Endpoint {
	return simulator.JSON(func(_ *simulator.Request, in *handoffCall) (any, error) {
		switch {
		case in.Timestamp < 1e12 || in.Timestamp > 1e14:
			return nil, fmt.Errorf("timestamp: %d, must be milliseconds", in.Timestamp)
		case withText && (in.Body == nil || *in.Body == ""):
			return nil, errors.New("body: missing or empty")
		case !withText && in.Body != nil:
			return nil, errors.New("body: this call must not have it")
		}
		if h, ok := s.handoffs.Get(in.ConversationID); !ok || !do(h, in) {
			return nil, vendorError(codeConversation)
		}
		return object{"code": 200, "message": "success"}, nil
	})
}

// recordMessage records a message of an agent. It returns false if the hand-off has ended.
func (h *Handoff) recordMessage(in *handoffCall) bool {
	m := AgentMessage{At: time.Now(), Text: *in.Body, Timestamp: in.Timestamp}
	return h.whileOpen(func() { h.AgentMessages.Append(m) })
}

// endByAgent ends the hand-off at the gateway's request.
func (h *Handoff) endByAgent(*handoffCall) bool { return h.end(ByAgent) }
