package simulator

import (
	"fmt"
	"net/http"
	"slices"
)

// Result codes of send.
const (
	resultOK      = "0"
	resultClosed  = "12" // outside the agents' working hours
	resultFailure = "13" // with a reason as text
)

// maxText is the most that a TEXT message takes: 1 KB, read as bytes of UTF-8.
const maxText = 1 << 10

var controlTypes = []string{"CONNECT", "CHAT", "TRANS2AGENT", "INPUT", "DISCONNECT", "READ"}

var mediaTypes = []string{
	"TEXT", "IMAGE", "AUDIO", "VIDEO", "FILE", "FILE_IMAGE", "FILE_VIDEO", "WEBCARD",
}

// upLink is the body of send. The timestamp is a string here, unlike on the way down.
type upLink struct {
	Channel        string `json:"channel"`
	Content        string `json:"content"`
	ControlType    string `json:"controlType"`
	From           string `json:"from"`
	MediaType      string `json:"mediaType"`
	SenderNickname string `json:"senderNickname"`
	SourceType     string `json:"sourceType"`
	Timestamp      string `json:"timestamp"`
	To             string `json:"to"`
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

func (s *Simulator) send(w http.ResponseWriter, r *http.Request) {
	user, v := s.tokens.checkUser(r.Header.Get("ccmessaging-token"), s.o.Now())
	if v == tokenUnknown || v == tokenExpired && !s.inSession(user) {
		s.refuse(w, http.StatusUnauthorized, "ccmessaging-token is not valid")
		return
	}
	var m upLink
	if !s.read(w, r, &m) {
		return
	}
	if problem := m.check(); problem != "" {
		s.refuse(w, http.StatusBadRequest, problem)
		return
	}
	if v == tokenExpired {
		w.Header().Set("ccmessaging-token", s.tokens.newUser(user, s.o.Now().Add(s.o.UserTokenTTL)))
	}
	if m.From != user {
		s.result(w, resultFailure, "from is not the user of the token")
		return
	}
	if m.To != s.o.ChannelID {
		s.result(w, resultFailure, "no channel configuration")
		return
	}
	code, text := s.control(m)
	s.result(w, code, text)
}

// control does what a customer's message asks for and returns the result.
func (s *Simulator) control(m upLink) (code, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.desk[m.From]
	if c == nil { // the token is older than the desk's memory of the user
		c = &Chat{User: m.From, Name: m.SenderNickname, State: StateNone}
		s.desk[m.From] = c
		s.order = append(s.order, m.From)
	}
	live := c.State == StateWaiting || c.State == StateActive
	switch m.ControlType {
	case "CONNECT":
		return s.connect(c, live)
	case "TRANS2AGENT":
		return s.transfer(c, live)
	case "DISCONNECT":
		if !live {
			return resultFailure, "disconnect failed"
		}
		c.State = StateLeft
		s.disconnects.Add(1)
	case "CHAT":
		if !live {
			return resultFailure, "session expired"
		}
		if m.MediaType == "TEXT" && len(m.Content) > maxText {
			return resultFailure, "content is too long"
		}
		s.chats.Add(1)
		s.line(c, Line{From: "customer", Text: m.Content, MediaType: m.MediaType})
	default: // INPUT and READ
		if !live {
			return resultFailure, "session expired"
		}
	}
	s.happened(Event{Kind: m.ControlType, User: c.User, Text: m.Content, MediaType: m.MediaType})
	return resultOK, "success"
}

// connect puts the customer into the queue. A second CONNECT of a live session changes nothing.
func (s *Simulator) connect(c *Chat, live bool) (code, text string) {
	if s.closed.Load() {
		return resultClosed, "not in the working hours of agents"
	}
	s.connects.Add(1)
	s.happened(Event{Kind: "CONNECT", User: c.User})
	if live {
		return resultOK, "success"
	}
	c.State, c.Agent, c.Since = StateWaiting, "", s.o.Now()
	c.Sessions++
	s.tell(c, "Queuing...", nil)
	return resultOK, "success"
}

func (s *Simulator) transfer(c *Chat, live bool) (code, text string) {
	if s.closed.Load() {
		return resultClosed, "not in the working hours of agents"
	}
	if !live {
		return resultFailure, "session expired"
	}
	if c.State == StateActive {
		return resultFailure, "already with an agent"
	}
	s.happened(Event{Kind: "TRANS2AGENT", User: c.User})
	return resultOK, "success"
}

func (s *Simulator) inSession(user string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.desk[user]
	return c != nil && (c.State == StateWaiting || c.State == StateActive)
}
