package native

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"patchbay/sandbox/simulator"
)

// Message is a call with a customer's message: of the website to the gateway, and of the gateway to the message proxy.
// MessageID and Media are the project's additions to the document; the gateway does not send them to the proxy.
type Message struct {
	UserID      string         `json:"userId"`
	AccessToken string         `json:"accessToken"`
	MessageID   string         `json:"messageId,omitempty"`
	Payload     MessagePayload `json:"payload"`

	Header http.Header `json:"-"`
	Body   []byte      `json:"-"` // sent instead of the other fields, if it is not nil
}

// MessagePayload is the content of a customer's message.
type MessagePayload struct {
	UserSay  string    `json:"userSay"`
	UserInfo UserInfo  `json:"userInfo"`
	UserData *UserData `json:"userData,omitempty"`
	Media    []File    `json:"media,omitempty"`
}

// Option changes a message.
type Option func(*Message)

// WithMessageID adds the website's id of the message.
func WithMessageID(id string) Option { return func(m *Message) { m.MessageID = id } }

// WithData adds customPayload.data.
func WithData(data string) Option {
	raw, _ := json.Marshal(map[string]string{"data": data}) // never fails
	return func(m *Message) { m.Payload.UserData = &UserData{CustomPayload: raw} }
}

// WithMedia adds files of the customer.
func WithMedia(files ...File) Option { return func(m *Message) { m.Payload.Media = files } }

// Say sends the user's text, after the changes to the message, and returns the gateway's answer. It does not retry. It
// returns an error only if it got no complete response; every HTTP status is a result.
func (s *Simulator) Say(ctx context.Context, user, text string, changes ...Option) (int, []byte, error) {
	m := &Message{UserID: user, AccessToken: s.o.AccessToken, Header: http.Header{}}
	m.Payload.UserSay, m.Payload.UserInfo.ID = text, user
	for _, change := range changes {
		change(m)
	}
	if m.Body == nil {
		var err error
		if m.Body, err = json.Marshal(m); err != nil {
			return 0, nil, fmt.Errorf("encode message of %s: %w", user, err)
		}
	}
	address := s.Gateway() + messagesPath
	return s.Once(ctx, simulator.Call{Endpoint: EndpointSay, URL: address, Body: m.Body, Header: m.Header})
}
