package main

import (
	"net/http"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"patchbay/sdk"
)

const jsonType = "application/json"

// messagesPath precedes organization and chatbot name in the path of the proxy's webhook. answersPath precedes the name of
// a channel of role bot in the path that answers to it are posted to; the document leaves that address open.
const (
	messagesPath = "/mp/webhooks/native/messages/"
	answersPath  = "/mp/webhooks/native/answers/"
)

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

// Attributes that say what became of a call.
const (
	attrUnparsed = "native.unparsed" // why an envelope is of kind unparsed: one of the reasons below
	attrLeftOut  = "native.left_out" // members that could not be carried, separated by blanks
	attrMedium   = "native.type"     // of a part of type file: the type that the far end gave it
)

// Reasons for an envelope of kind unparsed.
const (
	reasonPayload   = "payload"   // the payload is not of the documented form, or says nothing
	reasonEvent     = "event"     // the payload has an event of an unknown type
	reasonAddressee = "addressee" // an answer names another organization or chatbot
	reasonPassed    = "passed"    // control moved at the far end, and not to a person: nothing follows from it here
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

// callPayload is the member payload of a call. Media and Event are ours.
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
	Media []*medium  `json:"media"` // nil elements are nulls
	Event *callEvent `json:"event"`
}

// callEvent is what a visitor does beside talking: typing, read or closed.
type callEvent struct {
	Type       string    `json:"type"`
	MessageIDs []*string `json:"messageIds"` // read: vendorMessageId of answers; nil elements are nulls
}

// callAnswer is what the document has a call answered with. Answers on a webhook of ours get the same.
var callAnswer = sdk.Response{Status: http.StatusOK, ContentType: jsonType, Body: []byte(`{}`)}

// questionBody is the call as we make it (revision of 04/17). MessageID, Media and Event are ours: they are sent only to
// a far end that is a Patchbay.
type questionBody struct {
	UserID      string          `json:"userId"`
	AccessToken string          `json:"accessToken"`
	MessageID   string          `json:"messageId,omitempty"` // key of the delivery
	Payload     questionPayload `json:"payload"`
}

// questionPayload is the member payload of a question.
type questionPayload struct {
	UserSay  string         `json:"userSay,omitempty"`
	UserInfo userInfo       `json:"userInfo"`
	UserData *questionData  `json:"userData,omitempty"`
	Media    []medium       `json:"media,omitempty"`
	Event    *questionEvent `json:"event,omitempty"`
}

// questionData is the member userData of a question. Of customPayload only data is sent.
type questionData struct {
	TargetAgents  []string       `json:"targetAgents,omitempty"`
	CustomPayload *customPayload `json:"customPayload,omitempty"`
}

type customPayload struct {
	Data string `json:"data"`
}

type questionEvent struct {
	Type       string   `json:"type"`
	MessageIDs []string `json:"messageIds,omitempty"`
}

// replyBody is what is posted to reply_url, and what a channel of role bot takes. The vendor's own format is not public;
// this one mirrors the call, and this file is the place to put the real one.
type replyBody struct {
	UserID          string       `json:"userId"`
	MessageID       string       `json:"messageId"`                 // id of the envelope
	VendorMessageID string       `json:"vendorMessageId,omitempty"` // id that whoever speaks gave it
	Organization    string       `json:"organization"`
	ChatbotName     string       `json:"chatbotName"`
	SentAt          string       `json:"sentAt,omitempty"` // RFC 3339, UTC, milliseconds
	Payload         replyPayload `json:"payload"`
}

// replyPayload is the member payload of a reply. Empty members are absent.
type replyPayload struct {
	BotSay      string       `json:"botSay,omitempty"`
	Sender      *replySender `json:"sender,omitempty"`
	Suggestions []string     `json:"suggestions,omitempty"`
	Media       []medium     `json:"media,omitempty"`
	Event       *replyEvent  `json:"event,omitempty"`
	UserInfo    userInfo     `json:"userInfo"`
	UserData    *replyData   `json:"userData,omitempty"`
}

// answerBody is a replyBody as we read it: members are kept unread, so that one that is not as expected does not hide the
// others.
type answerBody struct {
	UserID          jsontext.Value `json:"userId"`
	MessageID       jsontext.Value `json:"messageId"`
	VendorMessageID jsontext.Value `json:"vendorMessageId"`
	Organization    jsontext.Value `json:"organization"`
	ChatbotName     jsontext.Value `json:"chatbotName"`
	SentAt          jsontext.Value `json:"sentAt"`
	Payload         jsontext.Value `json:"payload"`
}

// answerPayload is a replyPayload as we read it.
type answerPayload struct {
	BotSay      string      `json:"botSay"`
	Sender      replySender `json:"sender"`
	Suggestions []string    `json:"suggestions"`
	Media       []*medium   `json:"media"` // nil elements are nulls
	Event       *replyEvent `json:"event"`
	UserData    replyData   `json:"userData"`
}

// replySender is who speaks: role is bot, agent or system.
type replySender struct {
	Role string `json:"role"`
	Name string `json:"name,omitempty"`
}

// medium is a link to an image, audio, video or file, in both directions.
type medium struct {
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

// userInfo repeats the customer's id, as the document has it.
type userInfo struct {
	ID string `json:"id"`
}

// replyData gives back what the customer's last call had.
type replyData struct {
	TargetAgents  jsontext.Value `json:"targetAgents,omitzero"`
	CustomPayload jsontext.Value `json:"customPayload,omitzero"`
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
