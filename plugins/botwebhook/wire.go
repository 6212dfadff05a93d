package main

import (
	"net/http"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"patchbay/sdk"
)

// Values of message_type ("Webhook receives messages").
const (
	typeAnswer   = "ANSWER"
	typeQuestion = "QUESTION"
)

// callBody is a webhook call in both of the vendor's versions: v1 has message_type, text and flow_output,
// v2 has output. Members are kept unread until it is known that the call is not a test call
// ("Webhook check", istest), whose other members are not documented.
type callBody struct {
	IsTest         jsontext.Value `json:"istest"`
	MessageID      jsontext.Value `json:"message_id"`
	MessageType    jsontext.Value `json:"message_type"`
	Text           jsontext.Value `json:"text"`
	FlowOutput     jsontext.Value `json:"flow_output"`
	Output         jsontext.Value `json:"output"`
	CreateTime     jsontext.Value `json:"create_time"` // seconds or milliseconds
	ConversationID jsontext.Value `json:"conversation_id"`
	Usage          jsontext.Value `json:"usage"` // v2
}

// v2 reports whether a call, or an answer, has the form of v2.
func (c *callBody) v2() bool { return len(c.Output) > 0 && c.Output.Kind() != 'n' }

// flowOutput is one component's answer, v1.
type flowOutput struct {
	Content   string `json:"content"`
	Branch    string `json:"branch"`
	Component string `json:"from_component_name"`
}

// output is one component's answer, v2.
type output struct {
	Branch    string `json:"from_component_branch"`
	Component string `json:"from_component_name"`
	Content   struct {
		Text  string `json:"text"`
		Audio []struct {
			URL        string `json:"audio"`
			Transcript string `json:"transcript"`
		} `json:"audio"`
		Other map[string]jsontext.Value `json:",embed"` // what the page does not have
	} `json:"content"`
}

// callAnswer is what the document has a call answered with: msg, not message.
var callAnswer = sdk.Response{
	Status: http.StatusOK, ContentType: jsonType, Body: []byte(`{"code":200,"msg":"success"}`),
}

// callRefusal is how the gateway words its own refusals; callRefusalBody words ours alike.
const callRefusal = `{"code":{{status}},"msg":"{{text}}"}`

// callRefusalBody is the answer to a call that is not taken, in the form of the answer to one that is.
func callRefusalBody(status int, message string) []byte {
	b, err := json.Marshal(struct {
		Code int    `json:"code"`
		Msg  string `json:"msg"`
	}{status, message})
	if err != nil {
		return nil // not UTF-8; the template stands in
	}
	return b
}

// decode reads what the vendor answers, as far as it fits: it is not refused for details.
func decode(v []byte, into any) error {
	return json.Unmarshal(v, into, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

// plain returns a JSON string's text, "" for anything else.
func plain(v jsontext.Value) string {
	var s string
	if v.Kind() != '"' || decode(v, &s) != nil {
		return ""
	}
	return s
}

// number returns a whole number, which the vendor may write as a string; false if it is none.
func number(v jsontext.Value) (int, bool) {
	s := string(v)
	if v.Kind() == '"' {
		s = plain(v)
	}
	n, err := strconv.Atoi(s)
	return n, err == nil
}
