package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// endpoints maps the paths of AICC's calls to the names in the tests' scripts.
var endpoints = map[string]string{
	"/apigovernance/api/oauth/tokenByAkSk": "token",
	"/apiaccess/ccmessaging/applyToken":    "apply",
	"/apiaccess/ccmessaging/send":          "send",
	"/apiaccess/ccmessaging/sendAsync":     "async",

	"/apiaccess/ccmessaging/uploadFileStream":   "upload",
	"/apiaccess/ccmessaging/downloadFileStream": "download",
	"/apiaccess/ccmessaging/poll":               "poll",
	"/files/1":                                  "file",
}

// reply is one scripted response.
type reply struct {
	Status int               `json:"status"`
	Header map[string]string `json:"header"`
	Body   json.RawMessage   `json:"body"`
}

func respond(status int, body string) reply {
	return reply{Status: status, Body: json.RawMessage(body)}
}

// call is one received call.
type call struct {
	Request string            `json:"request"`
	Header  map[string]string `json:"header"`
	Body    json.RawMessage   `json:"body"`
}

// vendor is a scripted AICC. After the end of its script, an endpoint always succeeds. Each token is a new one.
type vendor struct {
	*httptest.Server
	mu     sync.Mutex
	script map[string][]reply
	calls  []call
	counts map[string]int
}

func newVendor(t testing.TB, script map[string][]reply) *vendor {
	t.Helper()
	v := &vendor{script: script, counts: map[string]int{}}
	v.Server = httptest.NewServer(http.HandlerFunc(v.serve))
	t.Cleanup(v.Close)
	return v
}

func (v *vendor) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	header := map[string]string{}
	for _, n := range []string{"Authorization", "Ccmessaging-Token", "Content-Type", "X-App-Key", "X-Token-Expire"} {
		if s := r.Header.Get(n); s != "" {
			header[n] = s
		}
	}
	name := endpoints[r.URL.Path]
	v.mu.Lock()
	v.counts[name]++
	n := v.counts[name]
	if len(body) == 0 {
		body = []byte("null")
	}
	v.calls = append(v.calls, call{r.Method + " " + r.URL.RequestURI(), header, body})
	var answer reply
	if script := v.script[name]; len(script) > 0 {
		answer, v.script[name] = script[0], script[1:]
	} else {
		answer = success(name, n)
	}
	v.mu.Unlock()
	for k, s := range answer.Header {
		w.Header().Set(k, s)
	}
	w.WriteHeader(answer.Status)
	_, _ = w.Write(answer.Body)
}

func success(name string, n int) reply {
	switch name {
	case "token":
		return respond(200, fmt.Sprintf(`{"AccessToken":"ACCESS-%d","ApplyType":"Bearer","Expires":"600"}`, n))
	case "apply":
		return respond(200, fmt.Sprintf(`{"resultCode":"0","token":"USER-%d"}`, n))
	case "send", "async":
		return respond(200, `{"resultCode":"0","resultDesc":"success"}`)
	case "upload":
		return respond(200, fmt.Sprintf(`{"returnCode":"0","objectKey":"2021/KEY-%d"}`, n))
	case "download":
		return respond(200, `{"resultCode":"401","resultDesc":"no object key"}`)
	case "poll":
		return respond(200, `{"resultCode":"0","downlinkMessages":[]}`)
	}
	return respond(404, `{}`)
}

func (v *vendor) count(name string) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.counts[name]
}

// deskAt returns an adapter with a channel that calls v.
func deskAt(t testing.TB, v *vendor, changes map[string]any) *adapter {
	t.Helper()
	all := map[string]any{"base_url": v.URL, "token_url": v.URL + "/apigovernance/api/oauth/tokenByAkSk"}
	for k, c := range changes {
		all[k] = c
	}
	ch := testChannel(t, "desk", all)
	ch.Host.HTTP = v.Client()
	return testAdapter(t, ch)
}

// brokenTransport fails every call of one endpoint with a network error.
type brokenTransport struct {
	next http.RoundTripper
	path string
	err  error
}

func (b brokenTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if endpoints[r.URL.Path] == b.path {
		return nil, b.err
	}
	return b.next.RoundTrip(r)
}
