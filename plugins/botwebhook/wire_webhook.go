package main

import (
	"net/http"

	"github.com/go-json-experiment/json/jsontext"

	"patchbay/sdk"
)

// Values of message_type ("Webhook receives messages").
const (
	typeAnswer   = "ANSWER"
	typeQuestion = "QUESTION"
)

// messageBody is a call of the message webhook, in both versions: v1 has message_type, text and flow_output, v2 has
// output. The members are decoded after the check for a test call ("Webhook check", istest), whose other members are
// not documented.
type messageBody struct {
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

// v2 reports whether a call or a response has the form of v2.
func (c *messageBody) v2() bool { return len(c.Output) > 0 && c.Output.Kind() != 'n' }

// flowOutput is one component's answer in v1.
type flowOutput struct {
	Content   string `json:"content"`
	Branch    string `json:"branch"`
	Component string `json:"from_component_name"`
}

// output is one component's answer in v2.
type output struct {
	Branch    string `json:"from_component_branch"`
	Component string `json:"from_component_name"`
	Content   struct {
		Text  string `json:"text"`
		Audio []struct {
			URL        string `json:"audio"`
			Transcript string `json:"transcript"`
		} `json:"audio"`
		Other map[string]jsontext.Value `json:",embed"` // undocumented kinds of content
	} `json:"content"`
}

// messageResponse is the response to a call of the message webhook ("Webhook receives messages", Response).
var messageResponse = sdk.Response{
	Status: http.StatusOK, ContentType: jsonType, Body: []byte(`{"code":200,"msg":"success"}`),
}

// messageRefusal is the format of refusals of the message webhook. It has the member msg, like messageResponse.
const messageRefusal = `{"code":{{status}},"msg":"{{text}}"}`
