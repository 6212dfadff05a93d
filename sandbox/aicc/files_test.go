package aicc

import (
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"patchbay/sandbox/fault"
)

const (
	uploadPath   = "/apiaccess/ccmessaging/uploadFileStream"
	downloadPath = "/apiaccess/ccmessaging/downloadFileStream"
)

func encode(content string) string { return base64.StdEncoding.EncodeToString([]byte(content)) }

// give uploads a file and returns its object key.
func (d *desk) give(t *testing.T, header map[string]string, fileType, content string) string {
	t.Helper()
	_, out, _ := d.call(t, uploadPath, header,
		map[string]string{"fileType": fileType, "fileStream": encode(content), "channel": "WEB"})
	if out["returnCode"] != "0" || out["objectKey"] == "" {
		t.Fatalf("upload = %v, want an object key", out)
	}
	return out["objectKey"]
}

func TestUpload(t *testing.T) {
	d := newDesk(t, func(o *Options) { o.MaxUpload = 4 })
	header := d.login(t, "u1")
	tests := []struct {
		name                      string
		fileType, stream, channel string
		code                      string
	}{
		{"picture", "png", encode("png!"), "WEB", "0"},
		{"upper-case type", "JPG", encode("jpg!"), "WEB", "0"},
		{"no type", "", encode("x"), "WEB", "2"},
		{"no content", "jpg", "", "WEB", "2"},
		{"no channel", "jpg", encode("x"), "", "2"},
		{"other channel", "jpg", encode("x"), "SMS", "3"},
		{"other type", "exe", encode("x"), "WEB", "3"},
		{"not base64", "jpg", "%%%", "WEB", "3"},
		{"too much", "jpg", encode("12345"), "WEB", "13"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			status, out, _ := d.call(t, uploadPath, header,
				map[string]string{"fileType": tt.fileType, "fileStream": tt.stream, "channel": tt.channel})
			if status != 200 || out["returnCode"] != tt.code {
				t.Fatalf("got %d %v, want returnCode %s", status, out, tt.code)
			}
			if _, both := out["resultCode"]; both || (out["objectKey"] != "") != (tt.code == "0") {
				t.Errorf("got %v, want objectKey only with code 0, and never resultCode", out)
			}
		})
	}
	if n := d.Counts(); n.Uploads != 2 || n.Refused != 7 {
		t.Errorf("counts %+v, want 2 uploads and 7 refused", n)
	}
	key := d.give(t, header, "PNG", "abc")
	if f, ok := d.File(key); !ok || f.Type != "png" || string(f.Content) != "abc" || f.User != "u1" {
		t.Errorf("file %+v, %v", f, ok)
	}
	if !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(key) {
		t.Errorf("object key %q is no random UUID", key)
	}
}

func TestDownload(t *testing.T) {
	d := newDesk(t, func(o *Options) { o.MaxDownload = 4 })
	header := d.login(t, "u1")
	d.AddFile("local/any", []byte("any"))
	d.AddFile("local/big", []byte("12345"))
	d.AddFile("local/none", nil)
	d.AddLibraryFile("logo", "png", []byte("png"))
	upload := d.give(t, header, "jpg", "mine")
	tests := []struct {
		name                          string
		id, fileType, channel, extent string
		code, text, stream            string
	}{
		{"local file", "local/any", "jpg", "WEB", "", "0", "", encode("any")},
		{"local file, upper-case type", "local/any", "PNG", "WEB", "", "0", "", encode("any")},
		{"library file", "logo", "png", "WEB", "multiMedia", "0", "", encode("png")},
		{"library file without multiMedia", "logo", "png", "WEB", "", "401", "objectKey is null!", ""},
		{"local file without local/", "any", "jpg", "WEB", "", "401", "objectKey is null!", ""},
		{"unknown file", "local/f2", "jpg", "WEB", "", "401", "objectKey is null!", ""},
		{"no file id", "", "jpg", "WEB", "", "401", "objectKey is null!", ""},
		{"a customer's upload", upload, "jpg", "WEB", "multiMedia", "401", "objectKey is null!", ""},
		{"no file type", "local/any", "", "WEB", "", "13", "param filetype Out of range!", ""},
		{"other file type", "local/any", "exe", "WEB", "", "13", "param filetype Out of range!", ""},
		{"empty file", "local/none", "jpg", "WEB", "", "13", "empty file!", ""},
		{"more than the limit", "local/big", "jpg", "WEB", "", "13", "fsservice downloadFile is failed", ""},
		{"no channel", "local/any", "jpg", "", "", "2", "param channelId or userId or tenantId is null", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			status, out, _ := d.call(t, downloadPath, header, map[string]string{
				"fileId": tt.id, "fileType": tt.fileType, "channel": tt.channel, "multiMedia": tt.extent})
			if status != 200 || out["resultCode"] != tt.code || out["resultDesc"] != tt.text || out["fileStream"] != tt.stream {
				t.Errorf("got %d %v, want %s %q %s", status, out, tt.code, tt.text, tt.stream)
			}
			if out["fileUrl"] != "" {
				t.Errorf("got a link %q, which is off", out["fileUrl"])
			}
		})
	}
}

func TestDownloadNeedsTheCustomersToken(t *testing.T) {
	d := newDesk(t, nil)
	header := d.login(t, "u1")
	for _, path := range []string{uploadPath, downloadPath} {
		d.RevokeUserTokens()
		if status, out, _ := d.call(t, path, header, struct{}{}); status != 401 {
			t.Errorf("%s without a token = %d %v, want 401", path, status, out)
		}
	}
}

func TestStrictFileType(t *testing.T) {
	d := newDesk(t, func(o *Options) { o.StrictFileType = true })
	header := d.login(t, "u1")
	d.AddLibraryFile("logo", "png", []byte("png"))
	for fileType, want := range map[string]string{"png": "0", "jpg": "13"} {
		_, out, _ := d.call(t, downloadPath, header, map[string]string{
			"fileId": "logo", "fileType": fileType, "channel": "WEB", "multiMedia": "multiMedia"})
		if out["resultCode"] != want {
			t.Errorf("as %s: %v, want %s", fileType, out, want)
		}
	}
}

func TestTemporaryLinks(t *testing.T) {
	for name, tt := range map[string]struct {
		links  FileLinks
		stream string
	}{
		"besides the stream": {FileLinkToo, encode("png")}, "instead of it": {FileLinkOnly, ""},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, func(o *Options) { o.FileLinks = tt.links })
			srv := httptest.NewServer(http.StripPrefix("/vendor", d.Handler()))
			defer srv.Close()
			header := d.login(t, "u1")
			d.AddLibraryFile("logo", "png", []byte("png"))
			out := post(t, srv.URL+"/vendor"+downloadPath, header,
				`{"fileId":"logo","fileType":"png","channel":"WEB","multiMedia":"multiMedia"}`)
			if out["resultCode"] != "0" || out["fileStream"] != tt.stream ||
				!strings.HasPrefix(out["fileUrl"], srv.URL+"/vendor/files/") {
				t.Fatalf("got %v", out)
			}
			if status, kind, body := fetch(t, out["fileUrl"]); status != 200 || kind != "image/png" || body != "png" {
				t.Errorf("the link gives %d %s %q", status, kind, body)
			}
			d.Faults.Add(fault.Fault{Kind: fault.Status, Endpoint: EndpointFile, Status: 503, Count: 1})
			if status, _, _ := fetch(t, out["fileUrl"]); status != 503 {
				t.Errorf("status %d with a fault, want 503", status)
			}
			d.turn(linkTTL)
			if status, _, _ := fetch(t, out["fileUrl"]); status != 404 {
				t.Errorf("status %d after a day, want 404", status)
			}
		})
	}
}

func post(t *testing.T, address string, header map[string]string, body string) map[string]string {
	t.Helper()
	r, err := http.NewRequestWithContext(soon(t), http.MethodPost, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range header {
		r.Header.Set(k, v)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer http.DefaultClient.CloseIdleConnections()
	return decode(t, resp)
}

func fetch(t *testing.T, address string) (status int, contentType, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(soon(t), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer http.DefaultClient.CloseIdleConnections()
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header.Get("Content-Type"), string(raw)
}

func TestFaultsOfTheEndpoints(t *testing.T) {
	const fabric = "/apiaccess/ccmessaging/"
	for endpoint, path := range map[string]string{
		EndpointAccessToken: "/apigovernance/api/oauth/tokenByAkSk", EndpointApplyToken: fabric + "applyToken",
		EndpointSend: fabric + "send", EndpointSendAsync: fabric + "sendAsync",
		EndpointUpload: uploadPath, EndpointDownload: downloadPath,
	} {
		t.Run(endpoint, func(t *testing.T) {
			d := newDesk(t, nil)
			header := d.login(t, "u1")
			d.Faults.Add(fault.Fault{
				Kind: fault.Status, Endpoint: endpoint, Status: 429, RetryAfter: 2 * time.Second, Count: 1})
			r := httptest.NewRequest(http.MethodPost, path, strings.NewReader("{}"))
			w := httptest.NewRecorder()
			d.Handler().ServeHTTP(w, r)
			if w.Code != 429 || w.Header().Get("Retry-After") != "2" {
				t.Errorf("got %d, Retry-After %q, want 429 and 2", w.Code, w.Header().Get("Retry-After"))
			}
			if endpoint == EndpointAccessToken {
				return
			}
			d.Faults.Add(fault.Fault{Kind: fault.ExpiredToken, Endpoint: endpoint, Count: 1})
			if status, out, _ := d.call(t, path, header, struct{}{}); status != 403 || out["errorCode"] != "403" ||
				!strings.Contains(out["exceptionInfo"], "expired token") {
				t.Errorf("got %d %v, want 403 in the shape of API Fabric", status, out)
			}
		})
	}
}
