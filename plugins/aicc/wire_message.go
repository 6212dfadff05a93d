package main

import "encoding/json"

// jsonType is the media type of all requests and responses.
const jsonType = "application/json"

// Values of controlType, mediaType and sourceType. INPUT (send) and DOCUMENT (push page of 2025-11-07) are not in the
// push page of 2023-09-20. FILE, FILE_IMAGE, FILE_VIDEO and WEBCARD are documented for send only. USER is the customer
// in queryHistoryChatMessage.
const (
	controlConnect    = "CONNECT"
	controlChat       = "CHAT"
	controlTransfer   = "TRANS2AGENT"
	controlRead       = "READ"
	controlInput      = "INPUT"
	controlDisconnect = "DISCONNECT"

	mediaText     = "TEXT"
	mediaImage    = "IMAGE"
	mediaVideo    = "VIDEO"
	mediaAudio    = "AUDIO"
	mediaDocument = "DOCUMENT"
	mediaLocation = "LOCATE"

	mediaFile      = "FILE"
	mediaFileImage = "FILE_IMAGE"
	mediaFileVideo = "FILE_VIDEO"
	mediaCard      = "WEBCARD"

	sourceAgent    = "AGENT"
	sourceRobot    = "ROBOT"
	sourceSystem   = "SYSTEM"
	sourceCustomer = "CUSTOMER"
	sourceUser     = "USER"

	channelWeb = "WEB"
)

// push is the body of a message push (Message Push Interface Specifications, table 2). The adapter does not use its
// timestamp: the signature has a separate one.
type push struct {
	Messages json.RawMessage `json:"messages"`
}

// downlink is one DownLinkMsg (table 3), decoded by readDownlink. Fields that AICC's pages show with more than one type
// are raw, so that an unexpected type does not affect the other fields.
type downlink struct {
	Channel         string          `json:"channel"`
	IsOfflineStatus json.RawMessage `json:"isOfflineStatus"`
	Content         json.RawMessage `json:"content"`
	From            string          `json:"from"`
	MediaType       string          `json:"mediaType"`
	SenderNickname  string          `json:"senderNickname"`
	SourceType      string          `json:"sourceType"`
	ControlType     string          `json:"controlType"`
	Timestamp       json.RawMessage `json:"timestamp"`
	To              string          `json:"to"`
	SimQuestions    json.RawMessage `json:"simQuestions"`
	MessageCode     string          `json:"messageCode"`
	CallID          json.RawMessage `json:"callId"` // only in an example

	// The following fields occur only in responses of poll.
	SenderAvatar  json.RawMessage `json:"senderAvatar"`
	InterIdx      json.RawMessage `json:"interIdx"`      // number of interactions
	ContentType   json.RawMessage `json:"contentType"`   // "1": sent from disk; null: from the media library
	MediaFileType json.RawMessage `json:"mediaFileType"` // file extension
}

// webCard is the content of a WEBCARD, encoded as a JSON string. It has redirectUrl, mediaFileId or both.
type webCard struct {
	Title         literal `json:"title"`
	Description   literal `json:"description"`
	MediaFileID   literal `json:"mediaFileId"`
	MediaFileType literal `json:"mediaFileType"`
	RedirectURL   literal `json:"redirectUrl"`
}

// uplink is the body of send and sendAsync (sendMsgReq). In contrast to a push, timestamp is a string of milliseconds.
type uplink struct {
	Channel        string `json:"channel"`
	Content        string `json:"content"`
	ControlType    string `json:"controlType"`
	From           string `json:"from"`
	MediaType      string `json:"mediaType"`
	SenderAvatar   string `json:"senderAvatar,omitempty"` // URL of a picture
	SenderNickname string `json:"senderNickname,omitempty"`
	SourceType     string `json:"sourceType"`
	Timestamp      string `json:"timestamp"`
	To             string `json:"to"`
	UserAgent      string `json:"userAgent,omitempty"`
}
