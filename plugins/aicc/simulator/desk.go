package simulator

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// ErrState says that a chat is not in the state that an action needs.
var ErrState = errors.New("chat is not in the right state")

// State is where a chat stands at the desk.
type State string

// The states.
const (
	StateNone    State = "none"    // has a token, never connected
	StateWaiting State = "waiting" // in the queue
	StateActive  State = "active"  // an agent has it
	StateClosed  State = "closed"  // the agent closed it, or it timed out
	StateLeft    State = "left"    // the customer's side disconnected
)

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
	From        string    `json:"from"` // customer, agent or system
	Text        string    `json:"text"`
	MediaType   string    `json:"mediaType"`
	MessageCode string    `json:"messageCode,omitempty"`
}

// Event is one thing that happened at the desk. Kind is a control type of the way up (CONNECT,
// CHAT, TRANS2AGENT, INPUT, READ, DISCONNECT), or accepted, said, closed, timed out, hours.
type Event struct {
	At        time.Time
	Kind      string
	User      string
	Text      string
	MediaType string
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
	out.Lines = slices.Clip(c.Lines) // lines are only ever added
	return out
}

// Accept gives a waiting chat to an agent: the customer is told that the call is connected.
func (s *Simulator) Accept(user, agent string) error {
	return s.act(user, StateWaiting, func(c *Chat) error {
		c.State, c.Agent, c.Since = StateActive, agent, s.o.Now()
		s.happened(Event{Kind: "accepted", User: user, Text: agent})
		s.tell(c, "The call is connected to an agent.", func(m *DownLinkMsg) { m.CallID = []byte("null") })
		if s.o.ConnectEvent {
			return s.push(user, s.message(user, "AGENT", "CONNECT"))
		}
		return nil
	})
}

// Say sends an agent's text and returns its messageCode.
func (s *Simulator) Say(user, text string) (string, error) { return s.SayMedia(user, "TEXT", text) }

// SayMedia sends an agent's message of any media type; content is what the page says for that type.
func (s *Simulator) SayMedia(user, mediaType, content string) (string, error) {
	code := "mc-" + strconv.FormatInt(s.codes.Add(1), 10) + "-" + strconv.FormatInt(s.o.Now().UnixMilli(), 10)
	err := s.act(user, StateActive, func(c *Chat) error {
		s.line(c, Line{From: "agent", Text: content, MediaType: mediaType, MessageCode: code})
		s.happened(Event{Kind: "said", User: user, Text: content, MediaType: mediaType})
		m := s.message(user, "AGENT", "CHAT")
		nickname := c.Agent
		m.MediaType, m.Content, m.SenderNickname, m.MessageCode = &mediaType, &content, &nickname, &code
		return s.push(user, m)
	})
	return code, err
}

// Read reports that the agent read these messages.
func (s *Simulator) Read(user string, ids string) error {
	return s.act(user, StateActive, func(*Chat) error {
		m := s.message(user, "AGENT", "READ")
		m.Content = &ids
		return s.push(user, m)
	})
}

// Hangup ends an active chat as the agent does.
func (s *Simulator) Hangup(user string) error {
	return s.act(user, StateActive, func(c *Chat) error {
		c.State = StateClosed
		s.happened(Event{Kind: "closed", User: user})
		return s.push(user, s.message(user, "AGENT", "DISCONNECT"))
	})
}

// TimeOut ends a waiting or active chat as the system does. With async the customer may still leave
// messages, and is told so.
func (s *Simulator) TimeOut(user string, async bool) error {
	return s.act(user, "", func(c *Chat) error {
		if c.State != StateWaiting && c.State != StateActive {
			return fmt.Errorf("time out chat of %s, which is %s: %w", user, c.State, ErrState)
		}
		c.State = StateClosed
		s.happened(Event{Kind: "timed out", User: user})
		m := s.message(user, "SYSTEM", "DISCONNECT")
		if async {
			text, tip := "TEXT", "No agent answered in time. You can leave a message."
			m.MediaType, m.Content, m.IsOfflineStatus = &text, &tip, &async
		}
		return s.push(user, m)
	})
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
