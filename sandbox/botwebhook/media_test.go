package botwebhook

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"patchbay/sandbox/fault"
)

func TestMediaAreReadStrictly(t *testing.T) {
	tests := []struct {
		name, part string // of the newest message
		options    Options
		want       []Media // nil: refused
		code       float64
	}{
		{name: "image by address", part: `{"type":"image","image":[{"url":"https://x/y.webp","format":"webp"}]}`,
			want: []Media{{Kind: "image", URL: "https://x/y.webp", Format: "webp"}}},
		{name: "address without format", part: `{"type":"document","document":[{"url":"http://x/y"}]}`,
			want: []Media{{Kind: "document", URL: "http://x/y"}}},
		{name: "two in one part", part: `{"type":"document","document":[{"base64_content":"aGk=","format":"txt","name":"a"},` +
			`{"url":"http://x/b.pdf","format":"pdf"}]}`,
			want: []Media{{Kind: "document", Data: []byte("hi"), Format: "txt", Name: "a"},
				{Kind: "document", URL: "http://x/b.pdf", Format: "pdf"}}},
		{name: "single object", part: `{"type":"audio","audio":{"base64_content":"aGk=","format":"wav"}}`,
			want: []Media{{Kind: "audio", Data: []byte("hi"), Format: "wav"}}},
		{name: "document that the open list may have", options: Options{Formats: []string{"pptx"}},
			part: `{"type":"document","document":[{"url":"http://x/y","format":"pptx"}]}`,
			want: []Media{{Kind: "document", URL: "http://x/y", Format: "pptx"}}},
		{name: "neither address nor content", part: `{"type":"image","image":[{"format":"png"}]}`, code: 40000},
		{name: "both", part: `{"type":"image","image":[{"url":"http://x/y","base64_content":"aGk=","format":"png"}]}`, code: 40000},
		{name: "no items", part: `{"type":"image","image":[]}`, code: 40000},
		{name: "items under another name", part: `{"type":"image","audio":[{"url":"http://x/y"}]}`, code: 40000},
		{name: "misspelt member", part: `{"type":"image","image":[{"url":"http://x/y","type":"png"}]}`, code: 40000},
		{name: "format of another kind", part: `{"type":"image","image":[{"url":"http://x/y","format":"mp3"}]}`, code: 40000},
		{name: "format with a dot", part: `{"type":"image","image":[{"url":"http://x/y","format":".png"}]}`, code: 40000},
		{name: "media type as format", part: `{"type":"image","image":[{"url":"http://x/y","format":"image/png"}]}`, code: 40000},
		{name: "content without format", part: `{"type":"image","image":[{"base64_content":"aGk="}]}`, code: 40000},
		{name: "data address as content",
			part: `{"type":"image","image":[{"base64_content":"data:image/png;base64,aGk=","format":"png"}]}`, code: 40000},
		{name: "base64 without padding", part: `{"type":"image","image":[{"base64_content":"aGk","format":"png"}]}`, code: 40000},
		{name: "empty content", part: `{"type":"image","image":[{"base64_content":"","format":"png"}]}`, code: 40000},
		{name: "relative address", part: `{"type":"image","image":[{"url":"/y.png","format":"png"}]}`, code: 40000},
		{name: "address of another scheme", part: `{"type":"image","image":[{"url":"file:///y.png"}]}`, code: 40000},
		{name: "model without images", part: `{"type":"image","image":[{"url":"http://x/y"}]}`,
			options: Options{NoImages: true}, code: 40364},
		{name: "model without images, sound", part: `{"type":"audio","audio":[{"url":"http://x/y"}]}`,
			options: Options{NoImages: true}, want: []Media{{Kind: "audio", URL: "http://x/y"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.options.Brain = Silent
			s := start(t, tt.options)
			c := create(t, s, "u1")
			body := `{"conversation_id":"` + c + `","response_mode":"webhook","messages":[{"role":"user","content":[` +
				tt.part + `]}]}`
			status, out := call(t, s, "/v2/conversation/message", "app-key", body)
			if tt.want == nil {
				if status != 400 || out["code"] != tt.code || s.Counts().Asked != 0 {
					t.Errorf("got %d %v, want 400 with code %v and nothing asked", status, out, tt.code)
				}
				return
			}
			if status != 200 {
				t.Fatalf("got %d %v, want 200", status, out)
			}
			if diff := cmp.Diff(tt.want, s.Asked.All()[0].Messages[0].Media); diff != "" {
				t.Errorf("media (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOlderCall(t *testing.T) {
	s := start(t, Options{Brain: Silent})
	c := create(t, s, "u1")
	body := `{"conversation_id":"` + c + `","response_mode":"webhook","text":"see","short_term_memory":true,
		"knowledge":{"data_ids":["d"]},"files":[{"url":"http://x/y.PDF","name":"y"},{"base64_content":"aGk=","name":"a.mp3"}],
		"image_configs":[{"url":"http://x/z","width":2,"height":3}]}`
	if status, out := call(t, s, "/v1/conversation/message", "app-key", body); status != 200 {
		t.Fatalf("message = %d %v", status, out)
	}
	got := s.Asked.All()[0]
	on := true
	want := Asked{
		At: got.At, Conversation: Conversation{ID: c, UserID: "u1"}, Mode: "webhook", Version: 1, Body: []byte(body),
		Config: Config{ShortTermMemory: &on, Knowledge: &Knowledge{DataIDs: []string{"d"}}},
		Messages: []Message{{Role: "user", Text: "see", Media: []Media{
			{Kind: "document", URL: "http://x/y.PDF", Name: "y"}, {Kind: "audio", Data: []byte("hi"), Name: "a.mp3"},
			{Kind: "image", URL: "http://x/z"},
		}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}

func TestOlderCallRefuses(t *testing.T) {
	for name, file := range map[string]string{
		"no name":   `{"url":"http://x/y.pdf"}`,
		"a format":  `{"url":"http://x/y","name":"y.pdf","format":"pdf"}`,
		"no source": `{"name":"y.pdf"}`,
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, Options{Brain: Silent})
			body := `{"conversation_id":"` + create(t, s, "u1") + `","response_mode":"webhook","text":"see","files":[` + file + `]}`
			status, out := call(t, s, "/v1/conversation/message", "app-key", body)
			if status != 400 || out["code"] != 40000.0 || s.Counts().Asked != 0 {
				t.Errorf("got %d %v, want 400 with code 40000 and nothing asked", status, out)
			}
		})
	}
}

func TestLenientTakesUnknownMembers(t *testing.T) {
	s := start(t, Options{Brain: Silent, Lenient: true})
	c := create(t, s, "u1")
	body := strings.Replace(question(c, "x"), "{", `{"later":1,`, 1)
	if status, out := call(t, s, "/v2/conversation/message", "app-key", body); status != 200 {
		t.Errorf("got %d %v, want 200", status, out)
	}
}

func TestErrorsOfTheListOnCommand(t *testing.T) {
	tests := []struct {
		name   string
		fault  fault.Fault
		status int
		code   float64
	}{
		{"out of credits", fault.Fault{Code: 20022}, 402, 20022},
		{"wrong user, as 200", fault.Fault{Code: 40358, Status: 200}, 200, 40358},
		{"not in the list", fault.Fault{Code: 7}, 400, 7},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, Options{})
			tt.fault.Kind, tt.fault.Endpoint = fault.Refuse, EndpointCreate
			s.Faults.Add(tt.fault)
			status, out := call(t, s, "/v1/conversation", "app-key", `{"user_id":"u"}`)
			if status != tt.status || out["code"] != tt.code || out["message"] == "" || s.Counts().Created != 0 {
				t.Errorf("got %d %v, want %d with code %v and no conversation", status, out, tt.status, tt.code)
			}
		})
	}
}

func TestOnlyJSONIsTaken(t *testing.T) {
	for given, want := range map[string]int{"": 200, "application/json; charset=utf-8": 200, "text/plain": 400, ";": 400} {
		s := start(t, Options{})
		r := httptest.NewRequest(http.MethodPost, "/v1/conversation", strings.NewReader(`{"user_id":"u"}`))
		r.Header.Set("Authorization", "Bearer app-key")
		r.Header.Set("Content-Type", given)
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("Content-Type %q: %d, want %d", given, w.Code, want)
		}
	}
}
