package botwebhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"patchbay/sandbox/push"
	"patchbay/sandbox/record"
)

// ErrBusy says that the gateway did not take a hand-off: the user is told that everybody is busy.
var ErrBusy = errors.New("hand-off is not taken")

// ErrEnded says that a hand-off is over.
var ErrEnded = errors.New("hand-off has ended")

// End is how a hand-off came to its end.
type End string

// The ends. The first two are types of the close call.
const (
	TimedOut  End = "TIMEOUT"     // nobody spoke within Human.Wait, or Handoff.Expire
	ByUser    End = "USER_CLOSED" // Handoff.Close
	ByAgent   End = "agent"       // the gateway's call
	Busy      End = "busy"        // establish was not answered as it must be
	Abandoned End = "abandoned"   // the simulator was closed
)

// User is whose dialogue is handed over. What is empty is null in the call.
type User struct {
	UserID      string // the gateway's own id of the user, if it has one
	AnonymousID string
	Phone       string
	Email       string // default, outside of user_info: support@gptbots.ai
	Said        []Line // the dialogue so far
}

// Line is one message of the dialogue before the hand-off.
type Line struct {
	Type string `json:"message_type"` // QUESTION or ANSWER
	Text string `json:"text"`
}

// Heard is one message of a person at the gateway's side.
type Heard struct {
	At        time.Time
	Text      string
	Timestamp int64 // the caller's, in milliseconds
}

// Handoff is one dialogue in the hands of people. It is safe for concurrent use.
type Handoff struct {
	ID   string // differs from the conversation's id
	User User
	// Heard lists what the people said, in order.
	Heard record.Log[Heard]

	s     *Simulator
	ended chan struct{} // closed at the end

	mu    sync.Mutex
	how   End         // "" while it lasts
	timer *time.Timer // runs from establish until somebody speaks
}

// Handoff hands user's dialogue over: it calls establish, once, and waits for the answer. ErrBusy says that it was not
// taken. If nobody speaks within Human.Wait, the hand-off ends with a close call of type TIMEOUT. The gateway may
// speak and end it before this returns.
func (s *Simulator) Handoff(ctx context.Context, user User) (*Handoff, error) {
	h := &Handoff{ID: newID(), User: user, s: s, ended: make(chan struct{})}
	body, err := h.opening()
	if err != nil {
		return nil, err
	}
	s.handoffs.Store(h.ID, h)
	c := s.humanCall(EndpointEstablish, body)
	c.Attempts = 1
	out, err := s.pusher.Do(ctx, h.ID, c)
	if err == nil && !out.Accepted {
		err = fmt.Errorf("%w: status %d: %.100s", ErrBusy, out.Status, out.Answer)
	}
	if err != nil {
		h.end(Busy)
		return nil, fmt.Errorf("hand over to %s: %w", c.URL, err)
	}
	h.await()
	return h, nil
}

// opening is the body of the establish call.
func (h *Handoff) opening() ([]byte, error) {
	u := h.User
	email := u.Email
	if email == "" {
		email = "support@gptbots.ai"
	}
	lines := u.Said
	if lines == nil {
		lines = []Line{}
	}
	body, err := json.Marshal(map[string]any{
		"conversation_id": h.ID, "timestamp": time.Now().UnixMilli(), "email": email,
		"bot_id": h.s.o.Human.BotID, "body": lines,
		"user_info": map[string]*string{
			"phone": orNull(u.Phone), "email": orNull(u.Email),
			"user_id": orNull(u.UserID), "anonymous_id": orNull(u.AnonymousID),
		},
	})
	if err != nil {
		return nil, fmt.Errorf("encode hand-off: %w", err)
	}
	return body, nil
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// Say passes on what the user says. It returns when the call ended.
func (h *Handoff) Say(ctx context.Context, text string) (push.Outcome, error) {
	if h.How() != "" {
		return push.Outcome{}, ErrEnded
	}
	return h.call(ctx, EndpointChat, map[string]any{"body": text})
}

// Close has the user leave. It returns when the call ended.
func (h *Handoff) Close(ctx context.Context) (push.Outcome, error) { return h.leave(ctx, ByUser) }

// Expire ends the hand-off as if the user had been silent for too long. It returns when the call ended.
func (h *Handoff) Expire(ctx context.Context) (push.Outcome, error) { return h.leave(ctx, TimedOut) }

// How returns how the hand-off ended, "" while it lasts.
func (h *Handoff) How() End {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.how
}

// Wait returns how the hand-off ended as soon as it has, or an error when ctx ends.
func (h *Handoff) Wait(ctx context.Context) (End, error) {
	select {
	case <-h.ended:
		return h.How(), nil
	case <-ctx.Done():
		return "", fmt.Errorf("wait for the end of hand-off %s: %w", h.ID, ctx.Err())
	}
}

func (h *Handoff) leave(ctx context.Context, how End) (push.Outcome, error) {
	if !h.end(how) {
		return push.Outcome{}, ErrEnded
	}
	return h.call(ctx, EndpointClose, map[string]any{"type": how})
}

// call makes a call with these members and those that all calls have, behind the hand-off's other calls.
func (h *Handoff) call(ctx context.Context, endpoint string, members map[string]any) (push.Outcome, error) {
	c, err := h.prepare(endpoint, members)
	if err != nil {
		return push.Outcome{}, err
	}
	return h.s.pusher.Do(ctx, h.ID, c)
}

func (h *Handoff) prepare(endpoint string, members map[string]any) (push.Call, error) {
	members["conversation_id"], members["timestamp"] = h.ID, time.Now().UnixMilli()
	body, err := json.Marshal(members)
	if err != nil {
		return push.Call{}, fmt.Errorf("encode %s: %w", endpoint, err)
	}
	return h.s.humanCall(endpoint, body), nil
}
