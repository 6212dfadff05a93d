package main

import "github.com/go-json-experiment/json/jsontext"

// messagesPath precedes organization and chatbot name in the path of the proxy's webhook (document, Request).
const messagesPath = "/mp/webhooks/native/messages/"

// maxDataCharacters is the exclusive limit of customPayload.data ("less than 256 chars", revision of 04/17). The
// document does not define a character; the adapter counts Unicode code points.
const maxDataCharacters = 256

// inboundMessage is the body that a website posts (document, revisions of 03/09, 04/10 and 04/17). Its members are
// decoded after the access token has been checked, so that a caller without the token gets no information from
// error messages. messageId, a stable id for repeats, and sentAt are Patchbay's additions.
type inboundMessage struct {
	UserID      jsontext.Value `json:"userId"`
	AccessToken jsontext.Value `json:"accessToken"`
	MessageID   jsontext.Value `json:"messageId"`
	SentAt      jsontext.Value `json:"sentAt"` // RFC 3339
	Payload     jsontext.Value `json:"payload"`
}

// inboundPayload is the member payload. media and event are Patchbay's additions.
type inboundPayload struct {
	UserSay  string `json:"userSay"`
	UserInfo struct {
		ID string `json:"id"`
	} `json:"userInfo"`
	UserData struct {
		TargetAgents []*string `json:"targetAgents"` // nil elements are nulls
		// CustomPayload is absent (03/09), any object (04/10) or {"data": string} (04/17).
		CustomPayload jsontext.Value `json:"customPayload"`
	} `json:"userData"`
	Media []*medium     `json:"media"` // nil elements are nulls
	Event *inboundEvent `json:"event"`
}

// inboundEvent is a customer's event: typing, read or closed.
type inboundEvent struct {
	Type       string    `json:"type"`
	MessageIDs []*string `json:"messageIds"` // read: vendorMessageId of replies; nil elements are nulls
}

// outboundMessage is the body that role bot posts (revision of 04/17). messageId, sentAt, media and event are sent only
// to a Patchbay.
type outboundMessage struct {
	UserID      string          `json:"userId"`
	AccessToken string          `json:"accessToken"`
	MessageID   string          `json:"messageId,omitempty"` // the delivery's key
	SentAt      string          `json:"sentAt,omitempty"`
	Payload     outboundPayload `json:"payload"`
}

// outboundPayload is the member payload.
type outboundPayload struct {
	UserSay  string         `json:"userSay,omitempty"`
	UserInfo userInfo       `json:"userInfo"`
	UserData *outboundData  `json:"userData,omitempty"`
	Media    []medium       `json:"media,omitempty"`
	Event    *outboundEvent `json:"event,omitempty"`
}

// outboundData is the member userData.
type outboundData struct {
	TargetAgents  []string       `json:"targetAgents,omitempty"`
	CustomPayload *customPayload `json:"customPayload,omitempty"`
}

type customPayload struct {
	Data string `json:"data"`
}

type outboundEvent struct {
	Type       string   `json:"type"`
	MessageIDs []string `json:"messageIds,omitempty"`
}

// userInfo repeats the user id, as the document requires.
type userInfo struct {
	ID string `json:"id"`
}

// medium is a link to an image, audio, video or file, in both directions. It is Patchbay's addition.
type medium struct {
	Type        string `json:"type"`
	URL         string `json:"url"`
	Text        string `json:"text,omitempty"` // caption or transcript
	ContentType string `json:"contentType,omitempty"`
	Name        string `json:"name,omitempty"`
	Size        int64  `json:"size,omitzero"` // bytes
}
