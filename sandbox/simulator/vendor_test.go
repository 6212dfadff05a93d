package simulator

import (
	"cmp"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestEndpointAnswersInTheVendorsFormat(t *testing.T) {
	refusal := &Refusal{Status: 402, Body: map[string]int{"code": 7}, Problem: "no credits"}
	v := NewVendor(Retry{}, func(f Fault) *Refusal {
		return &Refusal{Status: cmp.Or(f.Status, 401), Body: map[string]any{"code": f.Code, "text": f.Text}, Problem: "on command"}
	})
	defer v.Close()
	var result any
	var failure error
	h := v.Endpoint("x", func(r *Request) (any, error) { return result, failure })
	call := func() string {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", nil))
		return strings.TrimSpace(http.StatusText(w.Code) + " " + w.Body.String())
	}
	for _, tt := range []struct {
		fault   Fault
		result  any
		failure error
		want    string
	}{
		{Fault{}, map[string]string{"a": "b"}, nil, `OK {"a":"b"}`},
		{Fault{}, http.NotFoundHandler(), nil, "Not Found 404 page not found"},
		{Fault{}, nil, refusal, `Payment Required {"code":7}`},
		{Fault{}, nil, errors.New("no user"), `Bad Request {"code":0,"text":"no user"}`},
		{Fault{Kind: ExpiredToken, Count: 1}, "unused", nil, `Unauthorized {"code":0,"text":""}`},
		{Fault{Kind: Refuse, Count: 1, Status: 409, Code: 12}, "unused", nil, `Conflict {"code":12,"text":""}`},
	} {
		if tt.fault.Kind != "" {
			v.Faults.Add(tt.fault)
		}
		result, failure = tt.result, tt.failure
		if got := call(); got != tt.want {
			t.Errorf("got %s, want %s", got, tt.want)
		}
	}
	if n, problems := v.AcceptedCalls("x"), v.Problems.Len(); n != 2 || problems != 4 {
		t.Errorf("%d calls accepted and %d problems, want 2 and 4", n, problems)
	}
}

func TestJSONIsDecodedStrictly(t *testing.T) {
	for _, tt := range []struct {
		contentType, body string
		ok                bool
	}{
		{"application/json; charset=utf-8", `{"a":1}`, true},
		{"application/json", `{"a":1,"b":2}`, false},
		{"application/json", `{"a":1}{}`, false},
		{"application/json", `{"a":"1"}`, false},
		{"application/json", `{"A":1}`, false},
		{"application/json", "", false},
		{"text/html", `{"a":1}`, false},
		{"", `{"a":1}`, false},
	} {
		type body struct {
			A int `json:"a"`
		}
		r := &Request{Request: &http.Request{Header: http.Header{"Content-Type": {tt.contentType}}}, Body: []byte(tt.body)}
		got, err := JSON(func(_ *Request, in *body) (any, error) { return in.A, nil })(r)
		if (err == nil) != tt.ok || tt.ok && got != 1 {
			t.Errorf("decode %q with content type %q = %v, %v, want success %t", tt.body, tt.contentType, got, err, tt.ok)
		}
	}
}
