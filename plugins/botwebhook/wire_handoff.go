package main

import (
	"net/http"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"patchbay/sdk"
)

// Values of type in a call that closes a hand-off ("Human handoff service").
const (
	closeTimeout = "TIMEOUT"
	closeUser    = "USER_CLOSED"
)

// handoffHead is what the hand-off's calls have in common. Members are kept unread until it is known that the call is
// not a test call.
type handoffHead struct {
	IsTest         jsontext.Value `json:"istest"`
	ConversationID jsontext.Value `json:"conversation_id"` // of the hand-off, not of the agent's conversation
	Timestamp      jsontext.Value `json:"timestamp"`       // milliseconds
}

// establishBody begins a hand-off. All members but conversation_id may be null or absent.
type establishBody struct {
	handoffHead
	Email jsontext.Value `json:"email"`
	BotID jsontext.Value `json:"bot_id"`
	Body  jsontext.Value `json:"body"` // list of transcriptItem
	User  jsontext.Value `json:"user_info"`
}

// transcriptItem is one message of customer (QUESTION) or agent (ANSWER).
type transcriptItem struct {
	MessageType jsontext.Value `json:"message_type"`
	Text        jsontext.Value `json:"text"`
}

// userInfo is what the vendor knows about the customer.
type userInfo struct {
	Phone       jsontext.Value `json:"phone"`
	Email       jsontext.Value `json:"email"`
	UserID      jsontext.Value `json:"user_id"`
	AnonymousID jsontext.Value `json:"anonymous_id"`
}

// chatBody is what the customer says.
type chatBody struct {
	handoffHead
	Body jsontext.Value `json:"body"` // a string
}

// closeBody ends a hand-off.
type closeBody struct {
	handoffHead
	Type jsontext.Value `json:"type"`
}

// handoffAnswer is what the document has the hand-off's calls answered with: message, not msg.
var handoffAnswer = sdk.Response{
	Status: http.StatusOK, ContentType: jsonType, Body: []byte(`{"code":200,"message":"success"}`),
}

// handoffRefusal is how the gateway words its own refusals; handoffRefusalBody words ours alike.
const handoffRefusal = `{"code":{{status}},"message":"{{text}}"}`

// handoffRefusalBody is the answer to a call that is not taken, in the form of the answer to one that is.
func handoffRefusalBody(status int, message string) []byte {
	b, err := json.Marshal(struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	}{status, message})
	if err != nil {
		return nil // not UTF-8; the template stands in
	}
	return b
}
