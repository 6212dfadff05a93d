package botwebhook

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// wireMessage is an entry of messages[] in the page "Send message v2".
type wireMessage struct {
	Role    string          `json:"role"`
	Content json.RawMessage `json:"content"`
}

// parseMessages demands the roles user and assistant, and that the newest message is a user's.
func (s *Simulator) parseMessages(in []wireMessage) ([]Message, error) {
	messages := make([]Message, 0, len(in))
	for i, m := range in {
		if m.Role != "user" && m.Role != "assistant" {
			return nil, badParameters("messages[%d].role: %q, must be user or assistant", i, m.Role)
		}
		parsed, err := s.parseContent(m.Content)
		if err != nil {
			return nil, badParameters("messages[%d].content: %v", i, err)
		}
		parsed.Role = m.Role
		messages = append(messages, parsed)
	}
	if len(in) == 0 || in[len(in)-1].Role != "user" {
		return nil, badParameters("messages: the last one must be of role user")
	}
	return messages, nil
}

// parseContent reads a string, or an array of parts.
func (s *Simulator) parseContent(raw json.RawMessage) (Message, error) {
	var text *string
	if err := json.Unmarshal(raw, &text); err == nil {
		if text == nil || *text == "" {
			return Message{}, fmt.Errorf("empty")
		}
		return Message{Text: *text}, nil
	}
	var parts []map[string]json.RawMessage
	if err := json.Unmarshal(raw, &parts); err != nil {
		return Message{}, fmt.Errorf("must be a string or an array of parts")
	}
	if len(parts) == 0 {
		return Message{}, fmt.Errorf("empty")
	}
	m := Message{Parts: map[string]int{}}
	var texts []string
	for i, part := range parts {
		kind, said, media, err := s.parsePart(part)
		if err != nil {
			return Message{}, fmt.Errorf("part %d: %w", i, err)
		}
		m.Parts[kind]++
		m.Media = append(m.Media, media...)
		if said != "" {
			texts = append(texts, said)
		}
	}
	m.Text = strings.Join(texts, "\n")
	return m, nil
}

func (s *Simulator) parsePart(part map[string]json.RawMessage) (kind, text string, media []Media, err error) {
	if json.Unmarshal(part["type"], &kind) != nil {
		return "", "", nil, fmt.Errorf("type: must be a string")
	}
	if !slices.Contains([]string{"text", "image", "audio", "document"}, kind) {
		return "", "", nil, fmt.Errorf("type: %q, must be text, image, audio or document", kind)
	}
	for member := range part {
		if member != "type" && member != kind && !s.o.Lenient {
			return "", "", nil, fmt.Errorf("%s: a part of type %s has no such member", member, kind)
		}
	}
	if kind != "text" {
		media, err = s.parseMedia(kind, part[kind])
		return kind, "", media, err
	}
	if json.Unmarshal(part["text"], &text) != nil || text == "" {
		return "", "", nil, fmt.Errorf("text: must be a string that is not empty")
	}
	return kind, text, nil, nil
}

func hasImage(messages []Message) bool {
	return slices.ContainsFunc(messages, func(m Message) bool {
		return slices.ContainsFunc(m.Media, func(f Media) bool { return f.Kind == "image" })
	})
}
