package native

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
		s.refuse(w, errors.New("the Authorization header is not the reply token"))
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
