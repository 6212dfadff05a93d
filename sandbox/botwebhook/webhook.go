package botwebhook

import (
	"encoding/json"
	"fmt"
	"net/http"

	"patchbay/sandbox/simulator"
)

// call returns a webhook call with the developer's token. The response must have status 200 and a body like the page's
// example.
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
				s.Report(fmt.Sprintf("%s: answer is %.100q, must be like %s", endpoint, answer, example))
			}
			return ok
		},
	}
}

// like returns whether a response has the example's code and a text for each other member of the example.
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
