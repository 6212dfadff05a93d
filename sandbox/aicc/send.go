package aicc

import (
	"cmp"
	"fmt"
	"path"
	"slices"

	"patchbay/sandbox/simulator"
)

// upLink is the body of send and sendAsync. Its timestamp is a string; the timestamp of a push is a number.
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

var (
	controlTypes = []string{"CONNECT", "CHAT", "TRANS2AGENT", "INPUT", "DISCONNECT", "READ"}
	mediaTypes   = []string{"TEXT", "IMAGE", "AUDIO", "VIDEO", "FILE", "FILE_IMAGE", "FILE_VIDEO", "WEBCARD"}
)

// send serves the endpoints send and sendAsync. If the vendor's asynchronous switch is on, a customer may also leave
// messages with sendAsync after the session has timed out.
func (s *Simulator) send(r *simulator.Request, m *upLink) (any, error) {
	m.async = path.Base(r.URL.Path) == EndpointSendAsync
	// The page "Send message" lists the required members and their values.
	if m.Channel != "WEB" || m.SourceType != "CUSTOMER" || m.From == "" || m.To == "" ||
		!slices.Contains(controlTypes, m.ControlType) || !slices.Contains(mediaTypes, m.MediaType) {
		return nil, fmt.Errorf("not a message of a customer: %+v", *m)
	}
	if m.From != r.User {
		return nil, failed(resultFailure, ReasonSend, "from is not the user of the token")
	}
	if m.To != s.o.ChannelID {
		return nil, failed(resultFailure, ReasonNoChannel, "")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	text, err := s.control(s.chatOf(r.User), m)
	if err != nil {
		return nil, err
	}
	return succeeded(text), nil
}

// control executes a customer's message by its control type and returns the result text.
func (s *Simulator) control(c *Chat, m *upLink) (string, error) {
	if m.ControlType == "CONNECT" {
		return s.connect(c)
	}
	if !c.State.live() && (!m.async || c.State != StateOffline) {
		texts := map[string]string{"TRANS2AGENT": ReasonNoSession, "DISCONNECT": ReasonDisconnect}
		return "", failed(resultFailure, cmp.Or(texts[m.ControlType], s.o.NoSession), "there is no session")
	}
	switch m.ControlType {
	case "TRANS2AGENT":
		return s.transfer(c)
	case "DISCONNECT":
		text := "disconnect successfully"
		if c.State == StateRobot {
			text = "Disconnect robot successfully"
		}
		c.enter(StateLeft)
		s.record(c, "DISCONNECT", Line{}, m.async)
		return text, nil
	case "CHAT":
		return s.chat(c, m)
	}
	s.record(c, m.ControlType, Line{Text: m.Content, MediaType: m.MediaType}, m.async)
	return "success", nil
}

// connect moves the customer to the robot, or into the queue if there is no robot. During a session it only records the
// event.
func (s *Simulator) connect(c *Chat) (string, error) {
	if s.o.Robot == nil && s.closed.Load() {
		return "", failed(resultClosed, ReasonClosed, "")
	}
	s.record(c, "CONNECT", Line{}, false)
	if c.State.live() {
		return "success", nil
	}
	c.Agent = ""
	if s.o.Robot != nil {
		c.enter(StateRobot)
		if s.o.Greeting != "" {
			s.pushText(c, "robot", s.o.Greeting, nil)
		}
		return "connect to robot successfully.", nil
	}
	c.enter(StateWaiting)
	s.pushText(c, "system", "Queuing...", nil)
	return "success", nil
}

// transfer moves a customer from the robot into the queue. For a waiting customer it only records the event.
func (s *Simulator) transfer(c *Chat) (string, error) {
	switch {
	case s.closed.Load():
		return "", failed(resultClosed, ReasonClosed, "")
	case c.State == StateActive:
		return "", failed(resultFailure, ReasonWithAgent, "")
	}
	s.record(c, "TRANS2AGENT", Line{}, false)
	if c.State == StateRobot {
		c.enter(StateWaiting)
		s.pushText(c, "system", "Queuing...", nil)
	}
	return "success", nil
}

// chat records a message of the customer. If the chat is with the robot, the robot answers.
func (s *Simulator) chat(c *Chat, m *upLink) (string, error) {
	file, err := s.checkContent(m)
	if err != nil {
		return "", failed(resultFailure, ReasonSend, m.MediaType+" content: "+err.Error())
	}
	s.record(c, "CHAT", Line{From: "customer", Text: m.Content, MediaType: m.MediaType, File: file}, m.async)
	if c.State == StateRobot {
		if answer := s.o.Robot(m.Content); answer != "" {
			s.pushText(c, "robot", answer, nil)
		}
		return "Send message to robot successfully", nil
	}
	return "sendUserMessage successfully.", nil
}
