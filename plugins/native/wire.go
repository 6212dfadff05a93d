package main

import (
	"net/http"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"patchbay/sdk"
)

// messagesPath precedes organization and chatbot name in the path of the proxy's webhook.
const messagesPath = "/mp/webhooks/native/messages/"

// maxDataCharacters is one more than customPayload.data may have ("less than 256 chars", revision of
// 04/17). Characters are counted as Unicode code points; the document leaves it open.
const maxDataCharacters = 256

// Header fields of our own, in both directions.
const (
	idempotencyHeader = "Idempotency-Key"
	hopsHeader        = "Patchbay-Hops"
)

// Attributes that carry a caller's data through the gateway and back.
const (
	attrTargetAgents  = "native.target_agents"  // payload.userData.targetAgents: a JSON array of strings
	attrCustomPayload = "native.custom_payload" // payload.userData.customPayload: the JSON object as sent
)

// callBody is what a website posts (the proxy's document, revisions 03/09, 04/10 and 04/17). Members
// are kept unread until the access token is known to be right, so that a caller without it learns
// nothing from complaints about them. MessageID is ours: an id that is stable over repeats.
type callBody struct {
	UserID      jsontext.Value `json:"userId"`
	AccessToken jsontext.Value `json:"accessToken"`
	MessageID   jsontext.Value `json:"messageId"`
	Payload     jsontext.Value `json:"payload"`
}

// callPayload is the member payload of a call.
type callPayload struct {
	UserSay  string `json:"userSay"`
	UserInfo struct {
		ID string `json:"id"`
	} `json:"userInfo"`
	UserData struct {
		TargetAgents []*string `json:"targetAgents"` // nil elements are nulls
		// CustomPayload is absent (03/09), a free object (04/10) or {"data": string} (04/17).
		CustomPayload jsontext.Value `json:"customPayload"`
	} `json:"userData"`
}

// callAnswer is what the document has a call answered with.
var callAnswer = sdk.Response{Status: http.StatusOK, ContentType: jsonType, Body: []byte(`{}`)}

// replyBody is what is posted to reply_url. The vendor's own format is not public; this one mirrors
// the call, and this file is the place to put the real one.
type replyBody struct {
	UserID       string       `json:"userId"`
	MessageID    string       `json:"messageId"` // id of the envelope
	Organization string       `json:"organization"`
	ChatbotName  string       `json:"chatbotName"`
	SentAt       string       `json:"sentAt,omitempty"` // RFC 3339, UTC, milliseconds
	Payload      replyPayload `json:"payload"`
}

// replyPayload is the member payload of a reply. Empty members are absent.
type replyPayload struct {
	BotSay      string         `json:"botSay,omitempty"`
	Sender      *replySender   `json:"sender,omitempty"`
	Suggestions []string       `json:"suggestions,omitempty"`
	Media       []replyMedium  `json:"media,omitempty"`
	Event       *replyEvent    `json:"event,omitempty"`
	UserInfo    replyUserInfo  `json:"userInfo"`
	UserData    *replyUserData `json:"userData,omitempty"`
}

// replySender is who speaks: role is bot, agent or system.
type replySender struct {
	Role string `json:"role"`
	Name string `json:"name,omitempty"`
}

// replyMedium is a link to an image, audio, video or file.
type replyMedium struct {
	Type        string `json:"type"`
	URL         string `json:"url"`
	Text        string `json:"text,omitempty"` // caption or transcript
	ContentType string `json:"contentType,omitempty"`
	Name        string `json:"name,omitempty"`
	Size        int64  `json:"size,omitzero"` // bytes
}

// replyEvent is what happened, when it is not a message: passed, closed or typing.
type replyEvent struct {
	Type      string `json:"type"`
	Owner     string `json:"owner,omitempty"`     // passed: channel that answers now
	OwnerRole string `json:"ownerRole,omitempty"` // passed: bot or agent
	Reason    string `json:"reason,omitempty"`    // passed, closed
}

// replyUserInfo repeats the customer's id, as calls do.
type replyUserInfo struct {
	ID string `json:"id"`
}

// replyUserData gives back what the customer's last call had.
type replyUserData struct {
	CustomPayload jsontext.Value `json:"customPayload,omitempty"`
}

// refusalTemplate is how the gateway words its own refusals; refusalBody words ours alike.
const refusalTemplate = `{"error":{"status":{{status}},"message":"{{text}}"}}`

// refusalBody is the answer to a call that is not taken. The vendor's own form is not public.
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
		return nil // not UTF-8; the template stands in
	}
	return b
}
