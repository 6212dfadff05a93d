package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"patchbay/plugins/internal/golden"
	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// The responses differ from the documentation. The message has had its effect, so that the content is kept and the call
// is not repeated.
func TestUndocumentedBlockingResponses(t *testing.T) {
	long := strings.Repeat("x", envelope.MaxTextBytes)
	var outputs []string
	for range 5 {
		outputs = append(outputs, `{"content":{"text":"`+long+`"}}`)
	}
	tests := []struct {
		name, body string
		kind       envelope.Kind // kind of the reply; "" means an error of kind unknown
		id         string
		parts      int
		problem    string
		degraded   bool
	}{
		{name: "empty"},
		{name: "a page", body: `<html>`},
		{name: "a list", body: `[]`},
		{name: "cut off", body: `{"message_id":"m1","output":[{"content":{"text":"Hi"`},
		{name: "two", body: `{"message_id":"m1"}{"message_id":"m2"}`},
		{name: "an empty object", body: `{}`, kind: envelope.KindUnparsed, problem: "no text"},
		{name: "only code 0", body: `{"code":0,"message":"ok"}`, kind: envelope.KindUnparsed, problem: "no text"},
		{name: "no ids and no time", body: `{"output":[{"content":{"text":"Hi"}}]}`, kind: envelope.KindMessage, parts: 1},
		{name: "invalid id and time", body: `{"message_id":"a\nb","create_time":"now","output":[{"content":{"text":"Hi"}}]}`,
			kind: envelope.KindMessage, parts: 1},
		{name: "id too long", body: `{"message_id":"` + long[:257] + `","text":"Hi"}`, kind: envelope.KindMessage, parts: 1},
		{name: "output an object", body: `{"message_id":"m1","output":{}}`, kind: envelope.KindUnparsed, id: "m1",
			problem: "output: must be an array"},
		{name: "member twice", body: `{"message_id":"m1","text":"Hi","text":"Ho"}`, kind: envelope.KindUnparsed, id: "m1",
			problem: "text: given more than once"},
		{name: "not UTF-8", body: "{\"message_id\":\"m1\",\"text\":\"\xff\"}", kind: envelope.KindUnparsed, id: "m1",
			problem: "not valid UTF-8"},
		{name: "text too long", body: `{"message_id":"m1","text":"` + long + `x"}`, kind: envelope.KindUnparsed, id: "m1",
			problem: "text: has 65537 bytes; at most 65536 are allowed"},
		{name: "a question", body: `{"message_id":"m1","message_type":"QUESTION","text":"Hi"}`, kind: envelope.KindEcho, id: "m1", parts: 1},
		{name: "unknown type", body: `{"message_id":"m1","message_type":"RESEARCH","text":"Hi"}`, kind: envelope.KindUnparsed, id: "m1",
			problem: "unknown message_type"},
		{name: "more than the gateway accepts", body: `{"message_id":"m1","output":[` + strings.Join(outputs, ",") + `]}`,
			kind: envelope.KindMessage, id: "m1", parts: 3, degraded: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := &vendor{status: 200, body: tt.body}
			got, err := newBotIn(t, modeBlocking, v).Deliver(t.Context(), delivery())
			if n := v.calls.Load(); n != 1 {
				t.Errorf("%d calls, want 1", n)
			}
			if tt.kind == "" {
				if err == nil || sdk.KindOf(err) != sdk.KindUnknown {
					t.Errorf("got %+v, %v; want an error of kind unknown", got, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			e := golden.Valid(t, got.Replies)[0]
			if len(got.Replies) != 1 || e.Kind != tt.kind || e.VendorID != tt.id || got.VendorID != tt.id || e.Thread != "c1" ||
				e.Channel != "faq" || len(e.Parts) != tt.parts {
				t.Errorf("reply %s %q on %q with %d parts", e.Kind, e.VendorID, e.Thread, len(e.Parts))
			}
			if e.Attributes[attrProblem] != tt.problem || (got.Degraded != "") != tt.degraded {
				t.Errorf("problem %q, degraded %q", e.Attributes[attrProblem], got.Degraded)
			}
			if e.Kind == envelope.KindUnparsed && len(e.Raw) == 0 {
				t.Error("an unparsed reply has no Raw")
			}
		})
	}
}

func TestOversizedResponseIsUnknown(t *testing.T) {
	endless := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"message_id":"m1","text":"`)
		_, _ = io.CopyN(w, filler{}, maxResponseBytes)
	})
	for _, mode := range []string{modeWebhook, modeBlocking, modeStreaming} {
		_, err := newBotIn(t, mode, endless).Deliver(t.Context(), delivery())
		if err == nil || sdk.KindOf(err) != sdk.KindUnknown {
			t.Errorf("%s: %v, want unknown", mode, err)
		}
	}
}

// filler is an endless sequence of the letter x.
type filler struct{}

func (filler) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

// flushed returns a handler that flushes each piece of a response and then calls end.
func flushed(end func(), pieces ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for _, p := range pieces {
			_, _ = io.WriteString(w, p)
			_ = http.NewResponseController(w).Flush()
		}
		end()
	})
}

const (
	textHello = "data: {\"code\":3,\"message\":\"Text\",\"data\":\"Hello\"}\n\n"
	textWorld = "data: {\"code\":3,\"message\":\"Text\",\"data\":\", world\"}\n\n"
	infoM1    = "data: {\"code\":11,\"message\":\"MessageInfo\",\"data\":{\"message_id\":\"m1\"}}\n\n"
	endFrame  = "data: {\"code\":0,\"message\":\"End\",\"data\":null}\n\n"
)

func errorFrame(code int) string { return fmt.Sprintf("data: %s\n\n", apiError(code)) }

// The cases are streams with and without the frame End.
func TestEndOfAStream(t *testing.T) {
	abort := func() { panic(http.ErrAbortHandler) }
	tests := []struct {
		name     string
		end      func()
		pieces   []string
		text     string
		degraded string
		kind     sdk.ErrorKind // of the error of a stream without text
		code     string
	}{
		{name: "complete", end: func() {}, pieces: []string{infoM1, textHello, textWorld, endFrame}, text: "Hello, world"},
		{name: "a frame in two pieces", end: func() {}, pieces: []string{infoM1, textHello[:20], textHello[20:], endFrame}, text: "Hello"},
		{name: "without End", end: func() {}, pieces: []string{infoM1, textHello}, text: "Hello", degraded: "interrupted: unexpected EOF"},
		{name: "reset", end: abort, pieces: []string{infoM1, textHello}, text: "Hello", degraded: "interrupted: unexpected EOF"},
		{name: "reset before the first text", end: abort, pieces: []string{infoM1}, kind: sdk.KindUnknown},
		{name: "nothing at all", end: func() {}, kind: sdk.KindUnknown},
		{name: "no frames", end: func() {}, pieces: []string{"data: hello\n\n<html>\n"}, kind: sdk.KindUnknown},
		{name: "error first", end: func() {}, pieces: []string{errorFrame(40356)}, kind: sdk.KindGone, code: "40356"},
		{name: "error after the id", end: func() {}, pieces: []string{infoM1, errorFrame(50000)}, kind: sdk.KindTransient, code: "50000"},
		{name: "credits run out", end: func() {}, pieces: []string{infoM1, textHello, errorFrame(20022)}, text: "Hello",
			degraded: "interrupted: send message: transient: out of credits"},
		{name: "error that looks like a status", end: func() {}, pieces: []string{errorFrame(400)}, kind: sdk.KindPermanent, code: "400"},
		{name: "highest code of a frame", end: func() {}, pieces: []string{textHello, errorFrame(399), endFrame}, text: "Hello",
			degraded: "unknown codes omitted: 399"},
		{name: "negative code", end: func() {}, pieces: []string{"{\"code\":-1,\"message\":\"?\"}\n"}, kind: sdk.KindPermanent, code: "-1"},
		{name: "text after End", end: func() {}, pieces: []string{textHello, endFrame, textWorld}, text: "Hello"},
		{name: "text frame without a string", end: func() {}, pieces: []string{"data: {\"code\":3,\"data\":7}\n\n", textHello, endFrame}, text: "Hello",
			degraded: "1 malformed frames"},
		{name: "malformed and unknown frames", end: func() {}, text: "Hello", degraded: "unknown codes omitted: 200; 4 malformed frames",
			pieces: []string{"data: {\"code\":11,\"data\":[]}\n\n", "data: {\"code\":39,\"data\":\"x\"}\n\n", "data: {\"code\":10,\"data\":{}}\n\n",
				"data: {\"code\":200}\n\n", "data: {\"message\":\"?\"}\n\n", textHello, "data: {\"code\":10,\"data\":null}\n\n", endFrame}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := newBotIn(t, modeStreaming, flushed(tt.end, tt.pieces...))
			got, err := a.Deliver(t.Context(), delivery())
			if tt.kind != "" {
				e, ok := errors.AsType[*sdk.Error](err)
				if !ok || e.Kind != tt.kind || e.Code != tt.code {
					t.Fatalf("got %+v, %v; want an error of kind %s, code %q", got, err, tt.kind, tt.code)
				}
				checkNoSecrets(t, err)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if e := golden.Valid(t, got.Replies)[0]; len(got.Replies) != 1 || e.Text() != tt.text || e.Kind != envelope.KindMessage {
				t.Errorf("reply %s %q, want %q", e.Kind, e.Text(), tt.text)
			}
			if !strings.Contains(got.Degraded, tt.degraded) || (got.Degraded == "") != (tt.degraded == "") {
				t.Errorf("degraded %q, want %q", got.Degraded, tt.degraded)
			}
			if strings.Contains(got.Degraded, "private words") {
				t.Errorf("degraded contains the message: %q", got.Degraded)
			}
		})
	}
}

func TestStreamWithoutTextIsUnparsed(t *testing.T) {
	got, err := newBotIn(t, modeStreaming, flushed(func() {}, infoM1, endFrame)).Deliver(t.Context(), delivery())
	if err != nil {
		t.Fatal(err)
	}
	e := golden.Valid(t, got.Replies)[0]
	if e.Kind != envelope.KindUnparsed || string(e.Raw) != infoM1+strings.TrimSpace(endFrame) || e.VendorID != "m1" {
		t.Errorf("reply %s %q with %q", e.Kind, e.VendorID, e.Raw)
	}
}
