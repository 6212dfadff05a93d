package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// FuzzReceive holds for every body and path: no panic; what is accepted had the token, the right path and
// makes a valid envelope; the same call comes out the same twice.
func FuzzReceive(f *testing.F) {
	examples, err := filepath.Glob("testdata/in/*.json")
	if err != nil || len(examples) == 0 {
		f.Fatalf("no examples (%v)", err)
	}
	for _, file := range examples {
		body, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(testPath, body)
	}
	f.Add(testPath, []byte(say(`"Hi"`, `"\ud83d\ude00"`)))
	f.Add(testPath, []byte(say(givenToken, givenToken+`,`+givenToken)))
	f.Add(messagesPath+"d8%61i/d8ai_chatbot", []byte(say("d", "d")))
	a := configured(f, map[string]string{"livechat": livechat}, nil)
	f.Fuzz(func(t *testing.T, path string, body []byte) {
		req := request(string(body))
		req.Path = path
		got, err := a.Receive(t.Context(), req)
		again, errAgain := a.Receive(t.Context(), req)
		if diff := cmp.Diff(got, again); diff != "" || (err == nil) != (errAgain == nil) {
			t.Fatalf("the same call came out differently:\n%s", diff)
		}
		if err != nil {
			return
		}
		var call map[string]any
		if err := json.Unmarshal(body, &call); err != nil {
			t.Fatalf("accepted what is not JSON: %v", err)
		}
		if call["accessToken"] != testToken {
			t.Fatalf("accepted without the token: %q", body)
		}
		for _, e := range got.Envelopes {
			if err := e.Validate(); err != nil {
				t.Errorf("not a valid envelope: %v", err)
			}
			th, ok := parseThread(e.Thread)
			if want := (thread{"d8ai", "d8ai_chatbot", e.Sender.ID}); !ok || th != want {
				t.Errorf("thread %q is %+v, want %+v", e.Thread, th, want)
			}
		}
	})
}

// FuzzThread holds that a thread's text form is read back as it was.
func FuzzThread(f *testing.F) {
	f.Add("d8ai", "bot", "u/1")
	f.Add("%2F", "/", "%25%")
	f.Fuzz(func(t *testing.T, organization, chatbot, user string) {
		want := thread{organization, chatbot, user}
		got, ok := parseThread(want.String())
		if named := organization != "" && chatbot != "" && user != ""; ok != named || (ok && got != want) {
			t.Errorf("%+v was read back as %+v, %v", want, got, ok)
		}
	})
}
