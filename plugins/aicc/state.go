package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"patchbay/sdk"
)

// nameless is what AICC calls a customer whose name is not known.
const nameless = "Customer"

// threadState is what the gateway keeps for each conversation. The token is the customer's
// ccmessaging-token; without one, applyToken gives a new one.
type threadState struct {
	UserName string    `json:"name"`
	Token    string    `json:"token,omitempty"`
	RenewAt  time.Time `json:"renew_at,omitzero"`
}

func readState(b []byte) threadState {
	var s threadState
	if json.Unmarshal(b, &s) != nil {
		s = threadState{} // nothing is lost but a token
	}
	if s.UserName == "" {
		s.UserName = nameless
	}
	return s
}

// bytes encodes the state; a token that does not fit is left out.
func (s threadState) bytes() ([]byte, error) {
	b, err := json.Marshal(s)
	if err == nil && len(b) > sdk.MaxStateBytes {
		s.Token, s.RenewAt = "", time.Time{}
		b, err = json.Marshal(s)
	}
	if err != nil {
		return nil, fmt.Errorf("encode thread state: %w", err)
	}
	return b, nil
}

// receipt carries the state only if it is not what the gateway has.
func (s threadState) receipt(former []byte, degraded string) (*sdk.Receipt, error) {
	b, err := s.bytes()
	if err != nil {
		return nil, err
	}
	if bytes.Equal(b, former) {
		b = nil
	}
	return &sdk.Receipt{State: b, Degraded: degraded}, nil
}
