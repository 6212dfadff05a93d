package botwebhook

import (
	"errors"
	"slices"
	"strings"
	"time"

	"patchbay/sandbox/simulator"
)

// bodyV1 is the flat body: of a webhook call, page "Webhook receives messages", and, without message_type, of a blocking
// answer to the older send call.
type bodyV1 struct {
	MessageID      string     `json:"message_id"`
	MessageType    string     `json:"message_type,omitempty"`
	Text           string     `json:"text,omitempty"`
	FlowOutput     []flowItem `json:"flow_output,omitempty"`
	CreateTime     int64      `json:"create_time"`
	ConversationID string     `json:"conversation_id"`
}

type flowItem struct {
	Content       string `json:"content,omitempty"`
	Branch        string `json:"branch,omitempty"`
	FromComponent string `json:"from_component_name,omitempty"`
}

// bodyV2 is the nested body: of a webhook call, page "Webhook receives messages v2", and of a blocking answer.
type bodyV2 struct {
	CreateTime     int64          `json:"create_time"`
	ConversationID string         `json:"conversation_id"`
	MessageID      string         `json:"message_id"`
	Output         []outputItem   `json:"output"`
	Usage          map[string]any `json:"usage"`
}

type outputItem struct {
	Branch    string        `json:"from_component_branch"`
	Component string        `json:"from_component_name"`
	Content   outputContent `json:"content"`
}

type outputContent struct {
	Text  string      `json:"text"`
	Audio []audioItem `json:"audio,omitempty"`
}

type audioItem struct {
	Audio      string `json:"audio"`
	Transcript string `json:"transcript"`
}

// stamp is create_time.
func (s *Simulator) stamp(t time.Time) int64 {
	if s.o.Milliseconds {
		return t.UnixMilli()
	}
	return t.Unix()
}

// body is the body of a webhook call.
func (s *Simulator) body(c Conversation, a Answer) (any, error) {
	items := a.items()
	if s.o.Form == FormV2 {
		return s.nested(c, a.MessageID, items), nil
	}
	if slices.ContainsFunc(items, func(i Item) bool { return len(i.Audio) > 0 }) {
		return nil, errors.New("the flat body has no audio, use FormV2")
	}
	body := bodyV1{MessageID: a.MessageID, MessageType: a.Type, CreateTime: s.stamp(time.Now()), ConversationID: c.ID}
	if s.o.Form == FormV1 {
		body.Text = a.Text
		items = items[1:]
	}
	body.FlowOutput = flowOutput(items)
	return body, nil
}

func flowOutput(items []Item) []flowItem {
	var flow []flowItem
	for _, item := range items {
		flow = append(flow, flowItem{Content: item.Text, Branch: item.Branch, FromComponent: item.Component})
	}
	return flow
}

func (s *Simulator) nested(c Conversation, messageID string, items []Item) bodyV2 {
	output := []outputItem{}
	for _, item := range items {
		content := outputContent{Text: item.Text}
		for _, a := range item.Audio {
			content.Audio = append(content.Audio, audioItem{Audio: a.URL, Transcript: a.Transcript})
		}
		output = append(output, outputItem{Branch: item.Branch, Component: item.Component, Content: content})
	}
	credits := map[string]float64{
		"total_credits": 0, "text_input_credits": 0, "text_output_credits": 0, "audio_input_credits": 0, "audio_output_credits": 0,
	}
	return bodyV2{
		CreateTime: s.stamp(time.Now()), ConversationID: c.ID, MessageID: messageID, Output: output,
		Usage: map[string]any{"tokens": tokens, "credits": credits},
	}
}

var tokens = map[string]any{
	"total_tokens": 29, "prompt_tokens": 19, "completion_tokens": 10,
	"prompt_tokens_details":     map[string]int{"audio_tokens": 0, "text_tokens": 19},
	"completion_tokens_details": map[string]int{"reasoning_tokens": 0, "audio_tokens": 0, "text_tokens": 10},
}

// blockingReply puts all answers into one. The pages show none for the older call; it gets the flat body of its
// webhook.
func (s *Simulator) blockingReply(asked Asked, answers []Answer) any {
	var items []Item
	var texts []string
	flow := s.o.Form == FormFlow
	for _, a := range answers {
		items = append(items, a.items()...)
		texts = append(texts, a.Text)
		flow = flow || a.flow()
	}
	if asked.Version == 2 {
		return s.nested(asked.Conversation, simulator.HexID(), items)
	}
	body := bodyV1{MessageID: simulator.HexID(), CreateTime: s.stamp(time.Now()), ConversationID: asked.Conversation.ID}
	if flow {
		body.FlowOutput = flowOutput(items)
	} else {
		body.Text = strings.Join(texts, "\n")
	}
	return body
}
