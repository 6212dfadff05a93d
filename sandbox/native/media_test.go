package native

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"patchbay/sandbox/fault"
)

// website is a simulator on a listener.
func website(t *testing.T, o Options) (*Simulator, string) {
	t.Helper()
	s := New(o)
	srv := httptest.NewServer(http.StripPrefix("/chat", s.Handler()))
	t.Cleanup(func() { s.Close(); srv.Close() })
	return s, srv.URL + "/chat"
}

func get(t *testing.T, ctx context.Context, address string) (*http.Response, []byte, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(r)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp, body, err
}

func TestCustomersFilesAreServed(t *testing.T) {
	s, base := website(t, Options{})
	picture := append([]byte("\x89PNG\r\n\x1a\n"), bytes.Repeat([]byte{1}, 100_000)...)
	path := s.AddFile("my cat.png", "image/png", picture)
	for range 2 {
		resp, body, err := get(t, soon(t), base+path)
		if err != nil || resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "image/png" {
			t.Fatalf("got %v, %v, want 200 image/png", resp, err)
		}
		if !bytes.Equal(body, picture) {
			t.Fatalf("got %d bytes that are not the picture", len(body))
		}
	}
	untyped := s.AddFile("x", "", []byte("<html>"))
	if resp, _, err := get(t, soon(t), base+untyped); err != nil || resp.Header.Get("Content-Type") != "" {
		t.Errorf("a file of unknown type came as %q, %v", resp.Header.Get("Content-Type"), err)
	}
	s.RemoveFile(path)
	if resp, _, err := get(t, soon(t), base+path); err != nil || resp.StatusCode != 404 {
		t.Errorf("a removed file: %v, %v, want 404", resp, err)
	}
	var got []string
	for _, f := range s.Fetched.All() {
		got = append(got, f.Method+" "+f.Path+map[bool]string{true: "", false: " gone"}[f.Found])
	}
	if diff := cmp.Diff([]string{"GET " + path, "GET " + path, "GET " + untyped, "GET " + path + " gone"}, got); diff != "" {
		t.Errorf("fetched (-want +got):\n%s", diff)
	}
}

func TestFilesMisbehaveOnCommand(t *testing.T) {
	s, base := website(t, Options{})
	path := s.AddFile("a.png", "image/png", []byte("picture"))
	s.Faults.Add(fault.Fault{Kind: fault.Status, Endpoint: EndpointFile, Status: 429, Count: 1})
	s.Faults.Add(fault.Fault{Kind: fault.ContentType, Endpoint: EndpointFile, Count: 1})
	s.Faults.Add(fault.Fault{Kind: fault.Truncate, Endpoint: EndpointFile, Count: 1})
	if resp, _, err := get(t, soon(t), base+path); err != nil || resp.StatusCode != 429 {
		t.Errorf("got %v, %v, want 429", resp, err)
	}
	resp, _, err := get(t, soon(t), base+path)
	if err != nil || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") {
		t.Errorf("got %v, %v, want text/html", resp, err)
	}
	if _, body, err := get(t, soon(t), base+path); err == nil || string(body) != "pic" {
		t.Errorf("got %q, %v, want half of the file and an error", body, err)
	}
}

func TestDownloadTakesWhatALinkLeadsTo(t *testing.T) {
	_, base := website(t, Options{})
	s, other := website(t, Options{ReplyToken: "rt"})
	path := s.AddFile("a.pdf", "application/pdf", []byte("%PDF"))
	d, err := s.Download(soon(t), other+path)
	if err != nil || d.Status != 200 || d.ContentType() != "application/pdf" || string(d.Data) != "%PDF" {
		t.Errorf("Download = %+v, %v", d, err)
	}
	if h := s.Fetched.All()[0].Header; h.Get("Authorization") != "" || h.Get("Cookie") != "" {
		t.Errorf("the download had credentials: %v", h)
	}
	if d, err := s.Download(soon(t), base+"/files/nope/x"); err == nil || d.Status != 404 {
		t.Errorf("Download of nothing = %+v, %v, want 404 and an error", d, err)
	}
	s.Faults.Add(fault.Fault{Kind: fault.Truncate, Endpoint: EndpointFile, Count: 1})
	if d, err := s.Download(soon(t), other+path); err == nil || string(d.Data) != "%P" {
		t.Errorf("Download of a half = %q, %v, want an error", d.Data, err)
	}
	if n := s.Downloads.Len(); n != 3 {
		t.Errorf("%d downloads noted, want 3", n)
	}
}

func TestMediaOfAnswersAreRead(t *testing.T) {
	tests := []struct {
		name, media string
		want        []File // nil: refused
	}{
		{"all members", `{"type":"image","url":"https://x/y","text":"a cat","contentType":"image/png","name":"y.png","size":7}`,
			[]File{{Type: "image", URL: "https://x/y", Text: "a cat", ContentType: "image/png", Name: "y.png", Size: 7}}},
		{"two", `{"type":"file","url":"http://x/y"},{"type":"video","url":"http://x/z"}`,
			[]File{{Type: "file", URL: "http://x/y"}, {Type: "video", URL: "http://x/z"}}},
		{"unknown type", `{"type":"document","url":"http://x/y"}`, nil},
		{"no address", `{"type":"image"}`, nil},
		{"relative address", `{"type":"image","url":"/y"}`, nil},
		{"another scheme", `{"type":"image","url":"data:image/png;base64,AA=="}`, nil},
		{"size as text", `{"type":"image","url":"http://x/y","size":"7"}`, nil},
		{"no object", `"http://x/y"`, nil},
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
			got := s.Received("u")[0]
			if diff := cmp.Diff(tt.want, got.Files); diff != "" || got.VendorMessageID != "v" {
				t.Errorf("vendor's id %q, files (-want +got):\n%s", got.VendorMessageID, diff)
			}
		})
	}
}
