package aicc

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// ErrState means that a chat is not in the state that an action needs.
var ErrState = errors.New("chat is not in the right state")

// State is the state of a chat at the desk.
type State string

const (
	StateNone    State = "none"    // the customer has a token, but has not connected
	StateRobot   State = "robot"   // with the robot
	StateWaiting State = "waiting" // in the queue
	StateActive  State = "active"  // with an agent
	StateClosed  State = "closed"  // the agent closed it, or it timed out
	StateOffline State = "offline" // it timed out, but the customer may leave messages by sendAsync
	StateLeft    State = "left"    // a DISCONNECT of the customer ended it
)

// live returns whether a session is open.
func (s State) live() bool { return s == StateRobot || s == StateWaiting || s == StateActive }

// Chat is the chat of one customer at the desk. It continues in later sessions of the customer.
type Chat struct {
	User  string    `json:"user"`
	Name  string    `json:"name"`
	State State     `json:"state"`
	Since time.Time `json:"since"` // start of the state
	Agent string    `json:"agent"`
	Lines []Line    `json:"lines"`
}

func (c *Chat) enter(s State) { c.State, c.Since = s, time.Now() }

// Line is one message of a chat as the desk shows it.
type Line struct {
	At          time.Time `json:"at"`
	From        string    `json:"from"` // customer, agent, robot or system
	Text        string    `json:"text"` // the content, also for media types other than TEXT
	MediaType   string    `json:"mediaType"`
	File        string    `json:"file,omitempty"` // id for Simulator.File, if the content is a file
	MessageCode string    `json:"messageCode,omitempty"`
}

// Event is one event at the desk. Kind is a control type of send (CONNECT, CHAT, TRANS2AGENT, INPUT, READ, DISCONNECT),
// or accepted, said, closed, timed out, hours.
type Event struct {
	Line
	Kind  string
	User  string
	Async bool // sent by sendAsync
}

// Chats returns all chats that have ever connected, in the order of their creation.
func (s *Simulator) Chats() []Chat {
	return s.chatsWhere(func(c *Chat) bool { return c.State != StateNone })
}

// Waiting returns the chats in the queue.
func (s *Simulator) Waiting() []Chat {
	return s.chatsWhere(func(c *Chat) bool { return c.State == StateWaiting })
}

// Chat returns one customer's chat, and false if there is none.
func (s *Simulator) Chat(user string) (Chat, bool) {
	chats := s.chatsWhere(func(c *Chat) bool { return c.User == user })
	if len(chats) == 0 {
		return Chat{}, false
	}
	return chats[0], true
}

// Count returns the number of events of a kind.
func (s *Simulator) Count(kind string) int {
	return len(s.Events.Select(func(e Event) bool { return e.Kind == kind }))
}

func (s *Simulator) chatsWhere(want func(*Chat) bool) []Chat {
	s.mu.Lock()
	defer s.mu.Unlock()
	chats := []Chat{}
	for _, c := range s.chats {
		if want(c) {
			out := *c
			out.Lines = slices.Clip(c.Lines) // lines are append-only
			chats = append(chats, out)
		}
	}
	return chats
}

// chatOf returns the customer's chat, or a new one if there is none. The caller holds s.mu.
func (s *Simulator) chatOf(user string) *Chat {
	i := slices.IndexFunc(s.chats, func(c *Chat) bool { return c.User == user })
	if i < 0 {
		i = len(s.chats)
		s.chats = append(s.chats, &Chat{User: user, State: StateNone})
	}
	return s.chats[i]
}

// withChat calls do with the customer's chat while it holds s.mu. It returns ErrState if the chat is in none of states.
func (s *Simulator) withChat(user string, do func(*Chat) error, states ...State) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.chatOf(user)
	if !slices.Contains(states, c.State) {
		return fmt.Errorf("chat of %s is %s, must be one of %v: %w", user, c.State, states, ErrState)
	}
	return do(c)
}

// record adds l to the chat if From is set, and an event to Events if kind is not empty.
func (s *Simulator) record(c *Chat, kind string, l Line, async bool) {
	l.At = time.Now()
	if l.From != "" {
		c.Lines = append(c.Lines, l)
	}
	if kind != "" {
		s.Events.Append(Event{Line: l, Kind: kind, User: c.User, Async: async})
	}
}
