package botwebhook

import (
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"patchbay/sandbox/simulator"
)

const (
	maxUserID = 32 // characters, page "Create conversation"
	// maxQuestion is the maximum size of a question in bytes. It stands for the vendor's limit, which is in tokens and
	// different for each bot.
	maxQuestion = 256 << 10
)

// Conversation is a conversation that the gateway created.
type Conversation struct {
	ID     string
	UserID string
}

// SendCall is one accepted call of "Send message".
type SendCall struct {
	At           time.Time
	Conversation Conversation
	Messages     []Message
	Mode         string // response_mode
	Version      int    // of the call: 1 or 2
	Body         []byte // as it arrived
}

// callV1 is the body of the v1 call: one text with files.
type callV1 struct {
	ConversationID  string     `json:"conversation_id"`
	ResponseMode    string     `json:"response_mode"`
	Text            string     `json:"text"`
	Files           []wireFile `json:"files"`
	ShortTermMemory *bool      `json:"short_term_memory"`
	LongTermMemory  *bool      `json:"long_term_memory"`
	Knowledge       *struct {
		DataIDs []string `json:"data_ids"`
	} `json:"knowledge"`
}

type callV2 struct {
	ConversationID string        `json:"conversation_id"`
	ResponseMode   string        `json:"response_mode"`
	Messages       []wireMessage `json:"messages"`
	Config         struct {
		ShortTermMemory *bool `json:"short_term_memory"`
		LongTermMemory  *bool `json:"long_term_memory"`
		Knowledge       *struct {
			DataIDs  []string `json:"data_ids"`
			GroupIDs []string `json:"group_ids"`
		} `json:"knowledge"`
		CustomVariables map[string]any `json:"custom_variables"`
		CornerCitation  *bool          `json:"corner_citation"`
	} `json:"conversation_config"`
}

type createCall struct {
	UserID string `json:"user_id"`
}

func (s *Simulator) create(_ *simulator.Request, in *createCall) (any, error) {
	if n := utf8.RuneCountInString(in.UserID); n == 0 || n > maxUserID {
		return nil, fmt.Errorf("user_id: %d characters, must be 1 to %d", n, maxUserID)
	}
	c := Conversation{ID: simulator.HexID(), UserID: in.UserID}
	s.conversations.Put(c.ID, c)
	s.Created.Append(c)
	return object{"conversation_id": c.ID}, nil
}

func (s *Simulator) sendV1(r *simulator.Request, in *callV1) (any, error) {
	if in.Text == "" && len(in.Files) == 0 {
		return nil, errors.New("text: missing, and there are no files")
	}
	m := Message{Role: "user", Text: in.Text}
	for i, f := range in.Files {
		media, err := f.media()
		if err != nil {
			return nil, fmt.Errorf("files[%d]: %w", i, err)
		}
		m.Media = append(m.Media, media)
	}
	return s.ask(in.ConversationID, SendCall{Messages: []Message{m}, Mode: in.ResponseMode, Version: 1, Body: r.Body})
}

func (s *Simulator) sendV2(r *simulator.Request, in *callV2) (any, error) {
	messages, err := parseMessages(in.Messages)
	if err != nil {
		return nil, err
	}
	return s.ask(in.ConversationID, SendCall{Messages: messages, Mode: in.ResponseMode, Version: 2, Body: r.Body})
}

// ask records a send call, gets the bot's answers, and returns the response.
func (s *Simulator) ask(conversation string, a SendCall) (any, error) {
	if !slices.Contains([]string{"blocking", "streaming", "webhook"}, a.Mode) {
		return nil, fmt.Errorf("response_mode: %q, must be blocking, streaming or webhook", a.Mode)
	}
	var ok bool
	if a.Conversation, ok = s.conversations.Get(conversation); !ok {
		return nil, vendorError(codeConversation)
	}
	if len(Question(a.Messages)) > maxQuestion {
		return nil, vendorError(codeTooLong)
	}
	a.At = time.Now()
	s.SendCalls.Append(a)
	answers := s.o.Answer(a.Conversation, a.Messages)
	switch a.Mode {
	case "blocking":
		return s.blockingReply(a, answers), nil
	case "streaming":
		return s.stream(answers), nil
	}
	if s.o.EchoQuestions && s.o.Form != FormV2 { // the nested body has no message type
		answers = append([]Answer{{Type: "QUESTION", Text: Question(a.Messages)}}, answers...)
	}
	for _, answer := range answers {
		if err := s.push(a.Conversation, answer); err != nil {
			return nil, err
		}
	}
	created := s.createTime(a.At)
	return object{"conversation_id": a.Conversation.ID, "message_id": simulator.HexID(), "create_time": created}, nil
}
