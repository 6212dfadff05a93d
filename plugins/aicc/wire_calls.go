package main

import "encoding/json"

// result is the common part of all responses except tokenByAkSk's. The codes are strings; numbers are accepted too.
// The code is returnCode in responses of uploadFileStream and resultCode in all others.
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

// fault is the body of a response with a status other than 2xx.
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

// accessResponse is the response of tokenByAkSk. Expires is a string of seconds.
type accessResponse struct {
	AccessToken literal `json:"AccessToken"`
	Expires     literal `json:"Expires"`
}

// userRequest is the body of applyToken. userId has 1 to 32 characters.
type userRequest struct {
	UserID    string `json:"userId"`
	UserName  string `json:"userName"`
	ChannelID string `json:"channelId"`
	Locale    string `json:"locale"`
}

// userResponse is the response of applyToken.
type userResponse struct {
	result
	Token literal `json:"token"`
}

// uploadRequest is the body of uploadFileStream. fileStream is base64.
type uploadRequest struct {
	FileType   string `json:"fileType"`
	FileStream string `json:"fileStream"`
	Channel    string `json:"channel"`
}

// uploadResponse is the response of uploadFileStream.
type uploadResponse struct {
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

// downloadResponse is the response of downloadFileStream: the bytes in base64, or a link that needs no credentials.
type downloadResponse struct {
	result
	FileStream string `json:"fileStream"`
	FileURL    string `json:"fileUrl"`
}

// pollResponse is the response of poll.
type pollResponse struct {
	result
	Messages json.RawMessage `json:"downlinkMessages"`
}

// list returns the messages. A value that is not an array counts as one message, because AICC does not send it again.
func (r *pollResponse) list() []json.RawMessage {
	var items []json.RawMessage
	if json.Unmarshal(r.Messages, &items) == nil || len(r.Messages) == 0 {
		return items
	}
	return []json.RawMessage{r.Messages}
}
