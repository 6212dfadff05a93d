package aicc

import (
	"fmt"
	"net/http"
	"path"
	"slices"

	"patchbay/sandbox/simulator"
)

var controlTypes = []string{"CONNECT", "CHAT", "TRANS2AGENT", "INPUT", "DISCONNECT", "READ"}

var mediaTypes = []string{
	"TEXT", "IMAGE", "AUDIO", "VIDEO", "FILE", "FILE_IMAGE", "FILE_VIDEO", "WEBCARD",
}

// upLink is the body of send and sendAsync. The timestamp is a string here, unlike in a push.
type upLink struct {
	Channel        string `json:"channel"`
	Content        string `json:"content"`
	ControlType    string `json:"controlType"`
	From           string `json:"from"`
	MediaType      string `json:"mediaType"`
	SenderNickname string `json:"senderNickname"`
	SenderAvatar   string `json:"senderAvatar"`
	SourceType     string `json:"sourceType"`
	Timestamp      string `json:"timestamp"`
	To             string `json:"to"`
	UserAgent      string `json:"userAgent"`

	async bool // sent by sendAsync
}

// check returns the problem of a message that breaks the page's table, "" if there is none.
func (m *upLink) check() string {
	switch {
	case m.Channel != "WEB":
		return "channel must be WEB"
	case !slices.Contains(controlTypes, m.ControlType):
		return fmt.Sprintf("controlType %q is not known", m.ControlType)
	case !slices.Contains(mediaTypes, m.MediaType):
		return fmt.Sprintf("mediaType %q is not known", m.MediaType)
	case m.SourceType != "CUSTOMER":
		return "sourceType must be CUSTOMER"
	case m.From == "" || m.To == "":
		return "from and to are required"
	}
	return ""
}

// send serves send and sendAsync, which also takes messages that a customer leaves after a time-out with the
// asynchronous switch on.
func (s *Simulator) send(r *simulator.Request, user string) (any, error) {
	m := upLink{async: path.Base(r.URL.Path) == EndpointSendAsync}
	if err := r.Decode(&m); err != nil {
		return nil, refused(http.StatusBadRequest, err.Error())
	}
	if problem := m.check(); problem != "" {
		return nil, refused(http.StatusBadRequest, problem)
	}
	if m.From != user {
		return nil, failed(resultFailure, ReasonSend, "from is not the user of the token")
	}
	if m.To != s.o.ChannelID {
		return nil, failed(resultFailure, ReasonNoChannel, "")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	text, err := s.control(s.chatOf(user), &m)
	if err != nil {
		return nil, err
	}
	return succeeded(text), nil
}

// control does what a customer's message asks for, and returns the text of the result.
func (s *Simulator) control(c *Chat, m *upLink) (string, error) {
	if m.ControlType == "CONNECT" {
		return s.connect(c)
	}
	if !c.State.live() && (!m.async || c.State != StateOffline) {
		text, ok := map[string]string{"TRANS2AGENT": ReasonNoSession, "DISCONNECT": ReasonDisconnect}[m.ControlType]
		if !ok {
			text = s.o.NoSession
		}
		return "", failed(resultFailure, text, "there is no session")
	}
	switch m.ControlType {
	case "TRANS2AGENT":
		return s.transfer(c)
	case "DISCONNECT":
		text := "disconnect successfully"
		if c.State == StateRobot {
			text = "Disconnect robot successfully"
		}
		c.State = StateLeft
		s.event(Event{Kind: "DISCONNECT", User: c.User})
		return text, nil
	case "CHAT":
		return s.chat(c, m)
	}
	s.event(Event{Kind: m.ControlType, User: c.User, Text: m.Content, MediaType: m.MediaType, Async: m.async})
	return "success", nil
}

// connect brings the customer to the robot if there is one, else into the queue. A second CONNECT of a live session
// changes nothing.
func (s *Simulator) connect(c *Chat) (string, error) {
	if s.o.Robot == nil && s.closed.Load() {
		return "", failed(resultClosed, ReasonClosed, "")
	}
	s.event(Event{Kind: "CONNECT", User: c.User})
	if c.State.live() {
		return "success", nil
	}
	c.Agent = ""
	if s.o.Robot != nil {
		c.State = StateRobot
		s.robotSays(c, s.o.Greeting)
		return "connect to robot successfully.", nil
	}
	c.State = StateWaiting
	s.notify(c, "Queuing...", nil)
	return "success", nil
}

// transfer brings a customer from the robot into the queue. It changes nothing for one who waits there already.
func (s *Simulator) transfer(c *Chat) (string, error) {
	switch {
	case s.closed.Load():
		return "", failed(resultClosed, ReasonClosed, "")
	case c.State == StateActive:
		return "", failed(resultFailure, ReasonWithAgent, "")
	}
	s.event(Event{Kind: "TRANS2AGENT", User: c.User})
	if c.State == StateRobot {
		c.State = StateWaiting
		s.notify(c, "Queuing...", nil)
	}
	return "success", nil
}

// chat takes a message of the customer.
func (s *Simulator) chat(c *Chat, m *upLink) (string, error) {
	file, err := s.content(m)
	if err != nil {
		return "", failed(resultFailure, ReasonSend, m.MediaType+" content: "+err.Error())
	}
	s.line(c, Line{From: "customer", Text: m.Content, MediaType: m.MediaType, File: file})
	s.event(Event{Kind: "CHAT", User: c.User, Text: m.Content, MediaType: m.MediaType, File: file, Async: m.async})
	if c.State == StateRobot {
		s.robotSays(c, s.o.Robot(m.Content))
		return "Send message to robot successfully", nil
	}
	return "sendUserMessage successfully.", nil
}
