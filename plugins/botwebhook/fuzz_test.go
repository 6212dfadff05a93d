package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"patchbay/plugins/internal/golden"
	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// FuzzReceive checks bodies of all calls. An accepted call is a test call, or leads to valid envelopes with the ids of
// the call. A repeated call leads to the same envelopes.
func FuzzReceive(f *testing.F) {
	for _, body := range golden.Inputs(f, "testdata/in/*.json") {
		for call := range byte(4) {
			f.Add(call, body)
		}
	}
	f.Add(byte(0), []byte(goodV1))
	f.Add(byte(0), []byte(v2(`"Hi"`, `"\ud83d\ude00"`)))
	f.Add(byte(1), []byte(goodEstablish))
	f.Add(byte(2), []byte(goodChat))
	f.Add(byte(2), []byte(`{"conversation_id":"0","other":1e700}`))
	f.Add(byte(3), []byte(goodClose))
	calls := []string{"", establishPath, chatPath, closePath}
	bot := configured(f, botJSON("https://api-sg.gptbots.ai"), nil)
	handoff := handoffChannel(f, "https://api-sg.gptbots.ai", nil)
	f.Fuzz(func(t *testing.T, call byte, body []byte) {
		a, req := bot, handoffRequest(calls[call%4], string(body))
		if call%4 > 0 {
			a = handoff
		}
		got, err := a.Receive(t.Context(), req)
		again, errAgain := a.Receive(t.Context(), req)
		if diff := cmp.Diff(got, again); diff != "" || (err == nil) != (errAgain == nil) {
			t.Fatalf("the repeated call gives a different result:\n%s", diff)
		}
		if err == nil {
			checkAccepted(t, a == bot, got.Envelopes, body)
		}
	})
}

func checkAccepted(t *testing.T, bot bool, envelopes []*envelope.Envelope, body []byte) {
	var call map[string]any
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber() // accepts numbers of any size
	if err := dec.Decode(&call); err != nil || !json.Valid(body) {
		t.Fatalf("accepted invalid JSON: %v", err)
	}
	if len(envelopes) == 0 && (call["istest"] == nil || call["istest"] == false) {
		t.Fatalf("dropped: %q", body)
	}
	for _, e := range golden.Valid(t, envelopes) {
		if e.Thread != call["conversation_id"] || bot && e.VendorID != call["message_id"] || len(e.VendorID) == 0 {
			t.Errorf("ids %q, %q of %q", e.VendorID, e.Thread, body)
		}
	}
}

// FuzzStream checks that each stream leads to a valid receipt or an error, that it is the same if the stream arrives
// byte by byte, and that the receipt includes complete texts.
func FuzzStream(f *testing.F) {
	for _, stream := range []string{
		infoM1 + textHello + textWorld + endFrame, errorFrame(20022), textHello + errorFrame(50000), "data: [DONE]\n\n",
		"{\"code\":3,\n\"data\":\"a\"}{\"code\":0}", "\ufeffdata: {\"code\":\"3\",\r\ndata: \"data\":\"a\"}\r\n\r\n",
		`{"code":10,"data":[{"content":"a","branch":"b","audioDatas":[{"audioAnswer":"UklGRg==","transcript":"c"}]}]}`,
		`{"code":39,"data":{"audioAnswer":"UklGRg==","transcript":"c"}}`, `{"code":4,"data":{"total_tokens":1e9}}`,
	} {
		f.Add([]byte(stream))
	}
	ch := configured(f, botJSON("https://api-sg.gptbots.ai"), nil).channel("faq")
	f.Fuzz(func(t *testing.T, stream []byte) {
		got, err := receiptOf(ch, bytes.NewReader(stream))
		pieces, errPieces := receiptOf(ch, iotest.OneByteReader(bytes.NewReader(stream)))
		if diff := cmp.Diff(got, pieces); diff != "" || (err == nil) != (errPieces == nil) {
			t.Fatalf("byte by byte the result differs:\n%s", diff)
		}
		if err != nil {
			if _, ok := errors.AsType[*sdk.Error](err); !ok || got != nil {
				t.Fatalf("%+v and %v", got, err)
			}
			return
		}
		golden.Valid(t, got.Replies)
		// A text before the stream must be the beginning of the answer.
		more, err := receiptOf(ch, io.MultiReader(strings.NewReader("data: {\"code\":3,\"data\":\"first words\"}\n\n"), bytes.NewReader(stream)))
		if err != nil || len(more.Replies) != 1 || len(more.Replies[0].Parts) == 0 {
			t.Fatalf("the text is missing: %+v, %v", more, err)
		}
		if first := more.Replies[0].Parts[0]; !strings.HasPrefix(first.Text, "first words") {
			t.Fatalf("the answer begins with %q", first.Text)
		}
	})
}

// receiptOf returns the receipt for a stream.
func receiptOf(ch *channel, r io.Reader) (*sdk.Receipt, error) {
	var s streamAnswer
	s.collect(r, nil)
	return ch.receipt("c1", &s)
}

// FuzzAuthorization checks that a header without the token is refused.
func FuzzAuthorization(f *testing.F) {
	for _, value := range []string{"", "Bearer ", "Bearer " + testToken, "Basic " + testToken, basic("u:" + testToken), basic(":")} {
		f.Add(value)
	}
	ch := configured(f, botJSON("https://api-sg.gptbots.ai"), nil).channel("faq")
	f.Fuzz(func(t *testing.T, value string) {
		h := http.Header{"Authorization": {value}}
		if !ch.authenticate(h) {
			return
		}
		_, password, _ := (&http.Request{Header: h}).BasicAuth()
		scheme, token, _ := strings.Cut(strings.TrimSpace(value), " ") // any case, any number of spaces
		known := strings.EqualFold(scheme, "Bearer") || strings.EqualFold(scheme, "Basic")
		if !(known && strings.TrimSpace(token) == testToken) && password != testToken {
			t.Errorf("%q is accepted", value)
		}
	})
}

// fixedVendor gives the same response to all calls, without a network.
type fixedVendor struct {
	status int
	body   []byte
}

func (v *fixedVendor) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: v.status, Header: http.Header{}, Request: r, Body: io.NopCloser(bytes.NewReader(v.body)), ContentLength: -1,
	}, nil
}

// FuzzAnswer checks that each response in blocking mode leads to one valid reply on the thread within the gateway's
// limit, or to a typed error without the vendor's text.
func FuzzAnswer(f *testing.F) {
	for _, body := range golden.Inputs(f, "testdata/in/v[12]-*.json") {
		f.Add(byte(0), body)
	}
	statuses := []int{200, 202, 400, 401, 429, 500}
	for i := range statuses {
		f.Add(byte(i), []byte(apiError(40356)))
	}
	v := &fixedVendor{}
	a := configured(f, extend(botJSON("https://api-sg.gptbots.ai"), `"mode":"blocking"`), &http.Client{Transport: v})
	f.Fuzz(func(t *testing.T, status byte, body []byte) {
		v.status, v.body = statuses[int(status)%len(statuses)], body
		got, err := a.Deliver(t.Context(), delivery())
		if err != nil {
			e, ok := errors.AsType[*sdk.Error](err)
			if !ok || got != nil {
				t.Fatalf("%+v and %v", got, err)
			}
			if want := map[int]sdk.ErrorKind{429: sdk.KindThrottled, 500: sdk.KindTransient}[v.status]; want != "" && e.Kind != want {
				t.Errorf("status %d is %s", v.status, e.Kind)
			}
			if strings.Contains(err.Error(), "private words") || strings.Contains(err.Error(), testKey) {
				t.Errorf("the error contains the vendor's text: %v", err)
			}
			return
		}
		if v.status > 299 || len(got.Replies) != 1 {
			t.Fatalf("status %d gave %+v", v.status, got)
		}
		e, size := golden.Valid(t, got.Replies)[0], 0
		for _, p := range e.Parts {
			size += len(p.Text) + len(p.URL)
		}
		if e.Thread != "c1" || e.Channel != "faq" || e.VendorID != got.VendorID || size > maxReplyBytes {
			t.Errorf("reply %q on %q of %d bytes", e.VendorID, e.Thread, size)
		}
	})
}
