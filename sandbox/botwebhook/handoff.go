package botwebhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"patchbay/sandbox/simulator"
)

// Errors of hand-offs. ErrBusy means that the gateway did not accept the hand-off; the vendor then informs the user
// that all agents are busy.
var (
	ErrBusy  = errors.New("hand-off is not accepted")
	ErrEnded = errors.New("hand-off has ended")
)

// handoffTimeout is the maximum time from establish to the first message of an agent.
const handoffTimeout = time.Minute

// EndReason is the reason for the end of a hand-off. TimedOut and ByUser are also types of the close call.
type EndReason string

const (
	TimedOut EndReason = "TIMEOUT"     // no agent wrote in time
	ByUser   EndReason = "USER_CLOSED" // Handoff.Close
	ByAgent  EndReason = "agent"       // the gateway's call
	Busy     EndReason = "busy"        // establish was not accepted
)

// User is the user of a hand-off. Empty ids are null in the call.
type User struct {
	UserID      string // the gateway's id of the user, if it has one
	AnonymousID string
	Dialogue    []Line // the messages before the hand-off
}

// Line is one message before the hand-off.
type Line struct {
	Type string `json:"message_type"` // QUESTION or ANSWER
	Text string `json:"text"`
}

// AgentMessage is one message of an agent, which the gateway sent.
type AgentMessage struct {
	At        time.Time
	Text      string
	Timestamp int64 // the time in the gateway's call, in milliseconds
}

// Handoff is one hand-off of a user to agents at the gateway. It is safe for concurrent use.
type Handoff struct {
	ID string // differs from the conversation's id
	// AgentMessages lists the agents' messages, in order.
	AgentMessages simulator.Log[AgentMessage]

	s    *Simulator
	mu   sync.Mutex
	ends simulator.Log[EndReason] // empty until the hand-off ends
}

// Handoff starts a hand-off. It calls establish once and returns ErrBusy if the gateway does not accept it. If no agent
// writes within a minute, the hand-off ends with a close call of type TIMEOUT. The gateway may send messages and end
// the hand-off before Handoff returns.
func (s *Simulator) Handoff(ctx context.Context, user User) (*Handoff, error) {
	h := &Handoff{ID: simulator.HexID(), s: s}
	s.handoffs.Put(h.ID, h)
	out, err := h.call(ctx, EndpointEstablish, 1, object{
		"email": "support@gptbots.ai", "bot_id": simulator.HexID(), "body": append([]Line{}, user.Dialogue...),
		"user_info": map[string]*string{
			"phone": nil, "email": nil, "user_id": orNull(user.UserID), "anonymous_id": orNull(user.AnonymousID),
		},
	})
	if err == nil && !out.Accepted {
		err = fmt.Errorf("%w: status %d: %.100s", ErrBusy, out.Status, out.Response)
	}
	if err != nil {
		h.end(Busy)
		return nil, fmt.Errorf("start hand-off: %w", err)
	}
	time.AfterFunc(handoffTimeout, func() {
		if h.AgentMessages.Len() == 0 {
			_, _ = h.endAndReport(context.Background(), TimedOut) // the call is in the outcomes
		}
	})
	return h, nil
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// Say sends a message of the user to the gateway and waits for the outcome of the call.
func (h *Handoff) Say(ctx context.Context, text string) (simulator.Outcome, error) {
	if h.EndReason() != "" {
		return simulator.Outcome{}, ErrEnded
	}
	return h.call(ctx, EndpointChat, 0, object{"body": text})
}

// Close ends the hand-off on behalf of the user and waits for the outcome of the call.
func (h *Handoff) Close(ctx context.Context) (simulator.Outcome, error) {
	return h.endAndReport(ctx, ByUser)
}

// EndReason returns the reason for the end of the hand-off, "" before the end.
func (h *Handoff) EndReason() EndReason {
	if all := h.ends.All(); len(all) > 0 {
		return all[0]
	}
	return ""
}

// Wait waits until the hand-off has ended and returns the reason. It returns an error if ctx ends first.
func (h *Handoff) Wait(ctx context.Context) (EndReason, error) {
	_, err := h.ends.Next(ctx, 0)
	return h.EndReason(), err
}

func (h *Handoff) endAndReport(ctx context.Context, how EndReason) (simulator.Outcome, error) {
	if !h.end(how) {
		return simulator.Outcome{}, ErrEnded
	}
	return h.call(ctx, EndpointClose, 0, object{"type": how})
}

// end ends the hand-off. It returns false if it has ended before.
func (h *Handoff) end(how EndReason) bool { return h.whileOpen(func() { h.ends.Append(how) }) }

// whileOpen calls do and returns true, or returns false if the hand-off has ended. The hand-off cannot end during do.
func (h *Handoff) whileOpen(do func()) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.EndReason() != "" {
		return false
	}
	do()
	return true
}

// handoffPaths are the paths in the vendor's page "Human handoff service", below the base address.
var handoffPaths = map[string]string{
	EndpointEstablish: "/conversation/establish", EndpointChat: "/chat", EndpointClose: "/conversation/close",
}

// call makes a call with members and the members that all calls have, after the hand-off's earlier calls. If attempts
// is 0, Retry.Attempts applies. The vendor's page does not state the code for success.
func (h *Handoff) call(ctx context.Context, endpoint string, attempts int, members object) (simulator.Outcome, error) {
	members["conversation_id"], members["timestamp"] = h.ID, time.Now().UnixMilli()
	body, err := json.Marshal(members)
	if err != nil {
		return simulator.Outcome{}, fmt.Errorf("encode %s: %w", endpoint, err)
	}
	c := h.s.call(endpoint, h.s.Gateway()+handoffPath+handoffPaths[endpoint], body, `{"code":200,"message":"success"}`)
	c.Attempts = attempts
	return h.s.Do(ctx, h.ID, c)
}
