package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"patchbay/sdk/webhook"
)

// FuzzReceive holds for every body: no panic; what is accepted makes valid envelopes with the call's own ids,
// or is a test call; the same call comes out the same twice.
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
		f.Add(body)
	}
	f.Add([]byte(goodV1))
	f.Add([]byte(v2(`"Hi"`, `"\ud83d\ude00"`)))
	a := configured(f, agent("https://api-sg.gptbots.ai"), nil)
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := a.Receive(t.Context(), request(string(body)))
		again, errAgain := a.Receive(t.Context(), request(string(body)))
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
		if len(got.Envelopes) == 0 && (call["istest"] == nil || call["istest"] == false) {
			t.Fatalf("dropped: %q", body)
		}
		for _, e := range got.Envelopes {
			if err := e.Validate(); err != nil {
				t.Errorf("not a valid envelope: %v", err)
			}
			if e.VendorID != call["message_id"] || e.Thread != call["conversation_id"] {
				t.Errorf("ids %q, %q of %q", e.VendorID, e.Thread, body)
			}
		}
	})
}

// FuzzAuthorization holds for every header: without the token in it, nobody comes in.
func FuzzAuthorization(f *testing.F) {
	for _, value := range []string{"", "Bearer ", "Bearer " + testToken, "Basic " + testToken, basic("u:" + testToken), basic(":")} {
		f.Add(value)
	}
	ch := configured(f, agent("https://api-sg.gptbots.ai"), nil).channel("faq")
	f.Fuzz(func(t *testing.T, value string) {
		h := http.Header{"Authorization": {value}}
		if !ch.authentic(h) {
			return
		}
		_, password, _ := webhook.BasicCredentials(h)
		if value != "Bearer "+testToken && value != "Basic "+testToken && password != testToken {
			t.Errorf("%q came in", value)
		}
	})
}
