package botwebhook

import (
	"slices"
	"strings"
)

var greetings = []string{"hello", "hi", "hey", "good morning", "你好", "您好"}

// Greeter is the usual brain: it greets who greets and repeats everything else.
func Greeter(_ Conversation, messages []Message) []Answer {
	said := Question(messages)
	word := strings.ToLower(strings.TrimRight(strings.TrimSpace(said), ".!?"))
	if slices.ContainsFunc(greetings, func(g string) bool { return word == g || strings.HasPrefix(word, g+" ") }) {
		return []Answer{{Text: "Hello! How can I help you?"}}
	}
	return []Answer{{Text: "You said: " + said}}
}

// Silent is a brain that answers nothing.
func Silent(Conversation, []Message) []Answer { return nil }

// Question returns the text of the last user message, "" if there is none.
func Question(messages []Message) string {
	for _, m := range slices.Backward(messages) {
		if m.Role == "user" {
			return m.Text
		}
	}
	return ""
}
