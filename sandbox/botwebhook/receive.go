package botwebhook

import (
	"errors"
	"fmt"
	"time"

	"patchbay/sandbox/simulator"
)

// spokenTo is the body of the gateway's calls in a hand-off.
type spokenTo struct {
	ConversationID string  `json:"conversation_id"`
	Timestamp      int64   `json:"timestamp"` // milliseconds, as in the example of "Human handoff service"
	Body           *string `json:"body"`
}

// handoffEndpoint returns an endpoint for calls in a hand-off, with or without a text. do returns false if the hand-off
// is over. "Human handoff service" shows no response.
func (s *Simulator) handoffEndpoint(withText bool, do func(*Handoff, *spokenTo) bool) simulator.Endpoint {
	return simulator.JSON(func(_ *simulator.Request, in *spokenTo) (any, error) {
		switch {
		case in.Timestamp < 1e12 || in.Timestamp > 1e14:
			return nil, fmt.Errorf("timestamp: %d, must be milliseconds", in.Timestamp)
		case withText && (in.Body == nil || *in.Body == ""):
			return nil, errors.New("body: missing or empty")
		case !withText && in.Body != nil:
			return nil, errors.New("body: this call has none")
		}
		if h, ok := s.handoffs.Get(in.ConversationID); !ok || !do(h, in) {
			return nil, vendorError(codeConversation)
		}
		return object{"code": 200, "message": "success"}, nil
	})
}

// hear records a message of an agent.
func (h *Handoff) hear(in *spokenTo) bool {
	return h.during(func() { h.Heard.Append(Heard{At: time.Now(), Text: *in.Body, Timestamp: in.Timestamp}) })
}

// hangUp ends the hand-off at the gateway's request.
func (h *Handoff) hangUp(*spokenTo) bool { return h.end(ByAgent) }
