package simulator

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"time"
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
	UserData    *UserData `json:"userData,omitempty"`
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
	UserID    string  `json:"userId"`
	MessageID string  `json:"messageId"`
	Payload   Payload `json:"payload"`
}

// Handler returns the reply endpoint. It takes every path that it is mounted on.
func (s *Simulator) Handler() http.Handler {
	return s.Faults.Wrap(EndpointReply, http.HandlerFunc(s.serveReply))
}

func (s *Simulator) serveReply(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		s.reject(w, http.StatusMethodNotAllowed, errors.New("method must be POST"))
		return
	}
	given, want := []byte(r.Header.Get("Authorization")), []byte("Bearer "+s.o.ReplyToken)
	if s.o.ReplyToken != "" && subtle.ConstantTimeCompare(given, want) != 1 {
		s.refused.Add(1)
		s.Problems.Append("Authorization is not the reply token")
		writeJSON(w, http.StatusUnauthorized, map[string]string{"error": "wrong reply token"})
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxReply))
	if err != nil {
		s.reject(w, http.StatusRequestEntityTooLarge, fmt.Errorf("read body: %w", err))
		return
	}
	answer, err := parseReply(r.Header.Get("Content-Type"), body)
	if err != nil {
		s.reject(w, http.StatusBadRequest, err)
		return
	}
	answer.At, answer.Key = time.Now(), r.Header.Get("Idempotency-Key")
	s.answers.Add(1)
	if !s.o.Discard {
		s.log(answer.UserID).Append(answer)
	}
	if s.o.Observe != nil {
		s.o.Observe(answer)
	}
	writeJSON(w, http.StatusOK, struct{}{})
}

func (s *Simulator) reject(w http.ResponseWriter, status int, err error) {
	s.unparsed.Add(1)
	s.Problems.Append(err.Error())
	writeJSON(w, status, map[string]string{"error": err.Error()})
}

func parseReply(contentType string, body []byte) (Answer, error) {
	if media, _, err := mime.ParseMediaType(contentType); err != nil || media != "application/json" {
		return Answer{}, fmt.Errorf("Content-Type %q, want application/json", contentType)
	}
	var r reply
	if err := json.Unmarshal(body, &r); err != nil {
		return Answer{}, fmt.Errorf("body is not JSON of the answer format: %w", err)
	}
	if r.UserID == "" || r.MessageID == "" {
		return Answer{}, errors.New("userId and messageId are required")
	}
	switch r.Payload.Sender.Role {
	case "bot", "agent", "system":
	default:
		return Answer{}, fmt.Errorf("payload.sender.role %q, want bot, agent or system", r.Payload.Sender.Role)
	}
	if e := r.Payload.Event; e != nil && e.Type != "passed" && e.Type != "closed" && e.Type != "typing" {
		return Answer{}, fmt.Errorf("payload.event.type %q, want passed, closed or typing", e.Type)
	}
	p := r.Payload
	if p.BotSay == "" && p.Event == nil && len(p.Media) == 0 && len(p.Suggestions) == 0 {
		return Answer{}, errors.New("payload has none of botSay, event, media, suggestions")
	}
	return Answer{UserID: r.UserID, MessageID: r.MessageID, Payload: r.Payload, Body: body}, nil
}
