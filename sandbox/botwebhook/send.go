package botwebhook

import (
	"slices"
	"time"
	"unicode/utf8"

	"patchbay/sandbox/simulator"
)

const (
	maxUserID = 32 // characters, page "Create conversation"
	// maxQuestion is the maximum size of a question in bytes. It replaces the token limit, which each agent configures.
	maxQuestion = 256 << 10
)

// Conversation is a conversation that the gateway created.
type Conversation struct {
	ID     string
	UserID string
}

// Asked is one accepted send call.
type Asked struct {
	At           time.Time
	Conversation Conversation
	Messages     []Message
	Mode         string // response_mode
	Version      int    // of the call: 1 or 2
	Body         []byte // as it arrived
}

// config is conversation_config. The v1 call has its first three members at the top level.
type config struct {
	ShortTermMemory *bool `json:"short_term_memory"`
	LongTermMemory  *bool `json:"long_term_memory"`
	Knowledge       *struct {
		DataIDs  []string `json:"data_ids"`
		GroupIDs []string `json:"group_ids"`
	} `json:"knowledge"`
	CustomVariables map[string]any `json:"custom_variables"`
	CornerCitation  *bool          `json:"corner_citation"`
}

func (s *Simulator) create(r *simulator.Request) (any, error) {
	var in struct {
		UserID string `json:"user_id"`
	}
	if err := r.Decode(&in); err != nil {
		return nil, badParameters("%v", err)
	}
	if n := utf8.RuneCountInString(in.UserID); n == 0 || n > maxUserID {
		return nil, badParameters("user_id: %d characters, must be 1 to %d", n, maxUserID)
	}
	c := Conversation{ID: simulator.HexID(), UserID: in.UserID}
	s.conversations.Put(c.ID, c)
	s.Created.Append(c)
	return object{"conversation_id": c.ID}, nil
}

// sendV1 is the older call: one text with files.
func (s *Simulator) sendV1(r *simulator.Request) (any, error) {
	var in struct {
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
	if err := r.Decode(&in); err != nil {
		return nil, badParameters("%v", err)
	}
	if in.Text == "" && len(in.Files) == 0 {
		return nil, badParameters("text: missing, and there are no files")
	}
	m := Message{Role: "user", Text: in.Text}
	for i, f := range in.Files {
		media, err := f.media()
		if err != nil {
			return nil, badParameters("files[%d]: %v", i, err)
		}
		m.Media = append(m.Media, media)
	}
	return s.ask(in.ConversationID, Asked{Messages: []Message{m}, Mode: in.ResponseMode, Version: 1, Body: r.Body})
}

func (s *Simulator) sendV2(r *simulator.Request) (any, error) {
	var in struct {
		ConversationID string        `json:"conversation_id"`
		ResponseMode   string        `json:"response_mode"`
		Messages       []wireMessage `json:"messages"`
		Config         config        `json:"conversation_config"`
	}
	if err := r.Decode(&in); err != nil {
		return nil, badParameters("%v", err)
	}
	messages, err := parseMessages(in.Messages)
	if err != nil {
		return nil, err
	}
	return s.ask(in.ConversationID, Asked{Messages: messages, Mode: in.ResponseMode, Version: 2, Body: r.Body})
}

// ask records a question, gets the bot's answers, and returns the response of the call.
func (s *Simulator) ask(conversation string, a Asked) (any, error) {
	if !slices.Contains([]string{"blocking", "streaming", "webhook"}, a.Mode) {
		return nil, badParameters("response_mode: %q, must be blocking, streaming or webhook", a.Mode)
	}
	var ok bool
	if a.Conversation, ok = s.conversations.Get(conversation); !ok {
		return nil, vendorError(codeConversation)
	}
	if len(Question(a.Messages)) > maxQuestion {
		return nil, vendorError(codeTooLong)
	}
	a.At = time.Now()
	s.Asked.Append(a)
	answers := s.o.Brain(a.Conversation, a.Messages)
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
	return object{"conversation_id": a.Conversation.ID, "message_id": simulator.HexID(), "create_time": s.stamp(a.At)}, nil
}
