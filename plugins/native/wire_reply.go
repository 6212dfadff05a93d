package main

import (
	"net/http"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"patchbay/sdk"
)

const jsonType = "application/json"

// answersPath precedes the name of a channel of role bot in the path that its replies are posted to. The document does
// not define this path.
const answersPath = "/mp/webhooks/native/answers/"

// Header fields that Patchbay adds in both directions.
const (
	idempotencyHeader = "Idempotency-Key"
	hopsHeader        = "Patchbay-Hops"
)

// acceptedResponse is the response to an accepted call (document, Response).
var acceptedResponse = sdk.Response{Status: http.StatusOK, ContentType: jsonType, Body: []byte(`{}`)}

// replyBody is the body that role customer posts to reply_url and role bot receives. The vendor's format is not public.
// This format mirrors that of a message. If the vendor's format becomes known, replace this format here.
type replyBody struct {
	UserID          string       `json:"userId"`
	MessageID       string       `json:"messageId"`                 // envelope id
	VendorMessageID string       `json:"vendorMessageId,omitempty"` // the sender's id of the message
	Organization    string       `json:"organization"`
	ChatbotName     string       `json:"chatbotName"`
	SentAt          string       `json:"sentAt,omitempty"` // RFC 3339, UTC, milliseconds
	Payload         replyPayload `json:"payload"`
}

// replyPayload is the member payload.
type replyPayload struct {
	BotSay      string       `json:"botSay,omitempty"`
	Sender      *replySender `json:"sender,omitempty"`
	Suggestions []string     `json:"suggestions,omitempty"`
	Media       []medium     `json:"media,omitempty"`
	Event       *replyEvent  `json:"event,omitempty"`
	UserInfo    userInfo     `json:"userInfo"`
	UserData    *replyData   `json:"userData,omitempty"`
}

// answerBody is a received replyBody. Its members are decoded one by one, so that a member of the wrong type does not
// affect the others.
type answerBody struct {
	UserID          jsontext.Value `json:"userId"`
	MessageID       jsontext.Value `json:"messageId"`
	VendorMessageID jsontext.Value `json:"vendorMessageId"`
	Organization    jsontext.Value `json:"organization"`
	ChatbotName     jsontext.Value `json:"chatbotName"`
	SentAt          jsontext.Value `json:"sentAt"`
	Payload         jsontext.Value `json:"payload"`
}

// answerPayload is a received replyPayload.
type answerPayload struct {
	BotSay      string      `json:"botSay"`
	Sender      replySender `json:"sender"`
	Suggestions []string    `json:"suggestions"`
	Media       []*medium   `json:"media"` // nil elements are nulls
	Event       *replyEvent `json:"event"`
	UserData    replyData   `json:"userData"`
}

// replySender is the sender of a reply. Its role is bot, agent or system, or customer for an echo.
type replySender struct {
	Role string `json:"role"`
	Name string `json:"name,omitempty"`
}

// replyEvent is an event: passed, closed or typing.
type replyEvent struct {
	Type      string `json:"type"`
	OwnerRole string `json:"ownerRole,omitempty"` // passed: role of the new owner, bot or agent
	Title     string `json:"title,omitempty"`     // passed: title of the new owner
	Reason    string `json:"reason,omitempty"`    // passed, closed
}

// replyData has the userData of the customer's last message.
type replyData struct {
	TargetAgents  jsontext.Value `json:"targetAgents,omitzero"`
	CustomPayload jsontext.Value `json:"customPayload,omitzero"`
}

// refusalTemplate is the format of the gateway's refusals. refusalBody writes the adapter's refusals in this format.
const refusalTemplate = `{"error":{"status":{{status}},"message":"{{text}}"}}`

// refusalBody returns the body of a refusal. The vendor's format is not public.
func refusalBody(status int, field, message string) []byte {
	type detail struct {
		Status  int    `json:"status"`
		Field   string `json:"field,omitempty"`
		Message string `json:"message"`
	}
	b, err := json.Marshal(struct {
		Error detail `json:"error"`
	}{detail{status, field, message}})
	if err != nil {
		return nil // invalid UTF-8; the gateway uses the template
	}
	return b
}
