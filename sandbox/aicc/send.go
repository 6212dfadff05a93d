package aicc

import (
	"fmt"
	"net/http"
	"slices"
)

var controlTypes = []string{"CONNECT", "CHAT", "TRANS2AGENT", "INPUT", "DISCONNECT", "READ"}

var mediaTypes = []string{
	"TEXT", "IMAGE", "AUDIO", "VIDEO", "FILE", "FILE_IMAGE", "FILE_VIDEO", "WEBCARD",
}

// upLink is the body of send and sendAsync. The timestamp is a string here, unlike on the way down.
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
}

// check names the field that breaks the page's table, "" if none does.
func (m upLink) check() string {
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

// send returns the handler of send, or of sendAsync, which also takes what a customer leaves behind after a time-out
// with the asynchronous switch on.
func (s *Simulator) send(async bool) func(http.ResponseWriter, *http.Request, string) {
	return func(w http.ResponseWriter, r *http.Request, user string) {
		var m upLink
		if !s.read(w, r, &m) {
			return
		}
		if problem := m.check(); problem != "" {
			s.refuse(w, http.StatusBadRequest, problem)
			return
		}
		if m.From != user {
			s.result(w, failed(ReasonSend, "from is not the user of the token"))
			return
		}
		if m.To != s.o.ChannelID {
			s.result(w, failed(ReasonNoChannel, ""))
			return
		}
		s.result(w, s.control(m, async))
	}
}

// control does what a customer's message asks for.
func (s *Simulator) control(m upLink, async bool) result {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r, ok := s.refusal(m.ControlType); ok {
		return result{code: r.Code, text: r.Text}
	}
	c := s.desk[m.From]
	if c == nil { // the token is older than the desk's memory of the user
		c = &Chat{User: m.From, Name: m.SenderNickname, State: StateNone}
		s.desk[m.From] = c
		s.order = append(s.order, m.From)
	}
	if m.ControlType == "CONNECT" {
		return s.connect(c)
	}
	if !c.State.live() && (!async || c.State != StateOffline) {
		return s.notLive(m.ControlType)
	}
	switch m.ControlType {
	case "TRANS2AGENT":
		return s.transfer(c)
	case "DISCONNECT":
		return s.leave(c)
	case "CHAT":
		return s.chat(c, m, async)
	case "READ":
		c.read(m.Content)
	}
	s.happened(Event{Kind: m.ControlType, User: c.User, Text: m.Content, MediaType: m.MediaType, Async: async})
	return succeeded("success")
}

func (s *Simulator) notLive(control string) result {
	switch control {
	case "TRANS2AGENT":
		return failed(ReasonNoSession, "")
	case "DISCONNECT":
		return failed(ReasonDisconnect, "there is no session")
	}
	return failed(s.o.NoSession, "there is no session")
}

// connect brings the customer to the robot if there is one, else into the queue. A second CONNECT of a live session
// changes nothing.
func (s *Simulator) connect(c *Chat) result {
	if s.o.Robot == nil && s.closed.Load() {
		return result{code: resultClosed, text: ReasonClosed}
	}
	if c.State == StateActive && s.o.RefuseRepeats {
		return failed(ReasonWithAgent, "")
	}
	s.connects.Add(1)
	s.happened(Event{Kind: "CONNECT", User: c.User})
	if c.State.live() {
		return succeeded("success")
	}
	c.Agent, c.Since = "", s.o.Now()
	c.Sessions++
	if s.o.Robot != nil {
		c.State = StateRobot
		if s.o.Greeting != "" {
			s.robotSays(c, RobotAnswer{Text: s.o.Greeting})
		}
		return succeeded("connect to robot successfully.")
	}
	c.State = StateWaiting
	s.tell(c, "Queuing...", nil)
	return succeeded("success")
}

// transfer brings a customer from the robot into the queue. Who waits there already stays.
func (s *Simulator) transfer(c *Chat) result {
	switch {
	case s.closed.Load():
		return result{code: resultClosed, text: ReasonClosed}
	case c.State == StateActive:
		return failed(ReasonWithAgent, "")
	}
	s.happened(Event{Kind: "TRANS2AGENT", User: c.User})
	if c.State == StateRobot {
		c.State, c.Since = StateWaiting, s.o.Now()
		s.tell(c, "Queuing...", nil)
	}
	return succeeded("success")
}

func (s *Simulator) leave(c *Chat) result {
	text := "disconnect successfully"
	if c.State == StateRobot {
		text = "Disconnect robot successfully"
	}
	c.State = StateLeft
	s.disconnects.Add(1)
	s.happened(Event{Kind: "DISCONNECT", User: c.User})
	return succeeded(text)
}

// chat takes a message that the customer says.
func (s *Simulator) chat(c *Chat, m upLink, async bool) result {
	file, problem := s.content(m, async)
	if problem != "" {
		return failed(ReasonSend, m.MediaType+" content: "+problem)
	}
	s.chats.Add(1)
	s.line(c, Line{From: "customer", Text: m.Content, MediaType: m.MediaType, File: file})
	s.happened(Event{Kind: "CHAT", User: c.User, Text: m.Content, MediaType: m.MediaType, File: file, Async: async})
	if c.State == StateRobot {
		s.robotSays(c, s.o.Robot(m.Content))
		return succeeded("Send message to robot successfully")
	}
	return succeeded("sendUserMessage successfully.")
}

func (s *Simulator) inSession(user string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.desk[user]
	return c != nil && (c.State.live() || c.State == StateOffline)
}
