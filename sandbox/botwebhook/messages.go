package botwebhook

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"patchbay/sandbox/simulator"
)

// Message is one message of a send call. Its text parts are joined to one text.
type Message struct {
	Role  string // user or assistant
	Text  string
	Media []Media // in the order of the parts
}

// Question returns the text of the last user message, "" if there is none.
func Question(messages []Message) string {
	for _, m := range slices.Backward(messages) {
		if m.Role == "user" {
			return m.Text
		}
	}
	return ""
}

// wireMessage is an entry of messages[] in the page "Send message v2".
type wireMessage struct {
	Role    string          `json:"role"`
	Content json.RawMessage `json:"content"`
}

// parseMessages parses messages. Roles must be user or assistant, and the last message must have the role user.
func parseMessages(in []wireMessage) ([]Message, error) {
	messages := make([]Message, 0, len(in))
	for i, m := range in {
		if m.Role != "user" && m.Role != "assistant" {
			return nil, fmt.Errorf("messages[%d].role: %q, must be user or assistant", i, m.Role)
		}
		parsed, err := parseContent(m.Content)
		if err != nil {
			return nil, fmt.Errorf("messages[%d].content: %w", i, err)
		}
		parsed.Role = m.Role
		messages = append(messages, parsed)
	}
	if len(in) == 0 || in[len(in)-1].Role != "user" {
		return nil, errors.New("messages: the last one must be of role user")
	}
	return messages, nil
}

// wirePart is a part of a message's content. Exactly one of text, image, audio and document is set: the member that
// type names.
type wirePart struct {
	Type     string      `json:"type"`
	Text     string      `json:"text"`
	Image    []wireMedia `json:"image"`
	Audio    []wireMedia `json:"audio"`
	Document []wireMedia `json:"document"`
}

// parseContent parses a string or an array of parts.
func parseContent(raw json.RawMessage) (Message, error) {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		if text == "" {
			return Message{}, errors.New("empty")
		}
		return Message{Text: text}, nil
	}
	var parts []wirePart
	if err := simulator.Decode(raw, &parts); err != nil {
		return Message{}, fmt.Errorf("must be a string or an array of parts: %w", err)
	}
	if len(parts) == 0 {
		return Message{}, errors.New("empty")
	}
	var m Message
	var texts []string
	for i, part := range parts {
		media, err := part.parse()
		if err != nil {
			return Message{}, fmt.Errorf("part %d: %w", i, err)
		}
		m.Media = append(m.Media, media...)
		if part.Text != "" {
			texts = append(texts, part.Text)
		}
	}
	m.Text = strings.Join(texts, "\n")
	return m, nil
}

// parse returns the media of the part. The part must have only the member that its type names.
func (p wirePart) parse() (media []Media, err error) {
	items := slices.Concat(p.Image, p.Audio, p.Document)
	members := map[string]bool{
		"text": p.Text != "", "image": p.Image != nil, "audio": p.Audio != nil, "document": p.Document != nil,
	}
	only := members[p.Type] && (p.Type == "text" || len(items) > 0)
	for kind, present := range members {
		only = only && present == (kind == p.Type)
	}
	if !only {
		return nil, fmt.Errorf("type: %q, must name the only other member: text, image, audio or document", p.Type)
	}
	for i, item := range items {
		m, err := item.media(p.Type)
		if err != nil {
			return nil, fmt.Errorf("%s[%d]: %w", p.Type, i, err)
		}
		media = append(media, m)
	}
	return media, nil
}
