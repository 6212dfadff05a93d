package native

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"patchbay/sandbox/fault"
)

// Say sends what user says and returns the gateway's answer. It does not try again. The error is
// for calls that got no whole answer, and for requests that the revision can't express; any
// HTTP status is a result.
func (s *Simulator) Say(ctx context.Context, user, text string, opts ...Option) (int, []byte, error) {
	saying := Saying{
		AccessToken: s.o.AccessToken, UserInfoID: user, ContentType: "application/json", Header: http.Header{},
	}
	for _, opt := range opts {
		opt(&saying)
	}
	other := s.turns.next(user)
	defer s.turns.ended(user)
	f, _ := s.Faults.Take(EndpointSay, sayFaults...)
	if f.Kind == fault.BadSignature {
		saying.AccessToken = "wrong-" + saying.AccessToken
	}
	body, err := saying.encode(user, text)
	if err != nil {
		return 0, nil, fmt.Errorf("say as %s: %w", user, err)
	}
	switch f.Kind {
	case fault.Duplicate:
		if status, answer, err := s.post(ctx, &saying, body); err != nil || status != http.StatusOK {
			return status, answer, err
		}
	case fault.Truncate:
		body = body[:len(body)/2]
	case fault.Huge:
		body = fault.Pad(body, f.Bytes)
	case fault.ContentType:
		saying.ContentType = "text/html; charset=utf-8"
	case fault.Reset:
		saying.broken = true
	case fault.Slow:
		err = fault.Sleep(ctx, f.Delay)
	case fault.Hang:
		err = s.Faults.Hold(ctx)
	case fault.Reorder:
		err = letPass(ctx, other, f.Delay)
	}
	if err != nil {
		return 0, nil, err
	}
	status, answer, err := s.post(ctx, &saying, body)
	if f.Kind == fault.Drop && err == nil {
		return 0, nil, errors.New("answer ignored on command")
	}
	return status, answer, err
}

var sayFaults = []fault.Kind{
	fault.BadSignature, fault.Duplicate, fault.Truncate, fault.Huge, fault.ContentType, fault.Slow, fault.Hang,
	fault.Reset, fault.Drop, fault.Reorder,
}

// brokenReader fails in the middle of a body, which makes the client drop the connection.
type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errors.New("connection dropped on command") }

func (s *Simulator) post(ctx context.Context, saying *Saying, body []byte) (int, []byte, error) {
	address := *s.gateway.Load() + s.o.Prefix + "/mp/webhooks/native/messages/" +
		url.PathEscape(s.o.Organization) + "/" + url.PathEscape(s.o.Chatbot)
	var content io.Reader = bytes.NewReader(body)
	if saying.broken {
		content = io.MultiReader(bytes.NewReader(body[:len(body)/2]), brokenReader{})
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, content)
	if err != nil {
		return 0, nil, fmt.Errorf("call gateway: %w", err)
	}
	r.ContentLength = int64(len(body))
	r.Header = saying.Header.Clone()
	r.Header.Set("Content-Type", saying.ContentType)
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
