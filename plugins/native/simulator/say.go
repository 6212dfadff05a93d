package simulator

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"unicode/utf8"

	"patchbay/sandbox/fault"
)

// Revision is a dated revision of the live chat's document.
type Revision int

// The revisions, by the date in their headings.
const (
	Revision0417 Revision = iota // payload.userData.customPayload has one string, data
	Revision0410                 // payload.userData.customPayload is a free object
	Revision0309                 // no payload.userData.customPayload
)

// maxData is the bound of customPayload.data in revision 04/17: less than 256 characters.
const maxData = 256

// Saying is one request while it is being made.
type Saying struct {
	Revision     Revision
	MessageID    string // our addition to the document: top-level messageId, left out if ""
	AccessToken  string
	UserInfoID   string
	TargetAgents []string
	Data         string         // customPayload.data, revision 04/17
	Custom       map[string]any // customPayload, revision 04/10
	// Body, if set, is sent instead of what the other fields describe.
	Body        []byte
	ContentType string
}

// Option changes a request.
type Option func(*Saying)

// WithRevision chooses the document's revision.
func WithRevision(r Revision) Option { return func(s *Saying) { s.Revision = r } }

// WithMessageID gives the message an id of the live chat's own.
func WithMessageID(id string) Option { return func(s *Saying) { s.MessageID = id } }

// WithTargetAgents names the bots that shall answer.
func WithTargetAgents(names ...string) Option { return func(s *Saying) { s.TargetAgents = names } }

// WithData adds customPayload.data, which needs revision 04/17.
func WithData(data string) Option { return func(s *Saying) { s.Data = data } }

// WithCustomPayload adds a free customPayload and chooses revision 04/10.
func WithCustomPayload(p map[string]any) Option {
	return func(s *Saying) { s.Custom, s.Revision = p, Revision0410 }
}

// WithAccessToken sends another token than the configured one.
func WithAccessToken(token string) Option { return func(s *Saying) { s.AccessToken = token } }

// WithUserInfoID sends another userInfo.id than the user's.
func WithUserInfoID(id string) Option { return func(s *Saying) { s.UserInfoID = id } }

// WithBody sends exactly these bytes.
func WithBody(contentType string, body []byte) Option {
	return func(s *Saying) { s.Body, s.ContentType = body, contentType }
}

type request struct {
	UserID      string         `json:"userId"`
	AccessToken string         `json:"accessToken"`
	MessageID   string         `json:"messageId,omitempty"`
	Payload     requestPayload `json:"payload"`
}

type requestPayload struct {
	UserSay  string          `json:"userSay"`
	UserInfo requestUserInfo `json:"userInfo"`
	UserData *requestData    `json:"userData,omitempty"`
}

type requestUserInfo struct {
	ID string `json:"id"`
}

type requestData struct {
	TargetAgents  []string       `json:"targetAgents,omitempty"`
	CustomPayload map[string]any `json:"customPayload,omitempty"`
}

// Say sends what user says and returns the gateway's answer. It does not try again. The error is
// for calls that got no whole answer, and for requests that the revision can't express; any
// HTTP status is a result.
func (s *Simulator) Say(ctx context.Context, user, text string, opts ...Option) (int, []byte, error) {
	saying := Saying{AccessToken: s.o.AccessToken, UserInfoID: user, ContentType: "application/json"}
	for _, opt := range opts {
		opt(&saying)
	}
	body, err := saying.encode(user, text)
	if err != nil {
		return 0, nil, fmt.Errorf("say as %s: %w", user, err)
	}
	f, _ := s.Faults.Take(EndpointSay, sayFaults...)
	if f.Kind == fault.Duplicate {
		if status, answer, err := s.post(ctx, saying.ContentType, body); err != nil || status != http.StatusOK {
			return status, answer, err
		}
	}
	if f.Kind == fault.Truncate {
		body = body[:len(body)/2]
	}
	if f.Kind == fault.Huge {
		body = fault.Pad(body, f.Bytes)
	}
	if f.Kind == fault.ContentType {
		saying.ContentType = "text/html; charset=utf-8"
	}
	if f.Kind == fault.Slow {
		if err := fault.Sleep(ctx, f.Delay); err != nil {
			return 0, nil, err
		}
	}
	return s.post(ctx, saying.ContentType, body)
}

var sayFaults = []fault.Kind{fault.Duplicate, fault.Truncate, fault.Huge, fault.ContentType, fault.Slow}

func (s *Simulator) post(ctx context.Context, contentType string, body []byte) (int, []byte, error) {
	address := *s.gateway.Load() + s.o.Prefix + "/mp/webhooks/native/messages/" +
		url.PathEscape(s.o.Organization) + "/" + url.PathEscape(s.o.Chatbot)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return 0, nil, fmt.Errorf("call gateway: %w", err)
	}
	r.Header.Set("Content-Type", contentType)
	s.said.Add(1)
	resp, err := s.o.Client.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxReply))
	if err != nil {
		return 0, nil, fmt.Errorf("read gateway's answer: %w", err)
	}
	if resp.StatusCode == http.StatusOK {
		s.taken.Add(1)
	}
	return resp.StatusCode, answer, nil
}

func (s *Saying) encode(user, text string) ([]byte, error) {
	if s.Body != nil {
		return s.Body, nil
	}
	custom := s.Custom
	if s.Data != "" {
		custom = map[string]any{"data": s.Data}
	}
	if err := s.check(custom); err != nil {
		return nil, err
	}
	var data *requestData
	if custom != nil || s.TargetAgents != nil {
		data = &requestData{TargetAgents: s.TargetAgents, CustomPayload: custom}
	}
	return json.Marshal(request{
		UserID: user, AccessToken: s.AccessToken, MessageID: s.MessageID,
		Payload: requestPayload{UserSay: text, UserInfo: requestUserInfo{ID: s.UserInfoID}, UserData: data},
	})
}

func (s *Saying) check(custom map[string]any) error {
	if s.Revision == Revision0309 && custom != nil {
		return errors.New("revision 03/09 has no customPayload")
	}
	if s.Revision == Revision0417 && s.Custom != nil {
		return errors.New("revision 04/17 has no free customPayload, use WithData")
	}
	if s.Revision == Revision0417 && utf8.RuneCountInString(s.Data) >= maxData {
		return fmt.Errorf("customPayload.data has %d characters, must be less than %d",
			utf8.RuneCountInString(s.Data), maxData)
	}
	return nil
}
