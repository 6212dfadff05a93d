package native

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"patchbay/sandbox/simulator"
)

// website starts a website below the path /chat and returns its base address.
func website(t *testing.T, o Options) (*Simulator, string) {
	t.Helper()
	s := New(o)
	srv := httptest.NewServer(http.StripPrefix("/chat", s.Handler()))
	t.Cleanup(func() { s.Close(); srv.Close() })
	return s, srv.URL + "/chat"
}

func TestDownloadOfFiles(t *testing.T) {
	s, base := website(t, Options{ReplyToken: "rt"})
	picture := append([]byte("\x89PNG\r\n\x1a\n"), bytes.Repeat([]byte{1}, 100_000)...)
	path := s.AddFile("my cat.png", "image/png", picture)
	data, contentType, err := s.Download(testContext(t), base+path)
	if err != nil || contentType != "image/png" || !bytes.Equal(data, picture) {
		t.Errorf("Download = %d bytes, %s, %v", len(data), contentType, err)
	}
	_, contentType, err = s.Download(testContext(t), base+s.AddFile("x", "", []byte("<html>")))
	if err != nil || contentType != "" {
		t.Errorf("Download of a file without type = type %q, %v, want none", contentType, err)
	}
	_, _, err = s.Download(testContext(t), base+"/files/nope/x")
	if err == nil || !strings.Contains(err.Error(), "status 404") {
		t.Errorf("Download of an unknown file: %v, want an error with status 404", err)
	}
	s.Faults.Add(simulator.Fault{Kind: simulator.Truncate, Endpoint: EndpointFile, Count: 1})
	if data, _, err := s.Download(testContext(t), base+path); err == nil || len(data) != len(picture)/2 {
		t.Errorf("truncated Download = %d bytes, %v, want half of the file and an error", len(data), err)
	}
}

func TestMediaOfAnswers(t *testing.T) {
	tests := []struct {
		name, media string
		want        []File // nil: refused
	}{
		{"all members", `{"type":"image","url":"https://x/y","text":"a cat","contentType":"image/png","name":"y.png","size":7}`,
			[]File{{Type: "image", URL: "https://x/y", Text: "a cat", ContentType: "image/png", Name: "y.png", Size: 7}}},
		{"two files", `{"type":"file","url":"http://x/y"},{"type":"video","url":"http://x/z"}`,
			[]File{{Type: "file", URL: "http://x/y"}, {Type: "video", URL: "http://x/z"}}},
		{"unknown type", `{"type":"document","url":"http://x/y"}`, nil},
		{"no address", `{"type":"image"}`, nil},
		{"relative address", `{"type":"image","url":"/y"}`, nil},
		{"another scheme", `{"type":"image","url":"data:image/png;base64,AA=="}`, nil},
		{"size as text", `{"type":"image","url":"http://x/y","size":"7"}`, nil},
		{"string instead of an object", `"http://x/y"`, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := New(Options{})
			defer s.Close()
			status := post(t, s, "", "k", `{"userId":"u","messageId":"m","vendorMessageId":"v","payload":{"media":[`+tt.media+
				`],"sender":{"role":"agent"}}}`)
			if (status == 200) != (tt.want != nil) {
				t.Fatalf("status %d; problems %v", status, s.Problems.All())
			}
			if tt.want == nil {
				return
			}
			got := s.AllAnswers("u")[0]
			if diff := cmp.Diff(tt.want, got.Payload.Media); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
		})
	}
}
