package main

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"unicode"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// fixedVendor is an AICC with a fixed response for one endpoint. All other endpoints succeed.
type fixedVendor struct {
	endpoint string
	status   int
	body     []byte
}

func (v *fixedVendor) RoundTrip(r *http.Request) (*http.Response, error) {
	name := endpoints[r.URL.Path]
	answer := success(name, 1)
	if name == v.endpoint {
		answer = reply{Status: v.status, Body: v.body}
	}
	return &http.Response{
		StatusCode: answer.Status, Header: http.Header{}, Request: r, Body: io.NopCloser(bytes.NewReader(answer.Body)),
		ContentLength: -1,
	}, nil
}

// FuzzAnswers checks that each response leads to a result, or to a typed error on one line without secrets and without
// the message.
func FuzzAnswers(f *testing.F) {
	names := []string{"send", "upload", "download", "apply", "token", "async", "file"}
	for i := range names {
		for _, body := range []string{
			`{"resultCode":"0","token":"t-1","objectKey":"k","fileStream":"UE5H","AccessToken":"a-1","Expires":"600"}`,
			`{"resultCode":"13","resultDesc":"session expired ACCESS-1 USER-1 ` + testAppSecret + `"}`, `{"returnCode":3}`, `{}`,
			`{"resultCode":0,"fileUrl":"https://aicc.example.com/files/1"}`, `{"errorCode":"1","exceptionInfo":"private\nwords"}`,
		} {
			f.Add(byte(i), byte(i), []byte(body))
		}
	}
	statuses := []int{200, 400, 403, 429, 500, 503}
	v := &fixedVendor{}
	ch := testChannel(f, "desk", map[string]any{"offline_messages": true})
	ch.Host.HTTP = &http.Client{Transport: v}
	f.Fuzz(func(t *testing.T, endpoint, status byte, body []byte) {
		a := testAdapter(t, ch)
		v.endpoint, v.status, v.body = names[int(endpoint)%len(names)], statuses[int(status)%len(statuses)], body
		_, err := a.Deliver(t.Context(), delivery(message("private words")))
		checkTyped(t, v, err)
		if err != nil && (v.endpoint == "send" || v.endpoint == "async") && strings.Contains(err.Error(), "private words") {
			t.Errorf("%s: the error contains the message: %v", v.endpoint, err)
		}
		_, err = a.Deliver(t.Context(), fileDelivery(envelope.PartImage, sdk.NewAttachment("image/png", "", []byte("PNG"))))
		checkTyped(t, v, err)
		opened, err := a.Open(t.Context(), opening())
		if err == nil && (opened.Thread != testUser || len(opened.State) > sdk.MaxStateBytes) {
			t.Errorf("opened %+v", opened)
		}
		checkTyped(t, v, err)
		m, err := a.Fetch(t.Context(), &sdk.FetchRequest{
			Channel: "desk", Thread: testUser, Part: envelope.Part{Type: envelope.PartImage, Ref: "r-1"},
		})
		checkTyped(t, v, err)
		if err != nil {
			return
		}
		data, err := io.ReadAll(m.Body)
		if err != nil || len(data) > defaultFileBytes || m.Body.Close() != nil {
			t.Errorf("fetched %d bytes, %v", len(data), err)
		}
	})
}

func checkTyped(t *testing.T, v *fixedVendor, err error) {
	t.Helper()
	if err == nil {
		return
	}
	if _, ok := errors.AsType[*sdk.Error](err); !ok {
		t.Fatalf("%s %d %q: not typed: %v", v.endpoint, v.status, v.body, err)
	}
	if strings.ContainsFunc(err.Error(), unicode.IsControl) {
		t.Errorf("%s: the error has several lines: %q", v.endpoint, err)
	}
	if strings.Contains(err.Error(), testAppSecret) {
		t.Errorf("%s: the error contains a secret: %v", v.endpoint, err)
	}
}
