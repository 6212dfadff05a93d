package native

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"patchbay/sandbox/push"
)

// Send posts a reply to user behind the others: one that nobody asked for, if it is not the brain's. It returns at once.
func (p *Proxy) Send(user string, r Reply) error {
	body, err := p.encode(user, r)
	if err != nil {
		return fmt.Errorf("answer %s: %w", user, err)
	}
	return p.PushRaw(user, body)
}

// PushRaw posts exactly this body behind the user's other answers.
func (p *Proxy) PushRaw(user string, body []byte) error {
	prove, err := p.prove()
	if err != nil {
		return fmt.Errorf("answer %s: %w", user, err)
	}
	return p.pusher.Push(user, push.Call{
		Endpoint: EndpointAnswer, URL: *p.webhook.Load(), Body: body, Prove: prove,
		Accepted: func(status int, _ []byte) bool { return status/100 == 2 },
	})
}

func (p *Proxy) encode(user string, r Reply) ([]byte, error) {
	if r.MessageID == "" {
		r.MessageID = newID()
	}
	if r.Sender.Role == "" {
		r.Sender.Role = "bot"
	}
	if r.SentAt.IsZero() {
		r.SentAt = time.Now()
	}
	out := reply{
		UserID: user, MessageID: r.MessageID, VendorMessageID: r.VendorMessageID,
		Organization: p.o.Organization, ChatbotName: p.o.Chatbot,
		SentAt: r.SentAt.UTC().Format("2006-01-02T15:04:05.000Z07:00"),
		Payload: Payload{
			BotSay: r.Text, Sender: r.Sender, Event: r.Event, Suggestions: r.Suggestions, UserInfo: &UserInfo{ID: user},
		},
	}
	for _, f := range r.Media {
		encoded, err := json.Marshal(f)
		if err != nil {
			return nil, fmt.Errorf("encode media: %w", err)
		}
		out.Payload.Media = append(out.Payload.Media, encoded)
	}
	if data, ok := p.data.Load(user); ok {
		out.Payload.UserData = data.(*UserData)
	}
	return json.Marshal(out)
}

// prove returns what adds the proof of one message to each attempt at it: the same id, and a signature of its time. A bad
// proof spoils the signature if there is one, else the token.
func (p *Proxy) prove() (func(*http.Request, []byte, bool), error) {
	keys, err := keys(p.o.WebhookSecret)
	if err != nil {
		return nil, err
	}
	id := newID()
	return func(r *http.Request, body []byte, bad bool) {
		r.Header.Set("Idempotency-Key", id)
		token := p.o.WebhookToken
		if bad && keys == nil {
			token = "wrong-" + token
		}
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		if keys == nil {
			return
		}
		signed := body
		if bad {
			signed = append([]byte("wrong"), body...)
		}
		sign(r.Header, keys, id, time.Now(), signed)
	}, nil
}

// newID returns a random UUID, version 4.
func newID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
