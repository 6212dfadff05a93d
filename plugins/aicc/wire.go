package main

import (
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

// jsonType is the media type of everything that goes either way.
const jsonType = "application/json"

// Values of controlType, mediaType and sourceType. Those that are only read have no name for the way up.
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

	sourceAgent    = "AGENT"
	sourceRobot    = "ROBOT"
	sourceSystem   = "SYSTEM"
	sourceCustomer = "CUSTOMER"

	channelWeb = "WEB"
)

// push is the body of a message push (Message Push Interface Specifications, table 2). Its timestamp is
// the time of sending and is not needed: the signature carries its own.
type push struct {
	Messages json.RawMessage `json:"messages"`
}

// downlink is one DownLinkMsg (table 3). Fields that the vendor's pages and examples show in more than
// one form are raw, so that one of them can't hide the others.
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
}

// result is the body of every answer to a push (table 4), and of the answers of applyToken and send.
// resultCode is a string both ways; a number is taken too.
type result struct {
	ResultCode literal `json:"resultCode"`
	ResultDesc string  `json:"resultDesc"`
	Token      string  `json:"token"` // applyToken alone

	shown string // resultDesc as an error may show it
}

// fault is what API Fabric answers with a status other than 200.
type fault struct {
	ErrorCode     literal `json:"errorCode"`
	ExceptionInfo string  `json:"exceptionInfo"`
	ResultCode    literal `json:"resultCode"`
	ResultDesc    string  `json:"resultDesc"`
}

// accessRequest and accessReply are tokenByAkSk's. Expires counts seconds and is a string.
type accessRequest struct {
	AppKey    string `json:"app_key"`
	AppSecret string `json:"app_secret"`
}

type accessReply struct {
	AccessToken string  `json:"AccessToken"`
	Expires     literal `json:"Expires"`
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
	Channel     string `json:"channel"`
	Content     string `json:"content"`
	ControlType string `json:"controlType"`
	From        string `json:"from"`
	MediaType   string `json:"mediaType"`
	SourceType  string `json:"sourceType"`
	Timestamp   string `json:"timestamp"`
	To          string `json:"to"`
}

// literal reads a JSON string, number or null as text. Other values read as "", and never as an error.
type literal string

// UnmarshalJSON implements json.Unmarshaler.
func (l *literal) UnmarshalJSON(b []byte) error {
	s, _ := literalText(b)
	*l = literal(s)
	return nil
}

// literalText returns the text of a JSON string or number, "" for null or nothing; false for anything else.
func literalText(raw json.RawMessage) (string, bool) {
	switch {
	case len(raw) == 0 || string(raw) == "null":
		return "", true
	case raw[0] == '"':
		var s string
		err := json.Unmarshal(raw, &s)
		return s, err == nil
	case raw[0] == '-' || raw[0] >= '0' && raw[0] <= '9':
		return string(raw), true
	}
	return "", false
}

// lastMilli is the last millisecond of the year 9999: what JSON can carry as a time.
const lastMilli = 253402300799999

// milliTime reads a time in milliseconds, as a number or a string. Nothing and 0 give the zero time.
func milliTime(raw json.RawMessage) (time.Time, error) {
	s, ok := literalText(raw)
	if s = strings.TrimSpace(s); !ok {
		return time.Time{}, errors.New("timestamp: not a number")
	}
	if s == "" || s == "0" {
		return time.Time{}, nil
	}
	ms, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		f, err := strconv.ParseFloat(s, 64) // 1.625898453913E12 is how some JSON writers print a long
		if err != nil || math.IsNaN(f) || math.Abs(f) > lastMilli {
			return time.Time{}, errors.New("timestamp: not a time in milliseconds")
		}
		ms = int64(f)
	}
	if ms < 0 || ms > lastMilli {
		return time.Time{}, errors.New("timestamp: out of range")
	}
	return time.UnixMilli(ms).UTC(), nil
}

// flagValue reads an optional boolean; "true" and "false" in quotes are taken too.
func flagValue(raw json.RawMessage) (value, given bool, err error) {
	switch string(raw) {
	case "", "null":
		return false, false, nil
	case "true", `"true"`:
		return true, true, nil
	case "false", `"false"`:
		return false, true, nil
	}
	return false, false, errors.New("isOfflineStatus: neither true nor false")
}
