package botwebhook

import (
	"encoding/json"
	"fmt"
	"net/http"

	"patchbay/sandbox/push"
)

func (s *Simulator) push(c Conversation, a Answer) error {
	if a.MessageID == "" {
		a.MessageID = newID()
	}
	if a.Type == "" {
		a.Type = "ANSWER"
	}
	body, err := s.body(c, a)
	if err != nil {
		return fmt.Errorf("answer in conversation %s: %w", c.ID, err)
	}
	encoded, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	s.remember(c, a.MessageID)
	return s.pusher.Push(c.ID, s.call(encoded))
}

// remember keeps the id of an answer, so that it can be rated.
func (s *Simulator) remember(c Conversation, messageID string) {
	if !s.o.Discard {
		s.answers.Store(messageID, c.ID)
	}
}

func (s *Simulator) call(body []byte) push.Call {
	return push.Call{
		Endpoint: EndpointPush, URL: *s.webhook.Load(), Body: body,
		Prove: prove(s.o.WebhookScheme, s.o.WebhookToken), Accepted: s.accepted,
	}
}

// prove returns what adds the developer's token to a webhook call.
func prove(scheme, token string) func(*http.Request, []byte, bool) {
	return func(r *http.Request, _ []byte, bad bool) {
		sent := token
		if bad {
			sent = "wrong-" + token
		}
		if sent != "" {
			r.Header.Set("Authorization", scheme+" "+sent)
		}
	}
}

// accepted demands the answer that the page shows: 200 and {"code":200,"msg":"success"}.
func (s *Simulator) accepted(status int, body []byte) bool {
	if status != http.StatusOK {
		return false
	}
	var answer struct {
		Code int    `json:"code"`
		Msg  string `json:"msg"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || answer.Code != http.StatusOK {
		s.Problems.Append(fmt.Sprintf(`webhook answered %.100q, must be {"code":200,"msg":"success"}`, body))
		return false
	}
	return true
}

// PushRaw makes a webhook call with exactly this body, behind the conversation's other calls.
func (s *Simulator) PushRaw(conversation string, body []byte) error {
	return s.pusher.Push(conversation, s.call(body))
}
