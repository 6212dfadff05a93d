package botwebhook

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"patchbay/sandbox/simulator"
)

func TestMediaAreValidated(t *testing.T) {
	tests := []struct {
		name, part string  // of the newest message
		want       []Media // nil: refused
		code       float64
	}{
		{name: "image by address", part: `{"type":"image","image":[{"url":"https://x/y.webp","format":"webp"}]}`,
			want: []Media{{Kind: "image", URL: "https://x/y.webp", Format: "webp"}}},
		{name: "address without format", part: `{"type":"document","document":[{"url":"http://x/y"}]}`,
			want: []Media{{Kind: "document", URL: "http://x/y"}}},
		{name: "two documents in one part", part: `{"type":"document","document":[{"base64_content":"aGk=","format":"txt","name":"a"},` +
			`{"url":"http://x/b.pdf","format":"pdf"}]}`,
			want: []Media{{Kind: "document", Data: []byte("hi"), Format: "txt", Name: "a"},
				{Kind: "document", URL: "http://x/b.pdf", Format: "pdf"}}},
		{name: "neither address nor content", part: `{"type":"image","image":[{"format":"png"}]}`, code: 40000},
		{name: "both address and content", part: `{"type":"image","image":[{"url":"http://x/y","base64_content":"aGk=","format":"png"}]}`, code: 40000},
		{name: "no items", part: `{"type":"image","image":[]}`, code: 40000},
		{name: "items under another name", part: `{"type":"image","audio":[{"url":"http://x/y"}]}`, code: 40000},
		{name: "misspelt member", part: `{"type":"image","image":[{"url":"http://x/y","type":"png"}]}`, code: 40000},
		{name: "format of another kind", part: `{"type":"image","image":[{"url":"http://x/y","format":"mp3"}]}`, code: 40000},
		{name: "format with a dot", part: `{"type":"image","image":[{"url":"http://x/y","format":".png"}]}`, code: 40000},
		{name: "media type as format", part: `{"type":"image","image":[{"url":"http://x/y","format":"image/png"}]}`, code: 40000},
		{name: "content without format", part: `{"type":"image","image":[{"base64_content":"aGk="}]}`, code: 40000},
		{name: "data URL as content",
			part: `{"type":"image","image":[{"base64_content":"data:image/png;base64,aGk=","format":"png"}]}`, code: 40000},
		{name: "base64 without padding", part: `{"type":"image","image":[{"base64_content":"aGk","format":"png"}]}`, code: 40000},
		{name: "empty content", part: `{"type":"image","image":[{"base64_content":"","format":"png"}]}`, code: 40000},
		{name: "relative address", part: `{"type":"image","image":[{"url":"/y.png","format":"png"}]}`, code: 40000},
		{name: "address of another scheme", part: `{"type":"image","image":[{"url":"file:///y.png"}]}`, code: 40000},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, Options{Answer: answerWith()})
			c := create(t, s, "u1")
			body := `{"conversation_id":"` + c + `","response_mode":"webhook","messages":[{"role":"user","content":[` +
				tt.part + `]}]}`
			status, out := call(t, s, "/v2/conversation/message", "app-key", body)
			if tt.want == nil {
				if status != 400 || out["code"] != tt.code || s.SendCalls.Len() != 0 {
					t.Errorf("got %d %v, want 400 with code %v and no recorded call", status, out, tt.code)
				}
				return
			}
			if status != 200 {
				t.Fatalf("got %d %v, want 200", status, out)
			}
			if diff := cmp.Diff(tt.want, s.SendCalls.All()[0].Messages[0].Media); diff != "" {
				t.Errorf("media (-want +got):\n%s", diff)
			}
		})
	}
}

func TestV1Call(t *testing.T) {
	s := start(t, Options{Answer: answerWith()})
	c := create(t, s, "u1")
	body := `{"conversation_id":"` + c + `","response_mode":"webhook","text":"see","short_term_memory":true,
		"knowledge":{"data_ids":["d"]},"files":[{"url":"http://x/y","name":"y.PDF"},{"url":"http://x/z","name":"z","width":2},{"base64_content":"aGk=","name":"a.mp3"}]}`
	if status, out := call(t, s, "/v1/conversation/message", "app-key", body); status != 200 {
		t.Fatalf("message = %d %v", status, out)
	}
	got := s.SendCalls.All()[0]
	want := SendCall{
		At: got.At, Conversation: Conversation{ID: c, UserID: "u1"}, Mode: "webhook", Version: 1, Body: []byte(body),
		Messages: []Message{{Role: "user", Text: "see", Media: []Media{
			{Kind: "document", URL: "http://x/y", Name: "y.PDF"}, {Kind: "image", URL: "http://x/z", Name: "z"},
			{Kind: "audio", Data: []byte("hi"), Name: "a.mp3"},
		}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}

func TestV1CallRefusesInvalidFiles(t *testing.T) {
	for name, file := range map[string]string{
		"no name":   `{"url":"http://x/y.pdf"}`,
		"a format":  `{"url":"http://x/y","name":"y.pdf","format":"pdf"}`,
		"no source": `{"name":"y.pdf"}`,
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, Options{Answer: answerWith()})
			body := `{"conversation_id":"` + create(t, s, "u1") + `","response_mode":"webhook","text":"see","files":[` + file + `]}`
			status, out := call(t, s, "/v1/conversation/message", "app-key", body)
			if status != 400 || out["code"] != 40000.0 || s.SendCalls.Len() != 0 {
				t.Errorf("got %d %v, want 400 with code 40000 and no recorded call", status, out)
			}
		})
	}
}

func TestErrorsByFault(t *testing.T) {
	tests := []struct {
		name   string
		fault  simulator.Fault
		status int
		code   float64
	}{
		{"out of credits", simulator.Fault{Code: 20022}, 402, 20022},
		{"wrong user, as 200", simulator.Fault{Code: 40358, Status: 200}, 200, 40358},
		{"not in the list", simulator.Fault{Code: 7}, 400, 7},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, Options{})
			tt.fault.Kind, tt.fault.Endpoint = simulator.Refuse, EndpointCreate
			s.Faults.Add(tt.fault)
			status, out := call(t, s, "/v1/conversation", "app-key", `{"user_id":"u"}`)
			if status != tt.status || out["code"] != tt.code || out["message"] == "" || s.Created.Len() != 0 {
				t.Errorf("got %d %v, want %d with code %v and no conversation", status, out, tt.status, tt.code)
			}
		})
	}
}
