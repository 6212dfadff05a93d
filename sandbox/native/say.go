package native

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"patchbay/sandbox/simulator"
)

// message is a request of the website. MessageID and Media are the project's additions to the document.
type message struct {
	UserID      string         `json:"userId"`
	AccessToken string         `json:"accessToken"`
	MessageID   string         `json:"messageId,omitempty"`
	Payload     messagePayload `json:"payload"`

	header http.Header
	body   []byte // sent instead of the other fields, if it is not nil
}

type messagePayload struct {
	UserSay  string    `json:"userSay"`
	UserInfo UserInfo  `json:"userInfo"`
	UserData *UserData `json:"userData,omitempty"`
	Media    []File    `json:"media,omitempty"`
}

func (m *message) data() *UserData {
	if m.Payload.UserData == nil {
		m.Payload.UserData = &UserData{}
	}
	return m.Payload.UserData
}

// Option changes a request.
type Option func(*message)

// WithMessageID adds the website's id of the message.
func WithMessageID(id string) Option { return func(m *message) { m.MessageID = id } }

// WithTargetAgents names the bots that should answer.
func WithTargetAgents(names ...string) Option {
	return func(m *message) { m.data().TargetAgents = names }
}

// WithData adds customPayload.data.
func WithData(data string) Option {
	raw, _ := json.Marshal(map[string]string{"data": data}) // never fails
	return WithCustomPayload(string(raw))
}

// WithCustomPayload sets customPayload, which must be JSON.
func WithCustomPayload(payload string) Option {
	return func(m *message) { m.data().CustomPayload = json.RawMessage(payload) }
}

// WithMedia adds files of the customer.
func WithMedia(files ...File) Option { return func(m *message) { m.Payload.Media = files } }

// WithHeader adds a header.
func WithHeader(name, value string) Option { return func(m *message) { m.header.Add(name, value) } }

// WithAccessToken sends another token than the configured one.
func WithAccessToken(token string) Option { return func(m *message) { m.AccessToken = token } }

// WithUserInfoID sends another userInfo.id than the user's.
func WithUserInfoID(id string) Option { return func(m *message) { m.Payload.UserInfo.ID = id } }

// WithBody sends exactly these bytes.
func WithBody(contentType string, body []byte) Option {
	return func(m *message) {
		m.header.Set("Content-Type", contentType)
		m.body = body
	}
}

// Say sends the user's text and returns the gateway's answer. It does not retry. It returns an error only if it got no
// complete response; every HTTP status is a result.
func (s *Simulator) Say(ctx context.Context, user, text string, opts ...Option) (int, []byte, error) {
	m := &message{UserID: user, AccessToken: s.o.AccessToken, header: http.Header{}}
	m.Payload.UserSay, m.Payload.UserInfo.ID = text, user
	for _, opt := range opts {
		opt(m)
	}
	if m.body == nil {
		var err error
		if m.body, err = json.Marshal(m); err != nil {
			return 0, nil, fmt.Errorf("encode message of %s: %w", user, err)
		}
	}
	address := s.Gateway() + messagesPath
	return s.Once(ctx, simulator.Call{Endpoint: EndpointSay, URL: address, Body: m.body, Header: m.header})
}
