package main

import (
	"net/http"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"patchbay/sdk"
)

// Values of message_type ("Webhook receives messages").
const (
	typeAnswer   = "ANSWER"
	typeQuestion = "QUESTION"
)

// callBody is a webhook call in both of the vendor's versions: v1 has message_type, text and flow_output,
// v2 has output. Members are kept unread until it is known that the call is not a test call
// ("Webhook check", istest), whose other members are not documented.
type callBody struct {
	IsTest         jsontext.Value `json:"istest"`
	MessageID      jsontext.Value `json:"message_id"`
	MessageType    jsontext.Value `json:"message_type"`
	Text           jsontext.Value `json:"text"`
	FlowOutput     jsontext.Value `json:"flow_output"`
	Output         jsontext.Value `json:"output"`
	CreateTime     jsontext.Value `json:"create_time"` // seconds or milliseconds
	ConversationID jsontext.Value `json:"conversation_id"`
}

// flowOutput is one component's answer, v1.
type flowOutput struct {
	Content   string `json:"content"`
	Branch    string `json:"branch"`
	Component string `json:"from_component_name"`
}

// output is one component's answer, v2.
type output struct {
	Branch    string `json:"from_component_branch"`
	Component string `json:"from_component_name"`
	Content   struct {
		Text  string `json:"text"`
		Audio []struct {
			URL        string `json:"audio"`
			Transcript string `json:"transcript"`
		} `json:"audio"`
	} `json:"content"`
}

// callAnswer is what the document has a call answered with: msg, not message.
var callAnswer = sdk.Response{
	Status: http.StatusOK, ContentType: jsonType, Body: []byte(`{"code":200,"msg":"success"}`),
}

// refusalTemplate is how the gateway words its own refusals; refusalBody words ours alike.
const refusalTemplate = `{"code":{{status}},"msg":"{{text}}"}`

// refusalBody is the answer to a call that is not taken, in the form of the answer to one that is.
func refusalBody(status int, message string) []byte {
	b, err := json.Marshal(struct {
		Code int    `json:"code"`
		Msg  string `json:"msg"`
	}{status, message})
	if err != nil {
		return nil // not UTF-8; the template stands in
	}
	return b
}

// Paths of the vendor's API below base_url.
const (
	createPath = "v1/conversation"
	sendPath   = "v2/conversation/message"
)

// maxUserIDCharacters is what user_id may have ("Create conversation").
const maxUserIDCharacters = 32

// createBody asks for a conversation.
type createBody struct {
	UserID string `json:"user_id"`
}

// sendBody sends messages, the newest user message last ("Send message v2").
type sendBody struct {
	ConversationID string        `json:"conversation_id"`
	ResponseMode   string        `json:"response_mode"` // always webhook: only there can people take over
	Messages       []chatMessage `json:"messages"`
}

// chatMessage has role user or assistant. Content is a string or a list of contentPart.
type chatMessage struct {
	Role    string `json:"role"`
	Content any    `json:"content"`
}

// contentPart has the one member that Type names.
type contentPart struct {
	Type     string      `json:"type"`
	Text     string      `json:"text,omitempty"`
	Image    []mediaItem `json:"image,omitempty"`
	Audio    []mediaItem `json:"audio,omitempty"`
	Document []mediaItem `json:"document,omitempty"`
}

// mediaItem is a link to a file. Format is its extension without a dot.
type mediaItem struct {
	URL    string `json:"url"`
	Format string `json:"format"`
	Name   string `json:"name,omitempty"`
}

// apiAnswer is what matters of an answer: code and message are an error's and may come with HTTP 200.
// Everything else is read as far as it is there.
type apiAnswer struct {
	Code           jsontext.Value `json:"code"`
	ConversationID jsontext.Value `json:"conversation_id"`
	MessageID      jsontext.Value `json:"message_id"`
}

// code returns the number in code, 0 if there is none.
func (a *apiAnswer) code() int {
	s := string(a.Code)
	if a.Code.Kind() == '"' {
		s = plain(a.Code)
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0
	}
	return n
}

// plain returns a JSON string's text, "" for anything else.
func plain(v jsontext.Value) string {
	var s string
	if v.Kind() != '"' || json.Unmarshal(v, &s) != nil {
		return ""
	}
	return s
}
