package native

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"unicode/utf8"
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
	Media        []File         // our addition: payload.media
	Event        *CustomerEvent // our addition: payload.event
	Header       http.Header    // of the call, beside its content type

	broken bool // the connection breaks in the middle of the body
	// Body, if set, is sent instead of what the other fields describe.
	Body        []byte
	ContentType string
}

// CustomerEvent is something that a customer did.
type CustomerEvent struct {
	Type       string   `json:"type"` // typing, read or closed
	MessageIDs []string `json:"messageIds,omitempty"`
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

// WithMedia adds files that the customer sends along, or instead of words.
func WithMedia(files ...File) Option { return func(s *Saying) { s.Media = files } }

// WithEvent tells what the customer did: typing, read (with the vendorMessageId of answers) or closed. The text is
// usually empty then.
func WithEvent(kind string, messageIDs ...string) Option {
	return func(s *Saying) { s.Event = &CustomerEvent{Type: kind, MessageIDs: messageIDs} }
}

// WithHeader adds a header: "Idempotency-Key", "Patchbay-Hops".
func WithHeader(name, value string) Option { return func(s *Saying) { s.Header.Add(name, value) } }

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
	UserSay  string         `json:"userSay"`
	UserInfo UserInfo       `json:"userInfo"`
	UserData *requestData   `json:"userData,omitempty"`
	Media    []File         `json:"media,omitempty"`
	Event    *CustomerEvent `json:"event,omitempty"`
}

type requestData struct {
	TargetAgents  []string       `json:"targetAgents,omitempty"`
	CustomPayload map[string]any `json:"customPayload,omitempty"`
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
		Payload: requestPayload{
			UserSay: text, UserInfo: UserInfo{ID: s.UserInfoID}, UserData: data, Media: s.Media, Event: s.Event,
		},
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
