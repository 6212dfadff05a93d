package botwebhook

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"patchbay/sandbox/simulator"
)

// AnswerFunc returns the bot's answers to the messages of one send call. The last user message is the question. In
// webhook mode each answer is one webhook call. In the other modes the response contains all answers.
type AnswerFunc func(c Conversation, messages []Message) []Answer

// Answer is one answer of a bot.
type Answer struct {
	Text      string
	Audio     []Audio
	Branch    string // of the flow component
	Component string // name of the flow component
	Items     []Item // further outputs of a flow

	MessageID string // default: a new one
	Type      string // ANSWER (default) or QUESTION
}

// Item is one output of a flow. Its JSON is an entry of flow_output.
type Item struct {
	Text      string  `json:"content,omitempty"`
	Audio     []Audio `json:"-"`
	Branch    string  `json:"branch,omitempty"`
	Component string  `json:"from_component_name,omitempty"`
}

// Audio is a spoken answer. Its JSON is an entry of output[].content.audio.
type Audio struct {
	URL        string `json:"audio"` // for webhooks, blocking answers and flow outputs
	Transcript string `json:"transcript"`
	Data       []byte `json:"-"` // for streaming: sent in chunks
	Seconds    int    `json:"-"`
}

// items returns all outputs of an answer: the text and audio of the answer itself, then Items.
func (a Answer) items() []Item {
	first := Item{Text: a.Text, Audio: a.Audio, Branch: a.Branch, Component: a.Component}
	return append([]Item{first}, a.Items...)
}

// isFlow returns whether the answer has fields that only a flow sets.
func (a Answer) isFlow() bool { return a.Component != "" || a.Branch != "" || len(a.Items) > 0 }

var greetings = []string{"hello", "hi", "hey", "good morning", "你好", "您好"}

// GreetOrRepeat is the default AnswerFunc. It answers greetings, and repeats any other question.
func GreetOrRepeat(_ Conversation, messages []Message) []Answer {
	question := Question(messages)
	word := strings.ToLower(strings.TrimRight(strings.TrimSpace(question), ".!?"))
	if slices.ContainsFunc(greetings, func(g string) bool { return word == g || strings.HasPrefix(word, g+" ") }) {
		return []Answer{{Text: "Hello! How can I help you?"}}
	}
	return []Answer{{Text: "You said: " + question}}
}

// push queues the webhook call for an answer.
func (s *Simulator) push(c Conversation, a Answer) error {
	a.MessageID, a.Type = cmp.Or(a.MessageID, simulator.HexID()), cmp.Or(a.Type, "ANSWER")
	var encoded []byte
	body, err := s.body(c, a)
	if err == nil {
		encoded, err = json.Marshal(body)
	}
	if err != nil {
		return fmt.Errorf("answer in conversation %s: %w", c.ID, err)
	}
	return s.PushRaw(c.ID, encoded)
}

// PushRaw queues a webhook call with exactly this body, after the conversation's earlier calls.
func (s *Simulator) PushRaw(conversation string, body []byte) error {
	address := s.Gateway() + webhookPath + s.o.Channel
	return s.Queue(conversation, s.call(EndpointPush, address, body, `{"code":200,"msg":"success"}`))
}

// call returns a webhook call with the token for webhooks. The response must have status 200 and match example, which
// is the example on the vendor's page.
func (s *Simulator) call(endpoint, address string, body []byte, example string) simulator.Call {
	return simulator.Call{
		Endpoint: endpoint, URL: address, Body: body,
		Authenticate: func(r *http.Request, _ []byte, wrong bool) {
			token := s.o.WebhookToken
			if wrong {
				token = "wrong-" + token
			}
			if token != "" {
				r.Header.Set("Authorization", s.o.WebhookScheme+" "+token)
			}
		},
		IsAccepted: func(status int, response []byte) bool {
			ok := status == http.StatusOK && matchesExample(response, example)
			if status == http.StatusOK && !ok {
				s.Report(fmt.Sprintf("%s: response is %.100q, must be like %s", endpoint, response, example))
			}
			return ok
		},
	}
}

// matchesExample returns whether a response has the example's code and a string for each other member of the example.
func matchesExample(response []byte, example string) bool {
	var got, want map[string]any
	if json.Unmarshal(response, &got) != nil || json.Unmarshal([]byte(example), &want) != nil {
		return false
	}
	for name := range want {
		if _, text := got[name].(string); !text && name != "code" {
			return false
		}
	}
	return got["code"] == want["code"]
}
