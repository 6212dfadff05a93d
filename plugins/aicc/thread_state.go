package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"patchbay/sdk"
)

// defaultName is the userName of customers without a name. applyToken requires one.
const defaultName = "Customer"

// threadState is stored by the gateway for each thread. Without a token, applyToken gets a new one.
type threadState struct {
	UserName string    `json:"name"`
	Token    string    `json:"token,omitempty"` // ccmessaging-token
	RenewAt  time.Time `json:"renew_at,omitzero"`
}

func readState(b []byte) threadState {
	var s threadState
	if json.Unmarshal(b, &s) != nil {
		s = threadState{} // only the token is lost
	}
	if s.UserName == "" {
		s.UserName = defaultName
	}
	return s
}

// bytes encodes the state. A token that does not fit is omitted.
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

// receipt returns a receipt with the state if it differs from the stored one.
func (s threadState) receipt(stored []byte, degraded string) (*sdk.Receipt, error) {
	b, err := s.bytes()
	if err != nil {
		return nil, err
	}
	if bytes.Equal(b, stored) {
		b = nil
	}
	return &sdk.Receipt{State: b, Degraded: degraded}, nil
}
