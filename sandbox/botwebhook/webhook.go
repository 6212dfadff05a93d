package botwebhook

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"patchbay/sandbox/simulator"
)

// call is a webhook call with the developer's token. It must be answered with status 200, and a body with the code
// of the page's example and its text member.
func (s *Simulator) call(endpoint, address string, body []byte, example string) simulator.Call {
	return simulator.Call{
		Endpoint: endpoint, URL: address, Body: body,
		Prove: func(r *http.Request, _ []byte, wrong bool) {
			token := s.o.WebhookToken
			if wrong {
				token = "wrong-" + token
			}
			if token != "" {
				r.Header.Set("Authorization", s.o.WebhookScheme+" "+token)
			}
		},
		Accepted: func(status int, answer []byte) bool {
			ok := status == http.StatusOK && like(answer, example)
			if status == http.StatusOK && !ok {
				s.Problems.Append(fmt.Sprintf("%s: answer is %.100q, must be like %s", endpoint, answer, example))
			}
			return ok
		},
	}
}

// like returns whether an answer has the example's code, and a text where the example has one.
func like(answer []byte, example string) bool {
	var got, want map[string]any
	if json.Unmarshal(answer, &got) != nil || json.Unmarshal([]byte(example), &want) != nil {
		return false
	}
	for name := range want {
		if _, text := got[name].(string); !text && name != "code" {
			return false
		}
	}
	return got["code"] == want["code"]
}

// Check makes the vendor's test call of the webhook: a body with istest, which must be answered as usual and not be
// taken for a message. It returns when the call ended. No page shows more members of its body.
func (s *Simulator) Check(ctx context.Context) (simulator.Outcome, error) {
	c := s.call(EndpointPush, s.Gateway()+webhookPath, []byte(`{"istest":true}`), `{"code":200,"msg":"success"}`)
	c.Attempts = 1
	return s.Do(ctx, "check", c)
}
