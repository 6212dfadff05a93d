package main

import "encoding/json"

// jsonType is the media type of everything that goes either way.
const jsonType = "application/json"

// Values of controlType, mediaType and sourceType. INPUT and DOCUMENT come from later pages than the push's; FILE,
// FILE_IMAGE, FILE_VIDEO and WEBCARD are described for the way up alone; USER is what the vendor's history calls a
// customer.
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

// push is the body of a message push (Message Push Interface Specifications, table 2). Its timestamp is
// the time of sending and is not needed: the signature carries its own.
type push struct {
	Messages json.RawMessage `json:"messages"`
}

// downlink is one DownLinkMsg (table 3), decoded by readDownlink. Fields that the vendor's pages and examples show in
// more than one form are raw, so that one of them can't hide the others.
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
	CallID          json.RawMessage `json:"callId"` // only in an example, never described

	// The rest is in the answers of poll alone.
	SenderAvatar  json.RawMessage `json:"senderAvatar"`
	InterIdx      json.RawMessage `json:"interIdx"`      // count of interactions
	ContentType   json.RawMessage `json:"contentType"`   // "1" is a file from disk, null one of the media library
	MediaFileType json.RawMessage `json:"mediaFileType"` // file extension
}

// result is what the answers of all calls but tokenByAkSk begin with. The codes are strings; numbers are taken too.
// uploadFileStream calls its code returnCode, all others resultCode.
type result struct {
	ResultCode literal `json:"resultCode"`
	ReturnCode literal `json:"returnCode"`
	ResultDesc literal `json:"resultDesc"`

	shown, shownCode string // resultDesc and the code as errors may show them
}

// code is the answer's code under either name, "" if it has none.
func (r *result) code() string {
	if r.ResultCode != "" {
		return string(r.ResultCode)
	}
	return string(r.ReturnCode)
}

// fault is what API Fabric answers with a status other than 200.
type fault struct {
	ErrorCode     literal `json:"errorCode"`
	ExceptionInfo literal `json:"exceptionInfo"`
	ResultCode    literal `json:"resultCode"`
	ReturnCode    literal `json:"returnCode"`
	ResultDesc    literal `json:"resultDesc"`
}

// accessRequest and accessReply are tokenByAkSk's. Expires counts seconds and is a string.
type accessRequest struct {
	AppKey    string `json:"app_key"`
	AppSecret string `json:"app_secret"`
}

type accessReply struct {
	AccessToken literal `json:"AccessToken"`
	Expires     literal `json:"Expires"`
}

// webCard is the content of a WEBCARD, which is JSON in a string. It has redirectUrl, mediaFileId or both.
type webCard struct {
	Title         literal `json:"title"`
	Description   literal `json:"description"`
	MediaFileID   literal `json:"mediaFileId"`
	MediaFileType literal `json:"mediaFileType"`
	RedirectURL   literal `json:"redirectUrl"`
}

// userRequest is applyToken's. UserID has 1 to 32 characters.
type userRequest struct {
	UserID    string `json:"userId"`
	UserName  string `json:"userName"`
	ChannelID string `json:"channelId"`
	Locale    string `json:"locale"`
}

// uplink is send's sendMsgReq. Timestamp is in milliseconds and, unlike on the way down, a string.
type uplink struct {
	Channel        string `json:"channel"`
	Content        string `json:"content"`
	ControlType    string `json:"controlType"`
	From           string `json:"from"`
	MediaType      string `json:"mediaType"`
	SenderAvatar   string `json:"senderAvatar,omitempty"` // address of a picture
	SenderNickname string `json:"senderNickname,omitempty"`
	SourceType     string `json:"sourceType"`
	Timestamp      string `json:"timestamp"`
	To             string `json:"to"`
	UserAgent      string `json:"userAgent,omitempty"`
}

// userReply is applyToken's.
type userReply struct {
	result
	Token literal `json:"token"`
}

// uploadRequest is uploadFileStream's. FileStream is in base64.
type uploadRequest struct {
	FileType   string `json:"fileType"`
	FileStream string `json:"fileStream"`
	Channel    string `json:"channel"`
}

type uploadReply struct {
	result
	ObjectKey literal `json:"objectKey"`
}

// downloadRequest is downloadFileStream's. MultiMedia is the word "multiMedia" for a file of the media library.
type downloadRequest struct {
	FileID     string `json:"fileId"`
	FileType   string `json:"fileType"`
	Channel    string `json:"channel"`
	MultiMedia string `json:"multiMedia,omitempty"`
}

// downloadReply has the bytes in base64 or a link that needs no credentials.
type downloadReply struct {
	result
	FileStream string `json:"fileStream"`
	FileURL    string `json:"fileUrl"`
}

// pollReply is poll's.
type pollReply struct {
	result
	Messages json.RawMessage `json:"downlinkMessages"`
}

// list gives the messages. What is no list counts as one message: AICC will not hand it out again.
func (r *pollReply) list() []json.RawMessage {
	var items []json.RawMessage
	if json.Unmarshal(r.Messages, &items) == nil || len(r.Messages) == 0 {
		return items
	}
	return []json.RawMessage{r.Messages}
}
