package simulator

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
	"unicode/utf8"

	"patchbay/sandbox/fault"
)

// Limits of the API.
const (
	maxUserID = 32 // characters, page "Create conversation"
	maxBody   = 16 << 20
)

// apiError is an error of the vendor's list, with the HTTP status that fits it best.
type apiError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	status  int
}

func (e *apiError) Error() string { return fmt.Sprintf("%d: %s", e.Code, e.Message) }

func badParameters(format string, args ...any) *apiError {
	return &apiError{Code: 40000, Message: fmt.Sprintf(format, args...), status: http.StatusBadRequest}
}

var (
	errAuthentication = &apiError{
		Code: 40127, Message: "Developer authentication failed", status: http.StatusUnauthorized,
	}
	errNoConversation = &apiError{
		Code: 40356, Message: "Conversation does not exist", status: http.StatusNotFound,
	}
	errQuestionTooLong = &apiError{
		Code: 20040, Message: "Question is too long", status: http.StatusBadRequest,
	}
)

// maxQuestion stands for the agent's token limit, whose size the vendor leaves to each agent; in bytes.
const maxQuestion = 256 << 10

// Handler returns the API; its paths start with /v1 and /v2.
func (s *Simulator) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /v1/conversation", s.endpoint(EndpointCreate, s.create))
	mux.Handle("POST /v1/conversation/message", s.endpoint(EndpointMessage, s.sendV1))
	mux.Handle("POST /v2/conversation/message", s.endpoint(EndpointMessage, s.sendV2))
	return mux
}

// endpoint adds what all calls share: faults, the API key, reading the body, errors.
func (s *Simulator) endpoint(name string, call func(body []byte) (any, error)) http.Handler {
	return s.Faults.Wrap(name, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		result, err := s.serve(w, r, name, call)
		if err == nil {
			writeJSON(w, http.StatusOK, result)
			return
		}
		s.refused.Add(1)
		s.Problems.Append(err.Error())
		e, ok := errors.AsType[*apiError](err)
		if !ok {
			e = &apiError{Code: 50000, Message: "Internal error", status: http.StatusInternalServerError}
		}
		status := e.status
		if s.o.ErrorStatus != 0 {
			status = s.o.ErrorStatus
		}
		writeJSON(w, status, e)
	}))
}

func (s *Simulator) serve(
	w http.ResponseWriter, r *http.Request, name string, call func([]byte) (any, error),
) (any, error) {
	_, expired := s.Faults.Take(name, fault.ExpiredToken)
	want := "Bearer " + s.o.APIKey
	if expired || subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte(want)) != 1 {
		return nil, errAuthentication
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return nil, badParameters("body: %v", err)
	}
	return call(body)
}

func (s *Simulator) create(body []byte) (any, error) {
	var in struct {
		UserID string `json:"user_id"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, badParameters("body: %v", err)
	}
	if n := utf8.RuneCountInString(in.UserID); n == 0 || n > maxUserID {
		return nil, badParameters("user_id: %d characters, must be 1 to %d", n, maxUserID)
	}
	c := Conversation{ID: newID(), UserID: in.UserID}
	s.conversations.Store(c.ID, c)
	s.created.Add(1)
	if !s.o.Discard {
		s.Created.Append(c)
	}
	return map[string]string{"conversation_id": c.ID}, nil
}

func (s *Simulator) sendV1(body []byte) (any, error) {
	var in struct {
		ConversationID string `json:"conversation_id"`
		ResponseMode   string `json:"response_mode"`
		Text           string `json:"text"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, badParameters("body: %v", err)
	}
	if in.Text == "" {
		return nil, badParameters("text: missing (files are not played)")
	}
	return s.ask(in.ConversationID, in.ResponseMode, []Message{{Role: "user", Text: in.Text}})
}

func (s *Simulator) sendV2(body []byte) (any, error) {
	var in struct {
		ConversationID string        `json:"conversation_id"`
		ResponseMode   string        `json:"response_mode"`
		Messages       []wireMessage `json:"messages"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, badParameters("body: %v", err)
	}
	messages, err := parseMessages(in.Messages)
	if err != nil {
		return nil, err
	}
	return s.ask(in.ConversationID, in.ResponseMode, messages)
}

// ask records a question, has it answered, and returns the call's own answer.
func (s *Simulator) ask(conversation, mode string, messages []Message) (any, error) {
	if mode != "webhook" && mode != "blocking" {
		return nil, badParameters("response_mode: %q is not played, use webhook or blocking", mode)
	}
	found, ok := s.conversations.Load(conversation)
	if !ok {
		return nil, errNoConversation
	}
	if len(Question(messages)) > maxQuestion {
		return nil, errQuestionTooLong
	}
	c := found.(Conversation)
	asked := Asked{At: time.Now(), Conversation: c, Messages: messages, Mode: mode}
	s.asked.Add(1)
	if !s.o.Discard {
		s.Asked.Append(asked)
	}
	if s.o.Observe != nil {
		s.o.Observe(asked)
	}
	if mode == "blocking" {
		return blockingReply(c, s.o.Brain(c, messages)), nil
	}
	if s.o.EchoQuestions && s.o.Form != FormV2 { // the nested body has no message type
		if err := s.push(c, Answer{Type: "QUESTION", Text: Question(messages)}); err != nil {
			return nil, err
		}
	}
	for _, a := range s.o.Brain(c, messages) {
		if err := s.push(c, a); err != nil {
			return nil, err
		}
	}
	return map[string]any{
		"conversation_id": c.ID, "message_id": newID(), "create_time": asked.At.Unix(),
	}, nil
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// An error here means that the caller left; there is nobody to tell.
	_ = json.NewEncoder(w).Encode(v)
}
