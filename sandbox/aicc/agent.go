package aicc

import (
	"strconv"
	"strings"
	"time"

	"patchbay/sandbox/simulator"
)

// Accept gives a waiting chat to an agent: the customer gets the message that the call is connected.
func (s *Simulator) Accept(user, agent string) error {
	return s.act(user, func(c *Chat) error {
		c.State, c.Agent = StateActive, agent
		s.event(Event{Kind: "accepted", User: user, Text: agent})
		s.notify(c, "The call is connected to an agent.", func(m *DownLinkMsg) { m.CallID = []byte("null") })
		if s.o.ConnectEvent {
			return s.push(user, s.message(user, "AGENT", "CONNECT"))
		}
		return nil
	}, StateWaiting)
}

// Say sends an agent's text and returns its messageCode.
func (s *Simulator) Say(user, text string) (string, error) { return s.SayMedia(user, "TEXT", text) }

// SendFile sends a file from the agent's disk as IMAGE, AUDIO, VIDEO or DOCUMENT, and returns its messageCode. The file
// can be downloaded as "local/" and the message's content.
func (s *Simulator) SendFile(user, mediaType, fileType string, content []byte) (string, error) {
	id := simulator.UUID()
	s.files.Put(localPrefix+id, File{Type: fileType, Content: content})
	return s.SayMedia(user, mediaType, id)
}

// SayMedia sends an agent's message of any media type. Its content is as the page has it for that type: the id of a
// file of the media library, or "latitude/longitude/description" for LOCATE.
func (s *Simulator) SayMedia(user, mediaType, content string) (string, error) {
	code := "mc-" + strconv.FormatInt(s.codes.Add(1), 10) + "-" + strconv.FormatInt(time.Now().UnixMilli(), 10)
	err := s.act(user, func(c *Chat) error {
		file := s.fileOf(mediaType, content)
		s.line(c, Line{From: "agent", Text: content, MediaType: mediaType, File: file, MessageCode: code})
		s.event(Event{Kind: "said", User: user, Text: content, MediaType: mediaType, File: file})
		m := s.message(user, "AGENT", "CHAT")
		nickname := c.Agent
		m.MediaType, m.Content, m.SenderNickname, m.MessageCode = &mediaType, &content, &nickname, &code
		return s.push(user, m)
	}, StateActive)
	return code, err
}

// Read reports that the agent read these messages, whose ids are separated by commas.
func (s *Simulator) Read(user string, ids string) error {
	return s.act(user, func(*Chat) error {
		m := s.message(user, "AGENT", "READ")
		m.Content = &ids
		return s.push(user, m)
	}, StateActive)
}

// Hangup ends an active chat as the agent does.
func (s *Simulator) Hangup(user string) error {
	return s.act(user, func(c *Chat) error {
		c.State = StateClosed
		s.event(Event{Kind: "closed", User: user})
		return s.push(user, s.message(user, "AGENT", "DISCONNECT"))
	}, StateActive)
}

// TimeOut ends a waiting or active chat as the system does. With async, the vendor's asynchronous switch, the customer
// may still leave messages by sendAsync, and is told so.
func (s *Simulator) TimeOut(user string, async bool) error {
	return s.act(user, func(c *Chat) error {
		c.State = StateClosed
		s.event(Event{Kind: "timed out", User: user})
		m := s.message(user, "SYSTEM", "DISCONNECT")
		if async {
			c.State = StateOffline
			text, tip := "TEXT", "No agent answered in time. You can leave a message."
			m.MediaType, m.Content, m.IsOfflineStatus = &text, &tip, &async
		}
		return s.push(user, m)
	}, StateWaiting, StateActive)
}

// robotSays pushes a text of the robot, "" for none. The desk's lock is held.
func (s *Simulator) robotSays(c *Chat, text string) {
	if text != "" {
		s.pushText(c, "robot", "Robot", text, nil)
	}
}

// notify pushes a system text. The desk's lock is held.
func (s *Simulator) notify(c *Chat, text string, change func(*DownLinkMsg)) {
	s.pushText(c, "system", "SYSTEM", text, change)
}

// pushText pushes a text that no agent wrote, and shows it at the desk.
func (s *Simulator) pushText(c *Chat, from, nickname, text string, change func(*DownLinkMsg)) {
	s.line(c, Line{From: from, Text: text, MediaType: "TEXT"})
	m := s.message(c.User, strings.ToUpper(from), "CHAT")
	kind := "TEXT"
	m.MediaType, m.Content, m.SenderNickname = &kind, &text, &nickname
	if change != nil {
		change(&m)
	}
	_ = s.push(c.User, m) // fails only if the simulator is closed
}
