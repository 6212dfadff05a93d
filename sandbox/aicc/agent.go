package aicc

import (
	"fmt"
	"strconv"
)

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

// SendFile sends a file from the agent's disk as IMAGE, AUDIO, VIDEO or DOCUMENT, and returns its messageCode. The file
// can be downloaded as "local/" and the message's content.
func (s *Simulator) SendFile(user, mediaType, fileType string, content []byte) (string, error) {
	id := newObjectKey()
	s.files.put(localPrefix+id, File{Type: fileType, Content: content})
	return s.SayMedia(user, mediaType, id)
}

// SayMedia sends an agent's message of any media type; content is what the page says for that type: the id of a file of
// the media library, or "latitude/longitude/description" for LOCATE.
func (s *Simulator) SayMedia(user, mediaType, content string) (string, error) {
	code := "mc-" + strconv.FormatInt(s.codes.Add(1), 10) + "-" + strconv.FormatInt(s.o.Now().UnixMilli(), 10)
	err := s.act(user, StateActive, func(c *Chat) error {
		file := s.fileOf(mediaType, content)
		s.line(c, Line{From: "agent", Text: content, MediaType: mediaType, File: file, MessageCode: code})
		s.happened(Event{Kind: "said", User: user, Text: content, MediaType: mediaType, File: file})
		m := s.message(user, "AGENT", "CHAT")
		nickname := c.Agent
		m.MediaType, m.Content, m.SenderNickname, m.MessageCode = &mediaType, &content, &nickname, &code
		return s.push(user, m)
	})
	return code, err
}

// Typing reports that the agent is typing. The push page does not list INPUT; the page pushMsg speaks of it.
func (s *Simulator) Typing(user string) error {
	return s.act(user, StateActive, func(*Chat) error { return s.push(user, s.message(user, "AGENT", "INPUT")) })
}

// Read reports that the agent read these messages, whose ids are separated by commas.
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

// TimeOut ends a waiting or active chat as the system does. With async, which is the vendor's asynchronous switch, the
// customer may still leave messages by sendAsync, and is told so.
func (s *Simulator) TimeOut(user string, async bool) error {
	return s.act(user, "", func(c *Chat) error {
		if c.State != StateWaiting && c.State != StateActive {
			return fmt.Errorf("time out chat of %s, which is %s: %w", user, c.State, ErrState)
		}
		c.State = StateClosed
		s.happened(Event{Kind: "timed out", User: user})
		m := s.message(user, "SYSTEM", "DISCONNECT")
		if async {
			c.State = StateOffline
			text, tip := "TEXT", "No agent answered in time. You can leave a message."
			m.MediaType, m.Content, m.IsOfflineStatus = &text, &tip, &async
		}
		return s.push(user, m)
	})
}
