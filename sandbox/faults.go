package main

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"patchbay/sandbox/simulator"
)

// faultOrder is the body of POST /faults. Durations are written like 1.5s.
type faultOrder struct {
	Vendor string `json:"vendor"` // livechat, gptbots or aicc
	simulator.Fault
	RetryAfter string `json:"retry_after"`
	Delay      string `json:"delay"`
}

// orderFault adds a fault to a simulated vendor.
func (s *Sandbox) orderFault(r *simulator.Request) (any, error) {
	var o faultOrder
	if err := simulator.Decode(r.Body, &o); err != nil {
		return nil, badRequest("body: must be a JSON object with vendor and kind: %v", err)
	}
	vendor := s.vendors()[o.Vendor]
	switch {
	case vendor == nil:
		return nil, badRequest("vendor: %q, must be livechat, gptbots or aicc", o.Vendor)
	case !o.Kind.Known():
		return nil, badRequest("kind: %q is not known", o.Kind)
	case o.Status != 0 && (o.Status < 200 || o.Status > 599):
		return nil, badRequest("status: %d, must be 200 to 599", o.Status)
	case o.Bytes < 0 || o.Bytes > 1<<30 || o.Count < 0 || o.Skip < 0:
		return nil, badRequest("bytes, count and skip must not be negative, bytes at most 1 GiB")
	}
	var errs [2]error
	o.Fault.RetryAfter, errs[0] = time.ParseDuration(cmp.Or(o.RetryAfter, "0s"))
	o.Fault.Delay, errs[1] = time.ParseDuration(cmp.Or(o.Delay, "0s"))
	if err := errors.Join(errs[:]...); err != nil || o.Fault.RetryAfter < 0 || o.Fault.Delay < 0 {
		return nil, badRequest("retry_after and delay must be times like 1.5s: %v", err)
	}
	vendor.Faults.Add(o.Fault)
	return struct{}{}, nil
}

// clearFaults removes the faults of all simulated vendors, and releases the calls that hang.
func (s *Sandbox) clearFaults(*simulator.Request) (any, error) {
	for _, vendor := range s.vendors() {
		vendor.Faults.Clear()
	}
	return struct{}{}, nil
}

func badRequest(format string, args ...any) error { return refuse(400, fmt.Sprintf(format, args...)) }
