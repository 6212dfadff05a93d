package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"sort"
	"strings"
	"testing"
	"time"

	"patchbay/sdk"
)

// previousKey is the previous push key.
const previousKey = "ZYXWVUTSRQPONMLKJIHGFEDCBAzyxwvutsrqponmlkj"

// Settings of channels during a change of the key. In the second, each key has an access key.
var (
	rotation      = map[string]any{"verify.previous_secret_key": previousKey}
	namedRotation = map[string]any{
		"verify.previous_secret_key": previousKey, "verify.access_key": testAccessKey,
		"verify.previous_access_key": "previousAccessKey",
	}
)

const vectorBody = `{"timestamp":1625898453913,"messages":[]}`

// vectorHeader is the header that Huawei's signing demo computes for a POST of vectorBody to gw.example.com.
const vectorHeader = "auth-v2/demoAccessKey01/2021-07-10T06:27:33Z/host/" +
	"c633b6c05ec5f91572bed245b29581458490c8ed55ac09bb4fae6bae9028af7d"

func vectorRequest() *sdk.Request {
	return &sdk.Request{
		Channels: []string{"desk"}, Method: "POST", Host: "gw.example.com", Path: pushPath, FullPath: pushPath,
		Header: http.Header{"Authorization": {vectorHeader}, "Content-Type": {"application/json"}},
		Body:   []byte(vectorBody),
	}
}

// signer signs as AICC does. It does not use the code of the adapter.
type signer struct {
	secret, accessKey, time, method, host, path, query, body string
	headers                                                  map[string]string // in addition to host
	withoutHost                                              bool
}

func vectorSigner() signer {
	return signer{
		secret: testSecretKey, accessKey: testAccessKey, time: "2021-07-10T06:27:33Z", method: "POST",
		host: "gw.example.com", path: pushPath, body: vectorBody,
	}
}

func encode(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

func mac(key, text string) string {
	h := hmac.New(sha256.New, []byte(key))
	fmt.Fprint(h, text)
	return hex.EncodeToString(h.Sum(nil))
}

func (s signer) header() string {
	names, lines := []string{"host"}, []string{"host:" + encode(strings.TrimSpace(s.host))}
	if s.withoutHost {
		names, lines = nil, nil
	}
	for n, v := range s.headers {
		names = append(names, n)
		lines = append(lines, n+":"+encode(strings.TrimSpace(v)))
	}
	sort.Strings(names)
	sort.Strings(lines)
	signed := strings.Join(names, ";")
	prefix := "auth-v2/" + s.accessKey + "/" + s.time + "/" + signed
	canonical := s.method + "\n" + s.path + "\n"
	if s.query != "" {
		canonical += s.query + "\n"
	}
	canonical += signed + "\n" + strings.Join(lines, "\n") + "\n" + encode(s.body)
	return prefix + "/" + mac(mac(s.secret, prefix), canonical)
}

func TestSignatureOfHuaweisDemoIsAccepted(t *testing.T) {
	if got := vectorSigner().header(); got != vectorHeader {
		t.Fatalf("the tests' signer computes %s; want %s", got, vectorHeader)
	}
	a := testAdapter(t, testChannel(t, "desk", map[string]any{"verify.access_key": testAccessKey}))
	r, err := a.Receive(t.Context(), vectorRequest())
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Envelopes) != 0 || string(r.Response.Body) != `{"resultCode":"0","resultDesc":"success"}` {
		t.Errorf("Reception = %+v", r)
	}
}

// The cases are forms that AICC's page does not specify, and that differ between implementations.
func TestAcceptedSignatureForms(t *testing.T) {
	tests := []struct {
		name    string
		changes map[string]any
		sign    func(*signer)
		request func(*sdk.Request)
	}{
		{name: "milliseconds", sign: func(s *signer) { s.time = "2021-07-10T06:27:33.123Z" }},
		{name: "epoch milliseconds", sign: func(s *signer) { s.time = "1625898453913" }},
		{name: "at the edge of the window, old", sign: func(s *signer) { s.time = "2021-07-10T06:22:33Z" }},
		{name: "at the edge of the window, new", sign: func(s *signer) { s.time = "2021-07-10T06:32:33Z" }},
		{name: "wider window", changes: map[string]any{"verify.window": "1h"},
			sign: func(s *signer) { s.time = "2021-07-10T05:30:00Z" }},
		{name: "any access key", sign: func(s *signer) { s.accessKey = "another" }},
		{name: "host with port", sign: func(s *signer) { s.host = "gw.example.com:8443" },
			request: func(r *sdk.Request) { r.Host = "gw.example.com:8443" }},
		{name: "host signed without the port", request: func(r *sdk.Request) { r.Host = "gw.example.com:8443" }},
		{name: "configured host", changes: map[string]any{"verify.host": "gw.example.com"},
			request: func(r *sdk.Request) { r.Host = "10.0.0.7:8080" }},
		{name: "path with prefix", sign: func(s *signer) { s.path = "/desk" + pushPath },
			request: func(r *sdk.Request) { r.FullPath = "/desk" + pushPath }},
		{name: "path signed without prefix", request: func(r *sdk.Request) { r.FullPath = "/desk" + pushPath }},
		{name: "path before the proxy", changes: map[string]any{"verify.path": "/chat/desk" + pushPath},
			sign: func(s *signer) { s.path = "/chat/desk" + pushPath }},
		{name: "path behind the proxy", changes: map[string]any{"verify.path": "/chat/desk" + pushPath}},
		{name: "more headers", sign: func(s *signer) {
			s.headers = map[string]string{"content-type": "application/json", "content-length": "41"}
		}, request: func(r *sdk.Request) { r.Header.Set("Content-Length", "41") }},
		{name: "content-length that net/http removed", sign: func(s *signer) {
			s.headers = map[string]string{"content-length": "41"}
		}},
		{name: "lines and names sort differently", sign: func(s *signer) {
			s.headers = map[string]string{"content": "a", "content-type": "application/json"}
		}, request: func(r *sdk.Request) { r.Header.Set("Content", " a ") }},
		{name: "query", sign: func(s *signer) { s.query = "a=&b=x%20y%2Fz" },
			request: func(r *sdk.Request) { r.Query = "b=x+y/z&a" }},
		{name: "previous key", changes: rotation, sign: func(s *signer) { s.secret = previousKey }},
		{name: "current key while the previous one is valid", changes: rotation},
		{name: "previous key with its access key", changes: namedRotation,
			sign: func(s *signer) { s.secret, s.accessKey = previousKey, "previousAccessKey" }},
		{name: "current key with its access key", changes: namedRotation},
		{name: "previous key with the only access key",
			changes: map[string]any{"verify.previous_secret_key": previousKey, "verify.access_key": testAccessKey},
			sign:    func(s *signer) { s.secret = previousKey }},
		{name: "no body", sign: func(s *signer) { s.body = "" },
			request: func(r *sdk.Request) { r.Body = nil }},
		{name: "body with non-ASCII characters", sign: func(s *signer) { s.body = `{"messages":[],"x":"Ünï 人工 ~._-/+"}` },
			request: func(r *sdk.Request) { r.Body = []byte(`{"messages":[],"x":"Ünï 人工 ~._-/+"}`) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := testAdapter(t, testChannel(t, "desk", tt.changes))
			s, req := vectorSigner(), vectorRequest()
			if tt.sign != nil {
				tt.sign(&s)
			}
			if tt.request != nil {
				tt.request(req)
			}
			req.Header.Set("Authorization", s.header())
			if _, err := a.authenticate(req); err != nil {
				t.Errorf("refused: %v", err)
			}
		})
	}
}

// FuzzSignature checks the values that the parser reads from a header, and checks the signature of accepted requests
// with the tests' signer.
func FuzzSignature(f *testing.F) {
	f.Add(vectorHeader, "gw.example.com", "", []byte(vectorBody))
	f.Add(vectorHeader, "gw.example.com:443", "", []byte(vectorBody))
	f.Add("auth-v2/a/1625898453913/content-type;host/"+strings.Repeat("0", 64), "x", "a=1&b", []byte("x"))
	f.Add("auth-v2////", "", "", []byte{})
	f.Add("Bearer x", "gw.example.com", "%", []byte("{}"))
	v := Verify{
		Mode: modeSignature, Window: time.Hour, SecretKey: sdk.NewSecret(testSecretKey), PreviousKey: sdk.NewSecret(previousKey),
	}
	f.Fuzz(func(t *testing.T, header, host, query string, body []byte) {
		auth, err := parseAuthorization(header)
		if err == nil {
			checkParsed(t, header, &auth)
		}
		req := vectorRequest()
		req.Host, req.Query, req.Body = host, query, body
		for _, key := range []string{testSecretKey, previousKey, "unknown"} {
			req.Header.Set("Authorization", header)
			_, given := checkSignature(&v, req, testTime)
			signed, ok := resign(&auth, key, req)
			if given == nil && (err != nil || !ok) {
				t.Fatalf("%q is accepted", header)
			}
			if !ok || query != "" { // resign does not support a query
				continue
			}
			req.Header.Set("Authorization", signed)
			previous, err := checkSignature(&v, req, testTime)
			if inWindow(auth.timestamp) && (key == "unknown") != (err != nil) || err == nil && previous != (key == previousKey) {
				t.Fatalf("signed by %q: previous %v, %v", key, previous, err)
			}
		}
		if err == nil && query == "" {
			mustBeSigned(t, &v, &auth, header, req)
		}
	})
}

// checkParsed compares a parsed header with the original.
func checkParsed(t *testing.T, header string, auth *authorization) {
	t.Helper()
	again := strings.Join([]string{"auth-v2", auth.accessKey, auth.timestamp, auth.signedHeaders, auth.signature}, "/")
	if again != header {
		t.Errorf("%q is parsed as %q", header, again)
	}
	if auth.accessKey == "" || len(auth.signature) != 64 || strings.Join(auth.names, ";") != auth.signedHeaders {
		t.Errorf("%q gives %+v", header, auth)
	}
	if at, err := parseTime(auth.timestamp); err == nil && at.Year() > 9999 {
		t.Errorf("%q gives the time %v", header, at)
	}
}

func inWindow(timestamp string) bool {
	at, err := parseTime(timestamp)
	return err == nil && testTime.Sub(at).Abs() <= time.Hour
}

// resign signs a request with the values of a parsed header. It returns false for headers that it does not support.
func resign(auth *authorization, key string, req *sdk.Request) (string, bool) {
	s := signer{
		secret: key, accessKey: auth.accessKey, time: auth.timestamp, method: req.Method, host: req.Host, path: req.Path,
		body: string(req.Body), headers: map[string]string{},
	}
	for _, n := range auth.names {
		switch n {
		case "host":
		case "content-type":
			s.headers[n] = "application/json"
		default:
			return "", false
		}
	}
	return s.header(), auth.accessKey != ""
}

// mustBeSigned checks that an accepted request is signed with one of the keys, for the host with or without its port.
func mustBeSigned(t *testing.T, v *Verify, auth *authorization, header string, req *sdk.Request) {
	t.Helper()
	req.Header.Set("Authorization", header)
	if _, err := checkSignature(v, req, testTime); err != nil {
		return
	}
	for _, key := range []string{testSecretKey, previousKey} {
		for _, host := range hostForms(v, req.Host) {
			r := *req
			r.Host = host
			if signed, ok := resign(auth, key, &r); ok && signed[len(signed)-64:] == auth.signature {
				return
			}
		}
	}
	t.Fatalf("%q is accepted without a signature", header)
}
