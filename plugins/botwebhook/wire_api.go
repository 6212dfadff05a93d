package main

import "github.com/go-json-experiment/json/jsontext"

// Paths of the vendor's API below base_url.
const (
	createPath     = "v1/conversation"
	sendPathV1     = "v1/conversation/message"
	sendPathV2     = "v2/conversation/message"
	humanReplyPath = "v1/human/message/receive"
	humanClosePath = "v1/human/close"
)

// maxUserIDCharacters is what user_id may have ("Create conversation").
const maxUserIDCharacters = 32

// createBody asks for a conversation.
type createBody struct {
	UserID string `json:"user_id"`
}

// sendBodyV2 sends messages, the newest user message last ("Send message v2").
type sendBodyV2 struct {
	ConversationID string        `json:"conversation_id"`
	ResponseMode   string        `json:"response_mode"` // webhook, blocking or streaming
	Messages       []chatMessage `json:"messages"`
	Config         *chatConfig   `json:"conversation_config,omitzero"`
}

// chatMessage has role user or assistant. Content is a string or a list of contentPart.
type chatMessage struct {
	Role    string `json:"role"`
	Content any    `json:"content"`
}

// contentPart has the one member that Type names. Items are arrays, as on the newest page; an older one has one object.
type contentPart struct {
	Type     string      `json:"type"`
	Text     string      `json:"text,omitempty"`
	Image    []mediaItem `json:"image,omitempty"`
	Audio    []mediaItem `json:"audio,omitempty"`
	Document []mediaItem `json:"document,omitempty"`
}

// mediaItem is a file, by link or by its bytes. Format is its extension without a dot; v1 has none, and goes by
// the name.
type mediaItem struct {
	URL     string `json:"url,omitempty"`
	Content []byte `json:"base64_content,omitempty"`
	Format  string `json:"format,omitempty"`
	Name    string `json:"name,omitempty"`
}

// chatConfig overrides the agent's settings for one call. What is absent stays as the agent is set up.
type chatConfig struct {
	ShortTermMemory *bool             `json:"short_term_memory,omitzero"`
	LongTermMemory  *bool             `json:"long_term_memory,omitzero"`
	Knowledge       *knowledge        `json:"knowledge,omitzero"`
	CustomVariables map[string]string `json:"custom_variables,omitempty"`
	CornerCitation  *bool             `json:"corner_citation,omitzero"`
}

// sendBodyV1 sends one message ("Send message", deprecated).
type sendBodyV1 struct {
	ConversationID  string      `json:"conversation_id"`
	ResponseMode    string      `json:"response_mode"`
	Text            string      `json:"text,omitempty"`
	Files           []mediaItem `json:"files,omitempty"`
	ShortTermMemory *bool       `json:"short_term_memory,omitzero"`
	LongTermMemory  *bool       `json:"long_term_memory,omitzero"`
	Knowledge       *knowledge  `json:"knowledge,omitzero"`
}

// humanBody is a person's reply, or without Body the end of the hand-off ("Human handoff service").
type humanBody struct {
	ConversationID string `json:"conversation_id"`
	Timestamp      int64  `json:"timestamp"` // milliseconds
	Body           string `json:"body,omitempty"`
}

// apiAnswer is what matters of an answer that brings no words: code and message are an error's and may come with HTTP
// 200. Everything else is read as far as it is there.
type apiAnswer struct {
	Code           jsontext.Value `json:"code"`
	ConversationID jsontext.Value `json:"conversation_id"`
	MessageID      jsontext.Value `json:"message_id"`
}

// code returns the number in code, 0 if there is none.
func (a *apiAnswer) code() int {
	n, _ := number(a.Code)
	return n
}
