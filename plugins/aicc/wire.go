package main

import "encoding/json"

// jsonType is the media type of all requests and answers.
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

// downlink is one DownLinkMsg (table 3), decoded by readDownlink. Fields that AICC's pages show with more than one
// type are raw, so that a surprising type does not affect the other fields.
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

	// The following fields occur only in answers of poll.
	SenderAvatar  json.RawMessage `json:"senderAvatar"`
	InterIdx      json.RawMessage `json:"interIdx"`      // number of interactions
	ContentType   json.RawMessage `json:"contentType"`   // "1": sent from disk; null: from the media library
	MediaFileType json.RawMessage `json:"mediaFileType"` // file extension
}

// result is the common part of all answers except tokenByAkSk's. The codes are strings; numbers are accepted as well.
// The code is returnCode in answers of uploadFileStream and resultCode in all others.
type result struct {
	ResultCode literal `json:"resultCode"`
	ReturnCode literal `json:"returnCode"`
	ResultDesc literal `json:"resultDesc"`

	shown, shownCode string // redacted resultDesc and code for errors
}

// code returns the result code under either name, or "".
func (r *result) code() string {
	if r.ResultCode != "" {
		return string(r.ResultCode)
	}
	return string(r.ReturnCode)
}

// fault is the body of an answer with a status other than 200.
type fault struct {
	ErrorCode     literal `json:"errorCode"`
	ExceptionInfo literal `json:"exceptionInfo"`
	ResultCode    literal `json:"resultCode"`
	ReturnCode    literal `json:"returnCode"`
	ResultDesc    literal `json:"resultDesc"`
}

// accessRequest is the body of tokenByAkSk.
type accessRequest struct {
	AppKey    string `json:"app_key"`
	AppSecret string `json:"app_secret"`
}

// accessReply is the answer of tokenByAkSk. Expires is a string of seconds.
type accessReply struct {
	AccessToken literal `json:"AccessToken"`
	Expires     literal `json:"Expires"`
}

// webCard is the content of a WEBCARD, encoded as a JSON string. It has redirectUrl, mediaFileId or both.
type webCard struct {
	Title         literal `json:"title"`
	Description   literal `json:"description"`
	MediaFileID   literal `json:"mediaFileId"`
	MediaFileType literal `json:"mediaFileType"`
	RedirectURL   literal `json:"redirectUrl"`
}

// userRequest is the body of applyToken. userId has 1 to 32 characters.
type userRequest struct {
	UserID    string `json:"userId"`
	UserName  string `json:"userName"`
	ChannelID string `json:"channelId"`
	Locale    string `json:"locale"`
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

// userReply is the answer of applyToken.
type userReply struct {
	result
	Token literal `json:"token"`
}

// uploadRequest is the body of uploadFileStream. fileStream is base64.
type uploadRequest struct {
	FileType   string `json:"fileType"`
	FileStream string `json:"fileStream"`
	Channel    string `json:"channel"`
}

// uploadReply is the answer of uploadFileStream.
type uploadReply struct {
	result
	ObjectKey literal `json:"objectKey"`
}

// downloadRequest is the body of downloadFileStream. multiMedia is "multiMedia" for a file in the media library.
type downloadRequest struct {
	FileID     string `json:"fileId"`
	FileType   string `json:"fileType"`
	Channel    string `json:"channel"`
	MultiMedia string `json:"multiMedia,omitempty"`
}

// downloadReply is the answer of downloadFileStream: the bytes in base64, or a link that needs no credentials.
type downloadReply struct {
	result
	FileStream string `json:"fileStream"`
	FileURL    string `json:"fileUrl"`
}

// pollReply is the answer of poll.
type pollReply struct {
	result
	Messages json.RawMessage `json:"downlinkMessages"`
}

// list returns the messages. A value that is not an array counts as one message, because AICC does not send it again.
func (r *pollReply) list() []json.RawMessage {
	var items []json.RawMessage
	if json.Unmarshal(r.Messages, &items) == nil || len(r.Messages) == 0 {
		return items
	}
	return []json.RawMessage{r.Messages}
}
