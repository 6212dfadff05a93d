package simulator

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// wireMessage is an entry of messages[] in the page "Send message v2".
type wireMessage struct {
	Role    string          `json:"role"`
	Content json.RawMessage `json:"content"`
}

// parseMessages demands the roles user and assistant and at least one user message.
func parseMessages(in []wireMessage) ([]Message, error) {
	messages := make([]Message, 0, len(in))
	asked := false
	for i, m := range in {
		if m.Role != "user" && m.Role != "assistant" {
			return nil, badParameters("messages[%d].role: %q, want user or assistant", i, m.Role)
		}
		parsed, err := parseContent(m.Content)
		if err != nil {
			return nil, badParameters("messages[%d].content: %v", i, err)
		}
		parsed.Role = m.Role
		asked = asked || m.Role == "user"
		messages = append(messages, parsed)
	}
	if !asked {
		return nil, badParameters("messages: at least one of role user is required")
	}
	return messages, nil
}

// parseContent reads a string, or an array of parts.
func parseContent(raw json.RawMessage) (Message, error) {
	var text string
	if err := json.Unmarshal(raw, &text); err == nil {
		if text == "" {
			return Message{}, fmt.Errorf("empty")
		}
		return Message{Text: text}, nil
	}
	var parts []map[string]json.RawMessage
	if err := json.Unmarshal(raw, &parts); err != nil {
		return Message{}, fmt.Errorf("want a string or an array of parts")
	}
	if len(parts) == 0 {
		return Message{}, fmt.Errorf("empty")
	}
	m := Message{Parts: map[string]int{}}
	var texts []string
	for i, part := range parts {
		kind, said, err := parsePart(part)
		if err != nil {
			return Message{}, fmt.Errorf("part %d: %w", i, err)
		}
		m.Parts[kind]++
		if said != "" {
			texts = append(texts, said)
		}
	}
	m.Text = strings.Join(texts, "\n")
	return m, nil
}

func parsePart(part map[string]json.RawMessage) (kind, text string, err error) {
	if err := json.Unmarshal(part["type"], &kind); err != nil {
		return "", "", fmt.Errorf("type: missing")
	}
	switch kind {
	case "text":
		if err := json.Unmarshal(part["text"], &text); err != nil {
			return "", "", fmt.Errorf("text: missing")
		}
		return kind, text, nil
	case "image", "audio", "document":
		return kind, "", checkMedia(kind, part[kind])
	}
	return "", "", fmt.Errorf("type: %q, want text, image, audio or document", kind)
}

// checkMedia accepts both forms that the pages show: an array of items, and one item.
func checkMedia(kind string, raw json.RawMessage) error {
	var items []map[string]any
	if bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")) {
		raw = json.RawMessage("[" + string(raw) + "]")
	}
	if err := json.Unmarshal(raw, &items); err != nil || len(items) == 0 {
		return fmt.Errorf("%s: want an array of items", kind)
	}
	for i, item := range items {
		url, _ := item["url"].(string)
		data, _ := item["base64_content"].(string)
		if (url == "") == (data == "") {
			return fmt.Errorf("%s[%d]: exactly one of url and base64_content is required", kind, i)
		}
	}
	return nil
}
