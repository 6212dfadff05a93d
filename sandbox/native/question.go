package native

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"time"

	"patchbay/sandbox/fault"
)

// maxQuestion bounds a call's body; the document has no limit.
const maxQuestion = 1 << 20

// refusal is why a call is not taken. The document shows none: status and body are ours.
type refusal struct {
	status int
	reason string
}

func (r *refusal) Error() string { return r.reason }

func wrong(format string, args ...any) error {
	return &refusal{http.StatusBadRequest, fmt.Sprintf(format, args...)}
}

// question is the documented call.
type question struct {
	UserID      *string         `json:"userId"`
	AccessToken *string         `json:"accessToken"`
	Payload     questionPayload `json:"payload"`
}

type questionPayload struct {
	UserSay  *string       `json:"userSay"`
	UserInfo questionUser  `json:"userInfo"`
	UserData *questionData `json:"userData"`
}

type questionUser struct {
	ID *string `json:"id"`
}

type questionData struct {
	TargetAgents  []string        `json:"targetAgents"`
	CustomPayload json.RawMessage `json:"customPayload"`
}

// extended is the call with our additions.
type extended struct {
	question
	MessageID string `json:"messageId"`
	Payload   struct {
		questionPayload
		Media []File         `json:"media"`
		Event *CustomerEvent `json:"event"`
	} `json:"payload"`
}

// Handler returns the proxy's endpoint: POST /mp/webhooks/native/messages/{organization}/{chatbotName}.
func (p *Proxy) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /mp/webhooks/native/messages/{organization}/{chatbotName}",
		p.Faults.Wrap(EndpointProxy, http.HandlerFunc(p.serve)))
	return mux
}

func (p *Proxy) serve(w http.ResponseWriter, r *http.Request) {
	asked, err := p.read(w, r)
	if err != nil {
		p.refused.Add(1)
		p.Problems.Append(err.Error())
		status := http.StatusInternalServerError
		if why, ok := errors.AsType[*refusal](err); ok {
			status = why.status
		}
		if p.o.ErrorStatus != 0 {
			status = p.o.ErrorStatus
		}
		writeJSON(w, status, map[string]string{"error": err.Error()})
		return
	}
	p.asked.Add(1)
	if !p.o.Discard {
		p.Asked.Append(asked)
	}
	if p.o.Observe != nil {
		p.o.Observe(asked)
	}
	for _, reply := range p.o.Brain(asked) {
		if err := p.Send(asked.UserID, reply); err != nil {
			p.Problems.Append(err.Error())
		}
	}
	writeJSON(w, http.StatusOK, struct{}{})
}

func (p *Proxy) read(w http.ResponseWriter, r *http.Request) (Asked, error) {
	if r.PathValue("organization") != p.o.Organization || r.PathValue("chatbotName") != p.o.Chatbot {
		return Asked{}, &refusal{http.StatusNotFound, "no such organization or chatbot"}
	}
	if f, ok := p.Faults.Take(EndpointProxy, fault.ExpiredToken, fault.Refuse); ok {
		return Asked{}, commanded(w, f)
	}
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return Asked{}, wrong("Content-Type %q, want application/json", r.Header.Get("Content-Type"))
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxQuestion))
	if err != nil {
		return Asked{}, &refusal{http.StatusRequestEntityTooLarge, fmt.Sprintf("read body: %v", err)}
	}
	q, err := p.parse(body)
	if err != nil {
		return Asked{}, err
	}
	asked, err := p.check(q)
	asked.At, asked.Header, asked.Body = time.Now(), r.Header.Clone(), body
	return asked, err
}

func commanded(w http.ResponseWriter, f fault.Fault) error {
	if f.Kind == fault.ExpiredToken {
		return &refusal{http.StatusUnauthorized, "accessToken has expired"}
	}
	f.Postpone(w.Header())
	if f.Status == 0 {
		return wrong("refused on command")
	}
	return &refusal{f.Status, "refused on command"}
}

// parse reads exactly one JSON object, without members that are not documented.
func (p *Proxy) parse(body []byte) (extended, error) {
	var q extended
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	var err error
	if p.o.Extensions {
		err = d.Decode(&q)
		q.question.Payload = q.Payload.questionPayload
	} else {
		err = d.Decode(&q.question)
	}
	if err != nil {
		return q, wrong("body: %v", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return q, wrong("body: something follows the JSON value")
	}
	return q, nil
}
