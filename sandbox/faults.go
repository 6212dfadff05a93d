package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"patchbay/sandbox/aicc"
	"patchbay/sandbox/botwebhook"
	"patchbay/sandbox/native"
	"patchbay/sandbox/simulator"
)

// faultRequest is the body of POST /faults. Durations are texts such as 1.5s.
type faultRequest struct {
	Vendor string `json:"vendor"` // livechat, gptbots or aicc
	simulator.Fault
	RetryAfter string `json:"retry_after"`
	Delay      string `json:"delay"`
}

// faultPoints lists the names of a vendor's endpoints and of its calls to the gateway. Faults apply to both.
type faultPoints struct{ endpoints, calls []string }

var faultPointsOf = map[string]faultPoints{
	"livechat": {[]string{native.EndpointReply, native.EndpointFile}, []string{native.EndpointSay}},
	"gptbots": {
		[]string{botwebhook.EndpointCreate, botwebhook.EndpointMessage, botwebhook.EndpointStream,
			botwebhook.EndpointReceive, botwebhook.EndpointEnd},
		[]string{botwebhook.EndpointPush, botwebhook.EndpointEstablish, botwebhook.EndpointChat, botwebhook.EndpointClose},
	},
	"aicc": {
		[]string{aicc.EndpointAccessToken, aicc.EndpointApplyToken, aicc.EndpointSend, aicc.EndpointSendAsync,
			aicc.EndpointPoll, aicc.EndpointUpload, aicc.EndpointDownload, aicc.EndpointFile},
		[]string{aicc.EndpointPush},
	},
}

// addFault adds a fault to a simulated vendor. It refuses a fault that can never apply. An empty endpoint means any.
func (s *Sandbox) addFault(r *simulator.Request) (any, error) {
	var o faultRequest
	if err := simulator.Decode(r.Body, &o); err != nil {
		return nil, fmt.Errorf("body: must be a JSON object with vendor and kind: %w", err)
	}
	vendor, points := s.vendors()[o.Vendor], faultPointsOf[o.Vendor]
	isCall, isEndpoint := slices.Contains(points.calls, o.Endpoint), slices.Contains(points.endpoints, o.Endpoint)
	inCalls := slices.Contains(simulator.CallFaults, o.Kind)
	atEndpoints := slices.Contains(simulator.EndpointFaults, o.Kind)
	switch {
	case vendor == nil:
		return nil, fmt.Errorf("vendor: %q, must be livechat, gptbots or aicc", o.Vendor)
	case !atEndpoints && !inCalls:
		return nil, fmt.Errorf("kind: %q is not known", o.Kind)
	case o.Endpoint != "" && !isCall && !isEndpoint:
		all := strings.Join(slices.Concat(points.endpoints, points.calls), ", ")
		return nil, fmt.Errorf("endpoint: %q is not known; %s has %s", o.Endpoint, o.Vendor, all)
	case isCall && !inCalls:
		return nil, fmt.Errorf("kind: %q is not possible in %s, a call to the gateway", o.Kind, o.Endpoint)
	case isEndpoint && !atEndpoints:
		return nil, fmt.Errorf("kind: %q is not possible at %s, an endpoint of the vendor", o.Kind, o.Endpoint)
	case o.Vendor == "livechat" && o.Kind == simulator.Reorder:
		return nil, fmt.Errorf("kind: %q is not possible in %s: its calls are not queued", o.Kind, native.EndpointSay)
	case o.Status != 0 && (o.Status < 200 || o.Status > 599):
		return nil, fmt.Errorf("status: %d, must be 200 to 599", o.Status)
	case o.Bytes < 0 || o.Bytes > 1<<30 || o.Count < 0 || o.Skip < 0:
		return nil, errors.New("bytes, count and skip must not be negative, bytes at most 1 GiB")
	}
	var errs [2]error
	o.Fault.RetryAfter, errs[0] = time.ParseDuration(cmp.Or(o.RetryAfter, "0s"))
	o.Fault.Delay, errs[1] = time.ParseDuration(cmp.Or(o.Delay, "0s"))
	if err := errors.Join(errs[:]...); err != nil || o.Fault.RetryAfter < 0 || o.Fault.Delay < 0 {
		return nil, fmt.Errorf("retry_after and delay must be durations such as 1.5s: %v", err)
	}
	vendor.Faults.Add(o.Fault)
	return struct{}{}, nil
}

// clearFaults removes the faults of all simulated vendors, and releases the hanging calls.
func (s *Sandbox) clearFaults(*simulator.Request) (any, error) {
	for _, vendor := range s.vendors() {
		vendor.Faults.Clear()
	}
	return struct{}{}, nil
}
