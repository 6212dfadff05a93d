package simulator

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"patchbay/sandbox/push"
)

// bodyV1 is the flat webhook body, page "Webhook receives messages".
type bodyV1 struct {
	MessageID      string     `json:"message_id"`
	MessageType    string     `json:"message_type"`
	Text           string     `json:"text,omitempty"`
	FlowOutput     []flowItem `json:"flow_output,omitempty"`
	CreateTime     int64      `json:"create_time"` // seconds, as in the page's example
	ConversationID string     `json:"conversation_id"`
}

type flowItem struct {
	Content       string `json:"content,omitempty"`
	Branch        string `json:"branch,omitempty"`
	FromComponent string `json:"from_component_name,omitempty"`
}

// bodyV2 is the nested body: of a v2 webhook call, and of a blocking answer.
type bodyV2 struct {
	CreateTime     int64          `json:"create_time"`
	ConversationID string         `json:"conversation_id"`
	MessageID      string         `json:"message_id"`
	Output         []outputItem   `json:"output"`
	Usage          map[string]any `json:"usage"`
}

type outputItem struct {
	Branch    string  `json:"from_component_branch"`
	Component string  `json:"from_component_name"`
	Content   content `json:"content"`
}

type content struct {
	Text string `json:"text"`
}

func (s *Simulator) push(c Conversation, a Answer) error {
	if a.MessageID == "" {
		a.MessageID = newID()
	}
	if a.Type == "" {
		a.Type = "ANSWER"
	}
	body, err := json.Marshal(s.body(c, a))
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	return s.pusher.Push(c.ID, s.call(body))
}

func (s *Simulator) call(body []byte) push.Call {
	return push.Call{Endpoint: EndpointPush, URL: *s.webhook.Load(), Body: body, Prove: s.prove}
}

func (s *Simulator) prove(r *http.Request, _ []byte, bad bool) {
	token := s.o.WebhookToken
	if bad {
		token = "wrong-" + token
	}
	if token != "" {
		r.Header.Set("Authorization", s.o.WebhookScheme+" "+token)
	}
}

func (s *Simulator) body(c Conversation, a Answer) any {
	now := time.Now().Unix()
	switch s.o.Form {
	case FormV2:
		return bodyV2{
			CreateTime: now, ConversationID: c.ID, MessageID: a.MessageID, Output: output(a), Usage: usage(),
		}
	case FormFlow:
		return bodyV1{
			MessageID: a.MessageID, MessageType: a.Type, CreateTime: now, ConversationID: c.ID,
			FlowOutput: []flowItem{{Content: a.Text, Branch: a.Branch, FromComponent: a.Component}},
		}
	}
	return bodyV1{
		MessageID: a.MessageID, MessageType: a.Type, Text: a.Text, CreateTime: now, ConversationID: c.ID,
	}
}

func output(answers ...Answer) []outputItem {
	items := []outputItem{}
	for _, a := range answers {
		items = append(items, outputItem{Branch: a.Branch, Component: a.Component, Content: content{Text: a.Text}})
	}
	return items
}

func usage() map[string]any {
	return map[string]any{
		"tokens":  map[string]int{"total_tokens": 29, "prompt_tokens": 19, "completion_tokens": 10},
		"credits": map[string]float64{"total_credits": 0},
	}
}

func blockingReply(c Conversation, answers []Answer) bodyV2 {
	return bodyV2{
		CreateTime: time.Now().Unix(), ConversationID: c.ID, MessageID: newID(),
		Output: output(answers...), Usage: usage(),
	}
}

// Check makes a test call of the webhook, page "Webhook check": a body with istest set, which must be
// answered with 200 and not be taken for a message. It returns when the call ended.
func (s *Simulator) Check(ctx context.Context) (push.Outcome, error) {
	body, err := json.Marshal(map[string]any{"istest": true})
	if err != nil {
		return push.Outcome{}, fmt.Errorf("encode test call: %w", err)
	}
	key := "check " + newID()
	if err := s.pusher.Push(key, s.call(body)); err != nil {
		return push.Outcome{}, err
	}
	var found push.Outcome
	err = s.pusher.Outcomes.Wait(ctx, func(all []push.Outcome) bool {
		for _, o := range all {
			if o.Key == key {
				found = o
				return true
			}
		}
		return false
	})
	return found, err
}

// PushRaw makes a webhook call with exactly this body, behind the conversation's other calls.
func (s *Simulator) PushRaw(conversation string, body []byte) error {
	return s.pusher.Push(conversation, s.call(body))
}
