package botwebhook

import (
	"bytes"
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"

	"patchbay/sandbox/fault"
)

// maxBody bounds a call's body: files come in it as base64.
const maxBody = 64 << 20

// endpoint is what an API path does with a call's body. A result that is an http.Handler writes itself, everything
// else is sent as JSON.
type endpoint func(ctx context.Context, body []byte) (any, error)

// Handler returns the API; its paths start with /v1 and /v2.
func (s *Simulator) Handler() http.Handler {
	mux := http.NewServeMux()
	for path, to := range map[string]struct {
		name string
		call endpoint
	}{
		"/v1/conversation":          {EndpointCreate, s.create},
		"/v1/conversation/message":  {EndpointMessage, s.sendV1},
		"/v2/conversation/message":  {EndpointMessage, s.sendV2},
		"/v1/webhook/check":         {EndpointCheck, s.check},
		"/v1/message/feedback":      {EndpointFeedback, s.feedback},
		"/v1/message/quality":       {EndpointQuality, s.quality},
		"/v1/human/message/receive": {EndpointReceive, s.receive},
		"/v1/human/close":           {EndpointEnd, s.hangUp},
	} {
		mux.Handle("POST "+path, s.endpoint(to.name, to.call))
	}
	return mux
}

// endpoint adds what all calls share: faults, the API key, reading the body, errors.
func (s *Simulator) endpoint(name string, call endpoint) http.Handler {
	return s.Faults.Wrap(name, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		result, err := s.serve(w, r, name, call)
		if err != nil {
			s.refuse(w, err)
			return
		}
		if h, ok := result.(http.Handler); ok {
			h.ServeHTTP(w, r)
			return
		}
		writeJSON(w, http.StatusOK, result)
	}))
}

func (s *Simulator) refuse(w http.ResponseWriter, err error) {
	s.refused.Add(1)
	s.Problems.Append(err.Error())
	e, ok := errors.AsType[*apiError](err)
	if !ok {
		e = vendorError(50000)
	}
	status := e.status
	if s.o.ErrorStatus != 0 {
		status = s.o.ErrorStatus
	}
	writeJSON(w, status, e)
}

func (s *Simulator) serve(w http.ResponseWriter, r *http.Request, name string, call endpoint) (any, error) {
	if f, ok := s.Faults.Take(name, fault.ExpiredToken, fault.Refuse); ok {
		return nil, commanded(w, f)
	}
	if err := s.authenticate(r, name); err != nil {
		return nil, err
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return nil, badParameters("body: %v", err)
	}
	if given := r.Header.Get("Content-Type"); given != "" {
		if media, _, err := mime.ParseMediaType(given); err != nil || media != "application/json" {
			return nil, badParameters("Content-Type: %q, must be application/json", given)
		}
	}
	return call(r.Context(), body)
}

// commanded returns the error that a fault orders.
func commanded(w http.ResponseWriter, f fault.Fault) error {
	if f.Kind == fault.ExpiredToken {
		return errAuthentication
	}
	f.Postpone(w.Header())
	e := vendorError(f.Code)
	if f.Status != 0 {
		e.status = f.Status
	}
	return e
}

func (s *Simulator) authenticate(r *http.Request, name string) error {
	given := r.Header.Get("Authorization")
	if given == "" && s.o.Human.KeyOptional && (name == EndpointReceive || name == EndpointEnd) {
		return nil
	}
	if subtle.ConstantTimeCompare([]byte(given), []byte("Bearer "+s.o.APIKey)) != 1 {
		return errAuthentication
	}
	return nil
}

// decode reads exactly one JSON value. It refuses members that into doesn't have, unless the simulator is lenient.
func (s *Simulator) decode(body []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	if !s.o.Lenient {
		d.DisallowUnknownFields()
	}
	if err := d.Decode(into); err != nil {
		return badParameters("body: %v", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return badParameters("body: something follows the JSON value")
	}
	return nil
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// An error here means that the caller left; there is nobody to tell.
	_ = json.NewEncoder(w).Encode(v)
}
