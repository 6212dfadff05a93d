package aicc

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// ErrState says that a chat is not in the state that an action needs.
var ErrState = errors.New("chat is not in the right state")

// State is where a chat stands at the desk.
type State string

// The states.
const (
	StateNone    State = "none"    // has a token, never connected
	StateRobot   State = "robot"   // talks with the robot
	StateWaiting State = "waiting" // in the queue
	StateActive  State = "active"  // an agent has it
	StateClosed  State = "closed"  // the agent closed it, or it timed out
	StateOffline State = "offline" // it timed out, but the customer may leave messages by sendAsync
	StateLeft    State = "left"    // the customer's side disconnected
)

// live says whether there is a session.
func (s State) live() bool { return s == StateRobot || s == StateWaiting || s == StateActive }

// Chat is one customer at the desk.
type Chat struct {
	User     string    `json:"user"`
	Name     string    `json:"name"`
	State    State     `json:"state"`
	Agent    string    `json:"agent"`
	Since    time.Time `json:"since"`    // when the present state's session began
	Sessions int       `json:"sessions"` // how often the customer came into the queue
	Lines    []Line    `json:"lines"`
}

// Line is one line of a chat as the agent sees it.
type Line struct {
	At          time.Time `json:"at"`
	From        string    `json:"from"` // customer, agent, robot or system
	Text        string    `json:"text"` // the content, whatever the media type
	MediaType   string    `json:"mediaType"`
	File        string    `json:"file,omitempty"` // id for Simulator.File, if there is a file in it
	MessageCode string    `json:"messageCode,omitempty"`
	Read        bool      `json:"read,omitempty"` // the customer's side reported this agent's message as read
}

// Event is one thing that happened at the desk. Kind is a control type of the way up (CONNECT,
// CHAT, TRANS2AGENT, INPUT, READ, DISCONNECT), or accepted, said, closed, timed out, hours.
type Event struct {
	At        time.Time
	Kind      string
	User      string
	Text      string
	MediaType string
	File      string // id for Simulator.File, if there is a file in it
	Async     bool   // came by sendAsync
}

// Chats returns all chats that ever connected, in the order of their first call.
func (s *Simulator) Chats() []Chat { return s.list(func(c *Chat) bool { return c.State != StateNone }) }

// Waiting returns the chats in the queue.
func (s *Simulator) Waiting() []Chat {
	return s.list(func(c *Chat) bool { return c.State == StateWaiting })
}

// Chat returns one customer's chat, and false if there is none.
func (s *Simulator) Chat(user string) (Chat, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.desk[user]
	if c == nil {
		return Chat{}, false
	}
	return snapshot(c), true
}

func (s *Simulator) list(want func(*Chat) bool) []Chat {
	s.mu.Lock()
	defer s.mu.Unlock()
	chats := []Chat{}
	for _, user := range s.order {
		if c := s.desk[user]; want(c) {
			chats = append(chats, snapshot(c))
		}
	}
	return chats
}

func snapshot(c *Chat) Chat {
	out := *c
	out.Lines = slices.Clip(c.Lines) // lines are only ever added, or replaced all together
	return out
}

// read marks the agent's messages with these codes, which are separated by commas.
func (c *Chat) read(codes string) {
	lines := slices.Clone(c.Lines)
	for code := range strings.SplitSeq(codes, ",") {
		for i, l := range lines {
			lines[i].Read = l.Read || l.MessageCode != "" && l.MessageCode == strings.TrimSpace(code)
		}
	}
	c.Lines = lines
}

// act runs do under the desk's lock, if the chat is in state need ("" means any).
func (s *Simulator) act(user string, need State, do func(*Chat) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.desk[user]
	if c == nil {
		return fmt.Errorf("chat of %s: no such chat: %w", user, ErrState)
	}
	if need != "" && c.State != need {
		return fmt.Errorf("chat of %s is %s, not %s: %w", user, c.State, need, ErrState)
	}
	return do(c)
}

// tell pushes a system text and shows it at the desk.
func (s *Simulator) tell(c *Chat, text string, change func(*DownLinkMsg)) {
	s.line(c, Line{From: "system", Text: text, MediaType: "TEXT"})
	m := s.message(c.User, "SYSTEM", "CHAT")
	kind, nickname := "TEXT", "SYSTEM"
	m.MediaType, m.Content, m.SenderNickname = &kind, &text, &nickname
	if change != nil {
		change(&m)
	}
	// The only error is that the simulator was closed: then nobody listens any more.
	_ = s.push(c.User, m)
}

func (s *Simulator) line(c *Chat, l Line) {
	if s.o.Discard {
		return
	}
	l.At = s.o.Now()
	c.Lines = append(c.Lines, l)
}

func (s *Simulator) happened(e Event) {
	if s.o.Discard {
		return
	}
	e.At = s.o.Now()
	s.Events.Append(e)
}
