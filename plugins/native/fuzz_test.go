package main

import (
	"bytes"
	"encoding/json"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"patchbay/plugins/internal/golden"
	"patchbay/sdk/webhook"
)

// FuzzReceive checks bodies, paths and headers in both roles. An accepted call has the credentials and the path of its
// channel, and leads to valid envelopes. A repeated call leads to the same envelopes. choice selects the channel and
// the credentials to remove.
func FuzzReceive(f *testing.F) {
	for choice, folder := range map[byte]string{0: "testdata/in", 1: "testdata/in/bot", 2: "testdata/in/bot"} {
		for _, body := range golden.Inputs(f, folder+"/*.json") {
			f.Add(choice, []string{testPath, answersPath + "faq", answersPath + "relay"}[choice], testKey, body)
		}
	}
	f.Add(byte(0), testPath, "", []byte(edit(`"Hi"`, `"\ud83d\ude00"`)))
	f.Add(byte(0), testPath, "1", []byte(edit(givenToken, givenToken+`,`+givenToken)))
	f.Add(byte(0), messagesPath+"d8%61i/d8ai_chatbot", "", []byte(edit("d", "d")))
	f.Add(byte(1+4), answersPath+"f%61q", "", []byte(accepted))
	f.Add(byte(2+8), answersPath+"relay", "", []byte(accepted))
	a := withBots(f, configured(f, map[string]string{"livechat": livechat}, nil), map[string]string{"faq": faq, "relay": relay}, nil)
	f.Fuzz(func(t *testing.T, choice byte, path, header string, body []byte) {
		channel := []string{"livechat", "faq", "relay", "faq"}[choice&3]
		req := answer(t, channel, string(body))
		req.Path = path
		req.Header[idempotencyHeader], req.Header[hopsHeader] = []string{header}, []string{strconv.Itoa(int(choice >> 4))}
		if choice&4 != 0 {
			req.Header.Del("Authorization")
		}
		if choice&8 != 0 {
			req.Header.Set(webhook.HeaderSignature, header)
		}
		got, err := a.Receive(t.Context(), req)
		again, errAgain := a.Receive(t.Context(), req)
		if diff := cmp.Diff(got, again); diff != "" || (err == nil) != (errAgain == nil) {
			t.Fatalf("the repeated call gives a different result:\n%s", diff)
		}
		if err != nil {
			return
		}
		if channel == "livechat" {
			checkToken(t, body)
		} else if choice&4 != 0 || (channel == "relay" && choice&8 != 0) {
			t.Fatalf("accepted without token or signature: %q", body)
		}
		if len(got.Envelopes) == 0 {
			t.Error("an accepted call gives no envelopes")
		}
		for _, e := range got.Envelopes {
			if err := e.Validate(); err != nil {
				t.Errorf("invalid envelope: %v", err)
			}
			if e.Channel != channel {
				t.Errorf("channel %s, want %s", e.Channel, channel)
			}
			th, ok := parseThread(e.Thread)
			if want := (thread{"d8ai", "d8ai_chatbot", e.Sender.ID}); channel == "livechat" && (!ok || th != want) {
				t.Errorf("thread %q is %+v, want %+v", e.Thread, th, want)
			}
		}
	})
}

// checkToken checks the token of an accepted message without the adapter's code.
func checkToken(t *testing.T, body []byte) {
	t.Helper()
	var call map[string]any
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber() // accepts numbers of any size
	if err := dec.Decode(&call); err != nil || !json.Valid(body) {
		t.Fatalf("accepted invalid JSON: %v", err)
	}
	if call["accessToken"] != testToken {
		t.Fatalf("accepted without the token: %q", body)
	}
}

// FuzzThread checks that parseThread reverses String.
func FuzzThread(f *testing.F) {
	f.Add("d8ai", "bot", "u/1")
	f.Add("%2F", "/", "%25%")
	f.Fuzz(func(t *testing.T, organization, chatbot, user string) {
		want := thread{organization, chatbot, user}
		got, ok := parseThread(want.String())
		if named := organization != "" && chatbot != "" && user != ""; ok != named || (ok && got != want) {
			t.Errorf("%+v is parsed as %+v, %v", want, got, ok)
		}
	})
}
