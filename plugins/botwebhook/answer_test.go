package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// TestBlockingAnswers are answers in which something is not as documented. The question has had its effect: whatever
// is there is kept, and nothing makes the gateway ask again by itself.
func TestBlockingAnswers(t *testing.T) {
	long := strings.Repeat("x", envelope.MaxTextBytes)
	var outputs []string
	for range 5 {
		outputs = append(outputs, `{"content":{"text":"`+long+`"}}`)
	}
	tests := []struct {
		name, body string
		kind       envelope.Kind // of the reply; "" is an error of kind unknown
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
		{name: "code 0 and no more", body: `{"code":0,"message":"ok"}`, kind: envelope.KindUnparsed, problem: "no text"},
		{name: "no ids and no time", body: `{"output":[{"content":{"text":"Hi"}}]}`, kind: envelope.KindMessage, parts: 1},
		{name: "strange ids and time", body: `{"message_id":"a\nb","create_time":"now","output":[{"content":{"text":"Hi"}}]}`,
			kind: envelope.KindMessage, parts: 1},
		{name: "id too long", body: `{"message_id":"` + long[:257] + `","text":"Hi"}`, kind: envelope.KindMessage, parts: 1},
		{name: "output an object", body: `{"message_id":"m1","output":{}}`, kind: envelope.KindUnparsed, id: "m1",
			problem: "output: must be an array"},
		{name: "member twice", body: `{"message_id":"m1","text":"Hi","text":"Ho"}`, kind: envelope.KindUnparsed, id: "m1",
			problem: "text: given more than once"},
		{name: "not UTF-8", body: "{\"message_id\":\"m1\",\"text\":\"\xff\"}", kind: envelope.KindUnparsed, id: "m1",
			problem: "not valid UTF-8"},
		{name: "text too long", body: `{"message_id":"m1","text":"` + long + `x"}`, kind: envelope.KindUnparsed, id: "m1",
			problem: "text: 65537 bytes, at most 65536"},
		{name: "a question", body: `{"message_id":"m1","message_type":"QUESTION","text":"Hi"}`, kind: envelope.KindEcho, id: "m1", parts: 1},
		{name: "of another type", body: `{"message_id":"m1","message_type":"RESEARCH","text":"Hi"}`, kind: envelope.KindUnparsed, id: "m1",
			problem: "unknown message_type"},
		{name: "more than the gateway takes in", body: `{"message_id":"m1","output":[` + strings.Join(outputs, ",") + `]}`,
			kind: envelope.KindMessage, id: "m1", parts: 3, degraded: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := &vendor{status: 200, body: tt.body}
			got, err := connectedIn(t, modeBlocking, v).Deliver(t.Context(), delivery())
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
			e := valid(t, got.Replies)[0]
			if len(got.Replies) != 1 || e.Kind != tt.kind || e.VendorID != tt.id || got.VendorID != tt.id || e.Thread != "c1" ||
				e.Channel != "faq" || len(e.Parts) != tt.parts {
				t.Errorf("reply %s %q on %q with %d parts", e.Kind, e.VendorID, e.Thread, len(e.Parts))
			}
			if e.Attributes[attrProblem] != tt.problem || (got.Degraded != "") != tt.degraded {
				t.Errorf("problem %q, degraded %q", e.Attributes[attrProblem], got.Degraded)
			}
			if e.Kind == envelope.KindUnparsed && len(e.Raw) == 0 {
				t.Error("nothing is kept of it")
			}
		})
	}
}

func TestAnswerTooLarge(t *testing.T) {
	endless := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"message_id":"m1","text":"`)
		_, _ = io.CopyN(w, filler{}, maxAnswerBytes)
	})
	for _, mode := range []string{modeWebhook, modeBlocking, modeStreaming} {
		_, err := connectedIn(t, mode, endless).Deliver(t.Context(), delivery())
		if err == nil || sdk.KindOf(err) != sdk.KindUnknown {
			t.Errorf("%s: %v, want unknown", mode, err)
		}
	}
}

// filler reads as x for ever.
type filler struct{}

func (filler) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

// flushed writes pieces of an answer, each as soon as it is there, and then does what comes at the end.
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

// TestStreamEndings are streams that end in other ways than with the frame End.
func TestStreamEndings(t *testing.T) {
	abort := func() { panic(http.ErrAbortHandler) }
	tests := []struct {
		name     string
		end      func()
		pieces   []string
		said     string
		degraded string
		kind     sdk.ErrorKind // of the error, where nothing was said
		code     string
	}{
		{name: "as it should", end: func() {}, pieces: []string{infoM1, textHello, textWorld, endFrame}, said: "Hello, world"},
		{name: "a frame in two pieces", end: func() {}, pieces: []string{infoM1, textHello[:20], textHello[20:], endFrame}, said: "Hello"},
		{name: "without End", end: func() {}, pieces: []string{infoM1, textHello}, said: "Hello", degraded: "broke off: unexpected EOF"},
		{name: "reset", end: abort, pieces: []string{infoM1, textHello}, said: "Hello", degraded: "broke off: unexpected EOF"},
		{name: "reset before the first word", end: abort, pieces: []string{infoM1}, kind: sdk.KindUnknown},
		{name: "nothing at all", end: func() {}, kind: sdk.KindUnknown},
		{name: "only what is no frame", end: func() {}, pieces: []string{"data: hello\n\n<html>\n"}, kind: sdk.KindUnknown},
		{name: "error at once", end: func() {}, pieces: []string{errorFrame(40356)}, kind: sdk.KindGone, code: "40356"},
		{name: "error after the id", end: func() {}, pieces: []string{infoM1, errorFrame(50000)}, kind: sdk.KindTransient, code: "50000"},
		{name: "credits run out", end: func() {}, pieces: []string{infoM1, textHello, errorFrame(20022)}, said: "Hello",
			degraded: "broke off: send message: transient: out of credits"},
		{name: "error that looks like a status", end: func() {}, pieces: []string{errorFrame(400)}, kind: sdk.KindPermanent, code: "400"},
		{name: "highest code of a frame", end: func() {}, pieces: []string{textHello, errorFrame(399), endFrame}, said: "Hello",
			degraded: "unknown code left out: 399"},
		{name: "negative code", end: func() {}, pieces: []string{"{\"code\":-1,\"message\":\"?\"}\n"}, kind: sdk.KindPermanent, code: "-1"},
		{name: "words after End are not the answer's", end: func() {}, pieces: []string{textHello, endFrame, textWorld}, said: "Hello"},
		{name: "a word that is no text", end: func() {}, pieces: []string{"data: {\"code\":3,\"data\":7}\n\n", textHello, endFrame}, said: "Hello",
			degraded: "1 frames that can't be read"},
		{name: "frames of no use", end: func() {}, said: "Hello", degraded: "unknown code left out: 200; 4 frames that can't be read",
			pieces: []string{"data: {\"code\":11,\"data\":[]}\n\n", "data: {\"code\":39,\"data\":\"x\"}\n\n", "data: {\"code\":10,\"data\":{}}\n\n",
				"data: {\"code\":200}\n\n", "data: {\"message\":\"?\"}\n\n", textHello, "data: {\"code\":10,\"data\":null}\n\n", endFrame}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := connectedIn(t, modeStreaming, flushed(tt.end, tt.pieces...))
			got, err := a.Deliver(t.Context(), delivery())
			if tt.kind != "" {
				e, ok := errors.AsType[*sdk.Error](err)
				if !ok || e.Kind != tt.kind || e.Code != tt.code {
					t.Fatalf("got %+v, %v; want an error of kind %s, code %q", got, err, tt.kind, tt.code)
				}
				checkDiscreet(t, err)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if e := valid(t, got.Replies)[0]; len(got.Replies) != 1 || e.Text() != tt.said || e.Kind != envelope.KindMessage {
				t.Errorf("reply %s %q, want %q", e.Kind, e.Text(), tt.said)
			}
			if !strings.Contains(got.Degraded, tt.degraded) || (got.Degraded == "") != (tt.degraded == "") {
				t.Errorf("degraded %q, want %q", got.Degraded, tt.degraded)
			}
			if strings.Contains(got.Degraded, "private words") {
				t.Errorf("degraded tells what people wrote: %q", got.Degraded)
			}
		})
	}
}

func TestStreamNothingSaid(t *testing.T) {
	got, err := connectedIn(t, modeStreaming, flushed(func() {}, infoM1, endFrame)).Deliver(t.Context(), delivery())
	if err != nil {
		t.Fatal(err)
	}
	e := valid(t, got.Replies)[0]
	if e.Kind != envelope.KindUnparsed || string(e.Raw) != infoM1+strings.TrimSpace(endFrame) || e.VendorID != "m1" {
		t.Errorf("reply %s %q with %q", e.Kind, e.VendorID, e.Raw)
	}
}
