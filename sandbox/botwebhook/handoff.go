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

// Errors of hand-offs. After ErrBusy the vendor informs the user that all agents are busy.
var (
	ErrBusy  = errors.New("hand-off is not taken")
	ErrEnded = errors.New("hand-off has ended")
)

// handoffWait is the time limit from establish to the first message of an agent.
const handoffWait = time.Minute

// End is the reason for the end of a hand-off. The first two are also types of the close call.
type End string

const (
	TimedOut End = "TIMEOUT"     // no agent wrote in time
	ByUser   End = "USER_CLOSED" // Handoff.Close
	ByAgent  End = "agent"       // the gateway's call
	Busy     End = "busy"        // establish was not accepted
)

// User is the user whose dialogue is handed over. Empty ids are null in the call.
type User struct {
	UserID      string // the gateway's id of the user, if it has one
	AnonymousID string
	Said        []Line // the dialogue so far
}

// Line is one message of the dialogue before the hand-off.
type Line struct {
	Type string `json:"message_type"` // QUESTION or ANSWER
	Text string `json:"text"`
}

// Heard is one message of an agent at the gateway's side.
type Heard struct {
	At        time.Time
	Text      string
	Timestamp int64 // the caller's, in milliseconds
}

// Handoff is one dialogue with agents. It is safe for concurrent use.
type Handoff struct {
	ID string // differs from the conversation's id
	// Heard lists the agents' messages, in order.
	Heard simulator.Log[Heard]

	s    *Simulator
	mu   sync.Mutex
	ends simulator.Log[End] // empty until the hand-off ends
}

// Handoff hands the user's dialogue over. It calls establish once and returns ErrBusy if the gateway does not accept
// it. If no agent writes within a minute, the hand-off ends with a close call of type TIMEOUT. The gateway may send
// messages and end the hand-off before Handoff returns.
func (s *Simulator) Handoff(ctx context.Context, user User) (*Handoff, error) {
	h := &Handoff{ID: simulator.HexID(), s: s}
	s.handoffs.Put(h.ID, h)
	out, err := h.call(ctx, EndpointEstablish, 1, object{
		"email": "support@gptbots.ai", "bot_id": simulator.HexID(), "body": append([]Line{}, user.Said...),
		"user_info": map[string]*string{
			"phone": nil, "email": nil, "user_id": orNull(user.UserID), "anonymous_id": orNull(user.AnonymousID),
		},
	})
	if err == nil && !out.Accepted {
		err = fmt.Errorf("%w: status %d: %.100s", ErrBusy, out.Status, out.Answer)
	}
	if err != nil {
		h.end(Busy)
		return nil, fmt.Errorf("hand over: %w", err)
	}
	time.AfterFunc(handoffWait, func() {
		if h.Heard.Len() == 0 {
			_, _ = h.leave(context.Background(), TimedOut) // the call is in the outcomes
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

// Say sends a message of the user to the gateway and waits for the outcome.
func (h *Handoff) Say(ctx context.Context, text string) (simulator.Outcome, error) {
	if h.How() != "" {
		return simulator.Outcome{}, ErrEnded
	}
	return h.call(ctx, EndpointChat, 0, object{"body": text})
}

// Close ends the hand-off on behalf of the user and waits for the outcome of the call.
func (h *Handoff) Close(ctx context.Context) (simulator.Outcome, error) { return h.leave(ctx, ByUser) }

// How returns how the hand-off ended, "" while it lasts.
func (h *Handoff) How() End {
	if all := h.ends.All(); len(all) > 0 {
		return all[0]
	}
	return ""
}

// Wait waits until the hand-off has ended and returns how it ended. If ctx ends first, it returns an error.
func (h *Handoff) Wait(ctx context.Context) (End, error) {
	_, err := h.ends.Next(ctx, 0)
	return h.How(), err
}

func (h *Handoff) leave(ctx context.Context, how End) (simulator.Outcome, error) {
	if !h.end(how) {
		return simulator.Outcome{}, ErrEnded
	}
	return h.call(ctx, EndpointClose, 0, object{"type": how})
}

// end returns false if the hand-off was over already.
func (h *Handoff) end(how End) bool { return h.during(func() { h.ends.Append(how) }) }

// during calls do, or returns false if the hand-off is over.
func (h *Handoff) during(do func()) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.How() != "" {
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
// is 0, it uses the default. The vendor's page does not state the code for success.
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
