package botwebhook

import (
	"context"
	"net/http"
	"slices"
	"time"
	"unicode/utf8"
)

const (
	maxUserID = 32 // characters, page "Create conversation"
	// maxQuestion stands for the agent's token limit, whose size the vendor leaves to each agent; in bytes.
	maxQuestion = 256 << 10
)

// modes are the values of response_mode.
var modes = []string{"blocking", "streaming", "webhook"}

func (s *Simulator) create(_ context.Context, body []byte) (any, error) {
	var in struct {
		UserID string `json:"user_id"`
	}
	if err := s.decode(body, &in); err != nil {
		return nil, err
	}
	if n := utf8.RuneCountInString(in.UserID); n == 0 || n > maxUserID {
		return nil, badParameters("user_id: %d characters, must be 1 to %d", n, maxUserID)
	}
	c := Conversation{ID: newID(), UserID: in.UserID}
	s.conversations.Store(c.ID, c)
	s.created.Add(1)
	if !s.o.Discard {
		s.Created.Append(c)
	}
	return map[string]string{"conversation_id": c.ID}, nil
}

// sendV1 is the older call: one text, and files beside it.
func (s *Simulator) sendV1(_ context.Context, body []byte) (any, error) {
	var in struct {
		ConversationID  string     `json:"conversation_id"`
		ResponseMode    string     `json:"response_mode"`
		Text            string     `json:"text"`
		Files           []wireFile `json:"files"`
		ImageConfigs    []wireFile `json:"image_configs"` // in place of files in an older copy of the page
		ShortTermMemory *bool      `json:"short_term_memory"`
		LongTermMemory  *bool      `json:"long_term_memory"`
		Knowledge       *struct {
			DataIDs []string `json:"data_ids"`
		} `json:"knowledge"`
	}
	if err := s.decode(body, &in); err != nil {
		return nil, err
	}
	if in.Text == "" && len(in.Files)+len(in.ImageConfigs) == 0 {
		return nil, badParameters("text: missing, and there are no files")
	}
	said := Message{Role: "user", Text: in.Text}
	for i, f := range append(in.Files, in.ImageConfigs...) {
		m, err := f.media(i >= len(in.Files))
		if err != nil {
			return nil, badParameters("files[%d]: %v", i, err)
		}
		said.Media = append(said.Media, m)
	}
	config := Config{ShortTermMemory: in.ShortTermMemory, LongTermMemory: in.LongTermMemory}
	if in.Knowledge != nil {
		config.Knowledge = &Knowledge{DataIDs: in.Knowledge.DataIDs}
	}
	return s.ask(in.ConversationID, Asked{
		Messages: []Message{said}, Mode: in.ResponseMode, Version: 1, Config: config, Body: body,
	})
}

func (s *Simulator) sendV2(_ context.Context, body []byte) (any, error) {
	var in struct {
		ConversationID string        `json:"conversation_id"`
		ResponseMode   string        `json:"response_mode"`
		Messages       []wireMessage `json:"messages"`
		Config         Config        `json:"conversation_config"`
	}
	if err := s.decode(body, &in); err != nil {
		return nil, err
	}
	messages, err := s.parseMessages(in.Messages)
	if err != nil {
		return nil, err
	}
	return s.ask(in.ConversationID, Asked{
		Messages: messages, Mode: in.ResponseMode, Version: 2, Config: in.Config, Body: body,
	})
}

// ask records a question, has it answered, and returns the call's own answer.
func (s *Simulator) ask(conversation string, a Asked) (any, error) {
	if !slices.Contains(modes, a.Mode) {
		return nil, badParameters("response_mode: %q, must be one of %q", a.Mode, modes)
	}
	found, ok := s.conversations.Load(conversation)
	if !ok {
		return nil, errNoConversation
	}
	if len(Question(a.Messages)) > maxQuestion {
		return nil, errQuestionTooLong
	}
	if s.o.NoImages && hasImage(a.Messages) {
		return nil, errNoImages
	}
	a.At, a.Conversation = time.Now(), found.(Conversation)
	s.asked.Add(1)
	if !s.o.Discard {
		s.Asked.Append(a)
	}
	if s.o.Observe != nil {
		s.o.Observe(a)
	}
	switch a.Mode {
	case "blocking":
		return s.blockingReply(a, s.o.Brain(a.Conversation, a.Messages)), nil
	case "streaming":
		return s.stream(a, s.o.Brain(a.Conversation, a.Messages)), nil
	}
	return s.pushAll(a)
}

// pushAll answers in webhook mode. What the call itself is answered with no page says.
func (s *Simulator) pushAll(a Asked) (any, error) {
	if s.o.EchoQuestions && s.o.Form != FormV2 { // the nested body has no message type
		if err := s.push(a.Conversation, Answer{Type: "QUESTION", Text: Question(a.Messages)}); err != nil {
			return nil, err
		}
	}
	for _, answer := range s.o.Brain(a.Conversation, a.Messages) {
		if err := s.push(a.Conversation, answer); err != nil {
			return nil, err
		}
	}
	if s.o.Ack != nil {
		return s.o.Ack, nil
	}
	return map[string]any{
		"conversation_id": a.Conversation.ID, "message_id": newID(), "create_time": s.stamp(a.At),
	}, nil
}

// ServeHTTP writes the answer.
func (a *Ack) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	status := a.Status
	if status == 0 {
		status = http.StatusOK
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(a.Body)) // fails only if the caller left
}
