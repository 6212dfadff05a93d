package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"patchbay/sandbox/simulator"
)

// faultOrder is a fault as it is ordered over HTTP, with times as text ("1.5s").
type faultOrder struct {
	Vendor     string         `json:"vendor"` // livechat, gptbots or aicc
	Kind       simulator.Kind `json:"kind"`
	Endpoint   string         `json:"endpoint"`
	Count      int            `json:"count"`
	Skip       int            `json:"skip"`
	Status     int            `json:"status"`
	Code       int            `json:"code"`
	RetryAfter string         `json:"retry_after"`
	Delay      string         `json:"delay"`
	Bytes      int            `json:"bytes"`
}

// orderFault makes a pretend vendor misbehave.
func (s *Sandbox) orderFault(w http.ResponseWriter, r *http.Request) {
	var o faultOrder
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxForm))
	d.DisallowUnknownFields()
	if err := d.Decode(&o); err != nil {
		sendProblem(w, http.StatusBadRequest, "want a JSON object with vendor and kind: "+err.Error())
		return
	}
	vendor := s.vendors()[o.Vendor]
	if vendor == nil {
		sendProblem(w, http.StatusBadRequest, fmt.Sprintf("vendor %q: want livechat, gptbots or aicc", o.Vendor))
		return
	}
	f, err := o.fault()
	if err != nil {
		sendProblem(w, http.StatusBadRequest, err.Error())
		return
	}
	vendor.Faults.Add(f)
	sendJSON(w, http.StatusOK, struct{}{})
}

func (o faultOrder) fault() (simulator.Fault, error) {
	f := simulator.Fault{
		Kind: o.Kind, Endpoint: o.Endpoint, Count: o.Count, Skip: o.Skip, Status: o.Status, Code: o.Code, Bytes: o.Bytes,
	}
	if !o.Kind.Known() {
		return f, fmt.Errorf("kind %q is not known", o.Kind)
	}
	if o.Status != 0 && (o.Status < 200 || o.Status > 599) {
		return f, fmt.Errorf("status %d: want 200 to 599", o.Status)
	}
	if o.Bytes < 0 || o.Bytes > 1<<30 || o.Count < 0 || o.Skip < 0 {
		return f, fmt.Errorf("bytes, count and skip must not be negative, bytes at most 1 GiB")
	}
	var err error
	if f.RetryAfter, err = span("retry_after", o.RetryAfter); err != nil {
		return f, err
	}
	f.Delay, err = span("delay", o.Delay)
	return f, err
}

func span(field, text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%s %q: want a time like 1.5s", field, text)
	}
	return d, nil
}

// clearFaults makes all pretend vendors behave again, and releases what hangs.
func (s *Sandbox) clearFaults(w http.ResponseWriter, _ *http.Request) {
	for _, vendor := range s.vendors() {
		vendor.Faults.Clear()
	}
	sendJSON(w, http.StatusOK, struct{}{})
}
