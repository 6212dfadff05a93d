package simulator

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"patchbay/sandbox/fault"
)

// maxReply bounds an answer's body.
const maxReply = 1 << 20

// Payload is the body of an answer: something said, an event, or both.
type Payload struct {
	BotSay      string    `json:"botSay,omitempty"`
	Sender      Sender    `json:"sender"`
	Event       *Event    `json:"event,omitempty"`
	Suggestions []string  `json:"suggestions,omitempty"`
	Media       []Media   `json:"media,omitempty"`
	UserInfo    *UserInfo `json:"userInfo,omitempty"`
	UserData    *UserData `json:"userData,omitempty"`
}

// UserInfo repeats the customer's id.
type UserInfo struct {
	ID string `json:"id"`
}

// Sender is who speaks: role bot, agent or system.
type Sender struct {
	Role string `json:"role"`
	Name string `json:"name,omitempty"`
}

// Event is what happened to the dialogue: type passed, closed or typing.
type Event struct {
	Type      string `json:"type"`
	Owner     string `json:"owner,omitempty"`
	OwnerRole string `json:"ownerRole,omitempty"`
	Reason    string `json:"reason,omitempty"`
}

// Media is a file by reference, as the gateway sent it.
type Media = json.RawMessage

// UserData is what the customer's own request carried, handed back.
type UserData struct {
	CustomPayload json.RawMessage `json:"customPayload,omitempty"`
}

type reply struct {
	UserID          string  `json:"userId"`
	MessageID       string  `json:"messageId"`
	VendorMessageID string  `json:"vendorMessageId,omitempty"`
	Organization    string  `json:"organization,omitempty"`
	ChatbotName     string  `json:"chatbotName,omitempty"`
	SentAt          string  `json:"sentAt,omitempty"` // RFC 3339, UTC
	Payload         Payload `json:"payload"`
}

// Handler returns the website's side: the reply endpoint takes POST on every path that it is mounted on, and the files
// of AddFile are served below every such path.
func (s *Simulator) Handler() http.Handler {
	replies := s.Faults.Wrap(EndpointReply, http.HandlerFunc(s.serveReply))
	files := s.Faults.Wrap(EndpointFile, http.HandlerFunc(s.serveFile))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		read := r.Method == http.MethodGet || r.Method == http.MethodHead
		if read && strings.Contains(r.URL.Path, "/files/") {
			files.ServeHTTP(w, r)
			return
		}
		replies.ServeHTTP(w, r)
	})
}

func (s *Simulator) serveReply(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		s.reject(w, http.StatusMethodNotAllowed, errors.New("method must be POST"))
		return
	}
	if f, ok := s.Faults.Take(EndpointReply, fault.ExpiredToken, fault.Refuse); ok {
		s.obey(w, f)
		return
	}
	given, want := []byte(r.Header.Get("Authorization")), []byte("Bearer "+s.o.ReplyToken)
	if s.o.ReplyToken != "" && subtle.ConstantTimeCompare(given, want) != 1 {
		s.refuse(w, errors.New("Authorization is not the reply token"))
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxReply))
	if err != nil {
		s.reject(w, http.StatusRequestEntityTooLarge, fmt.Errorf("read body: %w", err))
		return
	}
	if s.o.ReplySecret != "" {
		if err := verify(r.Header, s.o.ReplySecret, time.Now(), body); err != nil {
			s.refuse(w, err)
			return
		}
	}
	answer, err := s.parseReply(r.Header.Get("Content-Type"), body)
	if err != nil {
		s.reject(w, http.StatusBadRequest, err)
		return
	}
	answer.At, answer.Key, answer.WebhookID = time.Now(), r.Header.Get("Idempotency-Key"), r.Header.Get(headerID)
	s.take(answer)
	writeJSON(w, http.StatusOK, struct{}{})
}

func (s *Simulator) take(answer Answer) {
	s.answers.Add(1)
	if !s.o.Discard {
		s.log(answer.UserID).Append(answer)
	}
	if s.o.Observe != nil {
		s.o.Observe(answer)
	}
}

// obey refuses a call because a fault orders it.
func (s *Simulator) obey(w http.ResponseWriter, f fault.Fault) {
	if f.Kind == fault.ExpiredToken {
		s.refuse(w, errors.New("reply token has expired"))
		return
	}
	f.Postpone(w.Header())
	status := f.Status
	if status == 0 {
		status = http.StatusBadRequest
	}
	s.reject(w, status, errors.New("refused on command"))
}

// refuse answers who could not prove to be the gateway.
func (s *Simulator) refuse(w http.ResponseWriter, err error) {
	s.refused.Add(1)
	s.Problems.Append(err.Error())
	writeJSON(w, http.StatusUnauthorized, map[string]string{"error": err.Error()})
}

func (s *Simulator) reject(w http.ResponseWriter, status int, err error) {
	s.unparsed.Add(1)
	s.Problems.Append(err.Error())
	writeJSON(w, status, map[string]string{"error": err.Error()})
}

func (s *Simulator) parseReply(contentType string, body []byte) (Answer, error) {
	if media, _, err := mime.ParseMediaType(contentType); err != nil || media != "application/json" {
		return Answer{}, fmt.Errorf("Content-Type %q, want application/json", contentType)
	}
	var r reply
	if err := json.Unmarshal(body, &r); err != nil {
		return Answer{}, fmt.Errorf("body is not JSON of the answer format: %w", err)
	}
	if err := s.checkReply(r); err != nil {
		return Answer{}, err
	}
	files, err := files(r.Payload.Media)
	if err != nil {
		return Answer{}, err
	}
	return Answer{
		UserID: r.UserID, MessageID: r.MessageID, VendorMessageID: r.VendorMessageID,
		Payload: r.Payload, Files: files, Body: body,
	}, nil
}

func (s *Simulator) checkReply(r reply) error {
	p := r.Payload
	if r.UserID == "" || r.MessageID == "" {
		return errors.New("userId and messageId are required")
	}
	if p.UserInfo != nil && p.UserInfo.ID != r.UserID {
		return fmt.Errorf("payload.userInfo.id %q, want userId", p.UserInfo.ID)
	}
	if r.Organization != "" && r.Organization != s.o.Organization || r.ChatbotName != "" && r.ChatbotName != s.o.Chatbot {
		return fmt.Errorf("answer is for %s/%s", r.Organization, r.ChatbotName)
	}
	if _, err := time.Parse(time.RFC3339, r.SentAt); err != nil && r.SentAt != "" {
		return fmt.Errorf("sentAt %q, want RFC 3339", r.SentAt)
	}
	switch p.Sender.Role {
	case "bot", "agent", "system":
	default:
		return fmt.Errorf("payload.sender.role %q, want bot, agent or system", p.Sender.Role)
	}
	if e := p.Event; e != nil && e.Type != "passed" && e.Type != "closed" && e.Type != "typing" {
		return fmt.Errorf("payload.event.type %q, want passed, closed or typing", e.Type)
	}
	if p.BotSay == "" && p.Event == nil && len(p.Media) == 0 && len(p.Suggestions) == 0 {
		return errors.New("payload has none of botSay, event, media, suggestions")
	}
	return nil
}
