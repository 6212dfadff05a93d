package aicc

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Accept assigns a waiting chat to an agent. It pushes a system text to the customer.
func (s *Simulator) Accept(user, agent string) error {
	return s.withChat(user, func(c *Chat) error {
		c.enter(StateActive)
		c.Agent = agent
		s.record(c, "accepted", Line{Text: agent}, false)
		s.pushText(c, "system", "The call is connected to an agent.", []byte("null"))
		if s.o.ConnectEvent {
			return s.Push(s.message(user, "AGENT", "CONNECT"))
		}
		return nil
	}, StateWaiting)
}

// Say pushes an agent's text and returns its messageCode.
func (s *Simulator) Say(user, text string) (string, error) { return s.SayMedia(user, "TEXT", text) }

// SendFile pushes a file from the agent's disk as IMAGE, AUDIO, VIDEO or DOCUMENT, and returns the messageCode. The
// file's id for downloadFileStream is "local/" followed by the message's content.
func (s *Simulator) SendFile(user, mediaType, fileType string, content []byte) (string, error) {
	id := uuid.NewString()
	s.files.Put(localPrefix+id, File{Type: fileType, Content: content})
	return s.SayMedia(user, mediaType, id)
}

// SayMedia pushes an agent's message of any media type and returns its messageCode. content has the form that the
// vendor's page describes: the id of a file of the media library, or "latitude/longitude/description" for LOCATE.
func (s *Simulator) SayMedia(user, mediaType, content string) (string, error) {
	code := fmt.Sprintf("mc-%d-%d", s.codes.Add(1), time.Now().UnixMilli())
	err := s.withChat(user, func(c *Chat) error {
		m := s.Message(user, "AGENT", "CHAT", mediaType, content)
		m.SenderNickname, m.MessageCode = new(c.Agent), &code
		l := Line{From: "agent", Text: content, MediaType: mediaType, File: s.fileOf(m), MessageCode: code}
		s.record(c, "said", l, false)
		return s.Push(m)
	}, StateActive)
	return code, err
}

// Read pushes a READ event for the messages with these comma-separated ids.
func (s *Simulator) Read(user string, ids string) error {
	return s.withChat(user, func(*Chat) error {
		m := s.message(user, "AGENT", "READ")
		m.Content = &ids
		return s.Push(m)
	}, StateActive)
}

// Hangup closes an active chat as the agent does.
func (s *Simulator) Hangup(user string) error {
	m, err := s.HangupWithoutPush(user)
	if err != nil {
		return err
	}
	return s.Push(m)
}

// HangupWithoutPush closes an active chat as the agent does. It returns the DISCONNECT instead of pushing it.
func (s *Simulator) HangupWithoutPush(user string) (DownLinkMsg, error) {
	m := s.message(user, "AGENT", "DISCONNECT")
	return m, s.withChat(user, func(c *Chat) error {
		c.enter(StateClosed)
		s.record(c, "closed", Line{}, false)
		return nil
	}, StateActive)
}

// TimeOut ends a waiting or active chat as the system does. If async, the vendor's asynchronous switch, is true, the
// push contains a text, and the customer may still leave messages by sendAsync.
func (s *Simulator) TimeOut(user string, async bool) error {
	return s.withChat(user, func(c *Chat) error {
		c.enter(StateClosed)
		s.record(c, "timed out", Line{}, false)
		m := s.message(user, "SYSTEM", "DISCONNECT")
		if async {
			c.enter(StateOffline)
			m.MediaType, m.Content = new("TEXT"), new("No agent answered in time. You can leave a message.")
			m.IsOfflineStatus = &async
		}
		return s.Push(m)
	}, StateWaiting, StateActive)
}

// pushText pushes a text of the robot or the system, and adds it to the chat at the desk. The caller holds s.mu.
func (s *Simulator) pushText(c *Chat, from, text string, callID json.RawMessage) {
	s.record(c, "", Line{From: from, Text: text, MediaType: "TEXT"}, false)
	m := s.Message(c.User, strings.ToUpper(from), "CHAT", "TEXT", text)
	m.SenderNickname, m.CallID = new(strings.ToUpper(from)), callID
	_ = s.Push(m) // fails only if the simulator is closed
}
