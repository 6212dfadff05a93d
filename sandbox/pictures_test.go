package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"patchbay/sandbox/aicc"
	"patchbay/sandbox/native"
)

func samplePNG(t *testing.T) string {
	t.Helper()
	content, err := web.ReadFile("web/sample.png")
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func TestPolicyAllowsTheGatewaysImages(t *testing.T) {
	for gateway, want := range map[string]string{
		"http://127.0.0.1:8080":         "img-src 'self' http://127.0.0.1:8080; ",
		"https://chat.example.com/path": "img-src 'self' https://chat.example.com; ",
		"http://x;script-src *":         "img-src 'self'; ",
		"":                              "img-src 'self'; ",
	} {
		got := contentPolicy(gateway)
		if !strings.Contains(got, want) || !strings.Contains(got, "script-src 'self'; style") {
			t.Errorf("policy for %q is %q, want %q in it", gateway, got, want)
		}
	}
}

func TestCustomersPictureGoesToTheGatewayAsALink(t *testing.T) {
	var call []byte
	gw := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		call, _ = io.ReadAll(r.Body)
		io.WriteString(w, "{}")
	}))
	defer gw.Close()
	s := serveWith(t, gw.URL)
	png := samplePNG(t)
	resp, body := do(t, "POST", s.URL()+"/chat/files?user=u1&name=..%2Fholiday.png", png, nil)
	if resp.StatusCode != 200 {
		t.Fatalf("picture: %d %s", resp.StatusCode, body)
	}
	var got struct {
		UserID, AccessToken, MessageID string
		Payload                        struct{ Media []native.File }
	}
	if err := json.Unmarshal(call, &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Payload.Media) != 1 || got.MessageID == "" || got.UserID != "u1" || got.AccessToken != "sandbox-native-access-token" {
		t.Fatalf("the gateway got %s", call)
	}
	m := got.Payload.Media[0]
	address := m.URL
	m.URL = ""
	want := native.File{Type: "image", ContentType: "image/png", Name: "holiday.png", Size: int64(len(png))}
	if diff := cmp.Diff(want, m); diff != "" {
		t.Errorf("medium (-want +got):\n%s", diff)
	}
	if !strings.HasPrefix(address, s.URL()+"/livechat/files/") {
		t.Fatalf("link %q", address)
	}
	resp, content := do(t, "GET", address, "", nil)
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "image/png" || content != png {
		t.Errorf("response of the link: %d %s, %d bytes", resp.StatusCode, resp.Header.Get("Content-Type"), len(content))
	}
	resp, content = do(t, "GET", s.URL()+"/web/sample.png", "", nil)
	if content != png || resp.Header.Get("Content-Type") != "image/png" {
		t.Errorf("the page's sample is %d bytes of %s", len(content), resp.Header.Get("Content-Type"))
	}
	var shown entry
	openStream(t, s.URL()+"/chat/events?user=u1", "").next(&shown)
	if shown.Role != "customer" || len(shown.Media) != 1 {
		t.Fatalf("the page shows %+v", shown)
	}
	if got := shown.Media[0].URL; !strings.HasPrefix(got, "/livechat/files/") {
		t.Errorf("the page shows %s", got)
	}
}

func TestUnusablePicturesAreRefused(t *testing.T) {
	s := serve(t, 503)
	png := samplePNG(t)
	tests := []struct {
		name, path, body string
		status           int
	}{
		{"gateway refuses the message", "/chat/files?user=u1", png, 502},
		{"no user", "/chat/files", png, 400},
		{"HTML", "/chat/files?user=u1", "<html><script>alert(1)</script>", 400},
		{"SVG", "/chat/files?user=u1", `<svg xmlns="http://www.w3.org/2000/svg"/>`, 400},
		{"empty file", "/chat/files?user=u1", "", 400},
		{"too large", "/chat/files?user=u1", png + strings.Repeat("x", maxPicture), 400},
		{"customer without chat", "/desk/files?user=u1", png, 409},
		{"GIF of the agent", "/desk/files?user=u1", "GIF89a....", 400},
		{"text of the agent", "/desk/files?user=u1", "hello", 400},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if resp, body := do(t, "POST", s.URL()+tt.path, tt.body, nil); resp.StatusCode != tt.status {
				t.Errorf("%d %s, want %d", resp.StatusCode, body, tt.status)
			}
		})
	}
	resp, _ := do(t, "POST", s.URL()+"/desk/files?user=u1", png, map[string]string{"Origin": "https://evil.example"})
	if resp.StatusCode != 403 {
		t.Errorf("from another site: %d, want 403", resp.StatusCode)
	}
	for _, path := range []string{"/livechat/files/x", "/desk/files/local/x"} {
		if resp, _ := do(t, "GET", s.URL()+path, "", nil); resp.StatusCode != 404 {
			t.Errorf("%s: %d, want 404", path, resp.StatusCode)
		}
	}
}

func TestDeskShowsFilesOfBothSides(t *testing.T) {
	s := serve(t, 200)
	connect(t, s)
	if err := s.Desk.Accept("u1", agentName); err != nil {
		t.Fatal(err)
	}
	png := samplePNG(t)
	if resp, body := do(t, "POST", s.URL()+"/desk/files?user=u1", png, nil); resp.StatusCode != 200 {
		t.Fatalf("agent's picture: %d %s", resp.StatusCode, body)
	}
	if _, err := s.Desk.SendFile("u1", "DOCUMENT", "pdf", []byte("%PDF")); err != nil {
		t.Fatal(err)
	}
	chat, _ := s.Desk.Chat("u1")
	tests := []struct {
		line             aicc.Line
		kind, saved, raw string
	}{
		{chat.Lines[len(chat.Lines)-2], "image/png", "", png},
		{chat.Lines[len(chat.Lines)-1], "application/pdf", "attachment", "%PDF"},
	}
	for _, tt := range tests {
		if !strings.HasPrefix(tt.line.File, "local/") {
			t.Fatalf("line %+v has no file", tt.line)
		}
		resp, body := do(t, "GET", s.URL()+"/desk/files/"+tt.line.File, "", nil)
		h := resp.Header
		if resp.StatusCode != 200 || h.Get("Content-Type") != tt.kind || body != tt.raw {
			t.Errorf("%s: %d %s, %d bytes", tt.line.File, resp.StatusCode, h.Get("Content-Type"), len(body))
		}
		policy := h.Get("Content-Security-Policy")
		if h.Get("Content-Disposition") != tt.saved || h.Get("X-Content-Type-Options") != "nosniff" ||
			!strings.Contains(policy, "default-src 'none'") {
			t.Errorf("%s: headers %v", tt.line.File, h)
		}
	}
}
