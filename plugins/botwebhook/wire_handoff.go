package main

import (
	"net/http"

	"github.com/go-json-experiment/json/jsontext"

	"patchbay/sdk"
)

// Values of type in a close call ("Human handoff service").
const (
	closeTimeout = "TIMEOUT"
	closeUser    = "USER_CLOSED"
)

// handoffHead has the common members of the hand-off's calls. The members are decoded after the check for a test call.
type handoffHead struct {
	IsTest         jsontext.Value `json:"istest"`
	ConversationID jsontext.Value `json:"conversation_id"` // of the hand-off, not of the agent's conversation
	Timestamp      jsontext.Value `json:"timestamp"`       // milliseconds
}

// establishBody starts a hand-off. All members except conversation_id may be null or absent.
type establishBody struct {
	handoffHead
	Email jsontext.Value `json:"email"`
	BotID jsontext.Value `json:"bot_id"`
	Body  jsontext.Value `json:"body"` // array of transcriptItem
	User  jsontext.Value `json:"user_info"`
}

// transcriptItem is one message of the customer (QUESTION) or the agent (ANSWER).
type transcriptItem struct {
	MessageType jsontext.Value `json:"message_type"`
	Text        jsontext.Value `json:"text"`
}

// userInfo describes the customer.
type userInfo struct {
	Phone       jsontext.Value `json:"phone"`
	Email       jsontext.Value `json:"email"`
	UserID      jsontext.Value `json:"user_id"`
	AnonymousID jsontext.Value `json:"anonymous_id"`
}

// chatBody is a message of the customer.
type chatBody struct {
	handoffHead
	Body jsontext.Value `json:"body"` // a string
}

// closeBody ends a hand-off.
type closeBody struct {
	handoffHead
	Type jsontext.Value `json:"type"`
}

// handoffResponse is the response to the hand-off's calls ("Human handoff service").
var handoffResponse = sdk.Response{
	Status: http.StatusOK, ContentType: jsonType, Body: []byte(`{"code":200,"message":"success"}`),
}

// handoffRefusal is the format of refusals of the hand-off's webhooks, with the member message, like handoffResponse.
const handoffRefusal = `{"code":{{status}},"message":"{{text}}"}`
