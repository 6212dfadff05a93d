package botwebhook

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"patchbay/sandbox/push"
)

// CheckResult is what a test call found, an entry of results[] in the page "Webhook check".
type CheckResult struct {
	Type          string `json:"type"` // message or human_service
	ComponentID   string `json:"component_id"`
	ComponentName string `json:"component_name"`
	WebhookURL    string `json:"webhook_url"`
	Reachable     bool   `json:"reachable"` // something answered, whatever it was
	HTTPStatus    int    `json:"http_status"`
	LatencyMS     int64  `json:"latency_ms"`
}

// Check makes a test call of the webhook: a body with istest set, which must be answered as usual and not be taken for a
// message. It returns when the call ended.
func (s *Simulator) Check(ctx context.Context) (push.Outcome, error) {
	return s.test(ctx, s.call(nil))
}

// check is the call by which the gateway orders test calls of all its webhooks, those for hand-offs included.
func (s *Simulator) check(ctx context.Context, _ []byte) (any, error) {
	calls := []push.Call{s.call(nil)}
	if *s.human.Load() != "" {
		for _, to := range []string{EndpointEstablish, EndpointChat, EndpointClose} {
			calls = append(calls, s.humanCall(to, nil))
		}
	}
	results := []CheckResult{}
	for i, c := range calls {
		began := time.Now()
		out, err := s.test(ctx, c)
		if err != nil {
			return nil, err
		}
		r := CheckResult{
			Type: "message", WebhookURL: c.URL, Reachable: out.Err == nil, HTTPStatus: out.Status,
			LatencyMS: time.Since(began).Milliseconds(),
		}
		if i > 0 {
			r.Type = "human_service"
		}
		results = append(results, r)
	}
	return map[string]any{"results": results}, nil
}

// test makes one attempt of c as a test call. No page shows more members of its body than istest.
func (s *Simulator) test(ctx context.Context, c push.Call) (push.Outcome, error) {
	body := map[string]any{}
	maps.Copy(body, s.o.TestFields)
	body["istest"] = true
	var err error
	if c.Body, err = json.Marshal(body); err != nil {
		return push.Outcome{}, fmt.Errorf("encode test call: %w", err)
	}
	c.Attempts = 1
	return s.pusher.Do(ctx, "check "+newID(), c)
}
