package main

import "github.com/go-json-experiment/json/jsontext"

// Paths of the API below base_url.
const (
	createPath     = "v1/conversation"
	sendPathV1     = "v1/conversation/message"
	sendPathV2     = "v2/conversation/message"
	humanReplyPath = "v1/human/message/receive"
	humanClosePath = "v1/human/close"
)

// maxUserIDCharacters is the vendor's limit of user_id, page "Create conversation".
const maxUserIDCharacters = 32

// createBody is the body of "Create conversation".
type createBody struct {
	UserID string `json:"user_id"`
}

// sendBodyV2 is the body of "Send message v2". The newest user message is the last.
type sendBodyV2 struct {
	ConversationID string        `json:"conversation_id"`
	ResponseMode   string        `json:"response_mode"` // webhook, blocking or streaming
	Messages       []chatMessage `json:"messages"`
	Config         *chatConfig   `json:"conversation_config,omitzero"`
}

// chatMessage has the role user or assistant. content is a string or an array of contentPart.
type chatMessage struct {
	Role    string `json:"role"`
	Content any    `json:"content"`
}

// contentPart has type and one other member, whose name is the value of type. Media are arrays, as on the newest page;
// an older page has a single object.
type contentPart struct {
	Type     string      `json:"type"`
	Text     string      `json:"text,omitempty"`
	Image    []mediaItem `json:"image,omitempty"`
	Audio    []mediaItem `json:"audio,omitempty"`
	Document []mediaItem `json:"document,omitempty"`
}

// mediaItem is a file, by link or with its bytes. format is its extension without a dot. v1 has no format and uses the
// extension of name.
type mediaItem struct {
	URL     string `json:"url,omitempty"`
	Content []byte `json:"base64_content,omitempty"`
	Format  string `json:"format,omitempty"`
	Name    string `json:"name,omitempty"`
}

// chatConfig overrides the agent's settings for one call. Absent members leave the agent's settings unchanged.
type chatConfig struct {
	ShortTermMemory *bool             `json:"short_term_memory,omitzero"`
	LongTermMemory  *bool             `json:"long_term_memory,omitzero"`
	Knowledge       *knowledge        `json:"knowledge,omitzero"`
	CustomVariables map[string]string `json:"custom_variables,omitempty"`
	CornerCitation  *bool             `json:"corner_citation,omitzero"`
}

// sendBodyV1 is the body of "Send message" (v1, deprecated).
type sendBodyV1 struct {
	ConversationID  string      `json:"conversation_id"`
	ResponseMode    string      `json:"response_mode"`
	Text            string      `json:"text,omitempty"`
	Files           []mediaItem `json:"files,omitempty"`
	ShortTermMemory *bool       `json:"short_term_memory,omitzero"`
	LongTermMemory  *bool       `json:"long_term_memory,omitzero"`
	Knowledge       *knowledge  `json:"knowledge,omitzero"`
}

// humanBody is the body of a human's reply in a hand-off, page "Human handoff service". Without a message it ends the
// hand-off.
type humanBody struct {
	ConversationID string `json:"conversation_id"`
	Timestamp      int64  `json:"timestamp"` // milliseconds
	Body           string `json:"body,omitempty"`
}

// apiResponse has the members of a response other than its content. Errors have code and message and may have HTTP
// status 200.
type apiResponse struct {
	Code           jsontext.Value `json:"code"`
	ConversationID jsontext.Value `json:"conversation_id"`
	MessageID      jsontext.Value `json:"message_id"`
}

// code returns the error code, or 0.
func (a *apiResponse) code() int {
	n, _ := intOf(a.Code)
	return n
}
