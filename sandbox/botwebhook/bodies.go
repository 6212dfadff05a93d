package botwebhook

import (
	"errors"
	"slices"
	"strings"
	"time"

	"patchbay/sandbox/simulator"
)

// object is a JSON object.
type object = map[string]any

// createTime returns t in the unit of create_time: seconds, or milliseconds with Options.Milliseconds.
func (s *Simulator) createTime(t time.Time) int64 {
	if s.o.Milliseconds {
		return t.UnixMilli()
	}
	return t.Unix()
}

// body returns the body of a webhook call in the form of Options.Form.
func (s *Simulator) body(c Conversation, a Answer) (object, error) {
	items := a.items()
	if s.o.Form == FormV2 {
		return s.nested(c, a.MessageID, items), nil
	}
	if slices.ContainsFunc(items, func(i Item) bool { return len(i.Audio) > 0 }) {
		return nil, errors.New("the flat body cannot contain audio, use FormV2")
	}
	text := ""
	if s.o.Form == FormV1 {
		text, items = a.Text, items[1:]
	}
	body := s.flat(c, a.MessageID, text, items)
	body["message_type"] = a.Type
	return body, nil
}

// flat returns the flat body of a webhook call (page "Webhook receives messages") or of a blocking response to the v1
// call. It omits empty members.
func (s *Simulator) flat(c Conversation, messageID, text string, items []Item) object {
	body := object{"message_id": messageID, "create_time": s.createTime(time.Now()), "conversation_id": c.ID}
	if len(items) > 0 {
		body["flow_output"] = items
	}
	if text != "" {
		body["text"] = text
	}
	return body
}

// nested returns the nested body of a webhook call (page "Webhook receives messages v2") or of a blocking response to
// the v2 call.
func (s *Simulator) nested(c Conversation, messageID string, items []Item) object {
	output := []object{}
	for _, item := range items {
		content := object{"text": item.Text}
		if len(item.Audio) > 0 {
			content["audio"] = item.Audio
		}
		output = append(output, object{
			"from_component_branch": item.Branch, "from_component_name": item.Component, "content": content,
		})
	}
	return object{
		"create_time": s.createTime(time.Now()), "conversation_id": c.ID, "message_id": messageID, "output": output,
		"usage": object{"tokens": tokens, "credits": object{
			"total_credits": 0, "text_input_credits": 0, "text_output_credits": 0,
			"audio_input_credits": 0, "audio_output_credits": 0,
		}},
	}
}

var tokens = object{
	"total_tokens": 29, "prompt_tokens": 19, "completion_tokens": 10,
	"prompt_tokens_details":     object{"audio_tokens": 0, "text_tokens": 19},
	"completion_tokens_details": object{"reasoning_tokens": 0, "audio_tokens": 0, "text_tokens": 10},
}

// blockingReply returns one response with all answers. The vendor's pages show no response of the v1 call; the
// simulator uses the flat body.
func (s *Simulator) blockingReply(asked SendCall, answers []Answer) object {
	var items []Item
	var texts []string
	flow := s.o.Form == FormFlow
	for _, a := range answers {
		items = append(items, a.items()...)
		texts = append(texts, a.Text)
		flow = flow || a.isFlow()
	}
	switch {
	case asked.Version == 2:
		return s.nested(asked.Conversation, simulator.HexID(), items)
	case flow:
		return s.flat(asked.Conversation, simulator.HexID(), "", items)
	}
	return s.flat(asked.Conversation, simulator.HexID(), strings.Join(texts, "\n"), nil)
}
