package aicc

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

const (
	uploadPath   = "/apiaccess/ccmessaging/uploadFileStream"
	downloadPath = "/apiaccess/ccmessaging/downloadFileStream"
)

func encode(content string) string { return base64.StdEncoding.EncodeToString([]byte(content)) }

// upload uploads a file for the customer of header and returns its object key.
func (d *desk) upload(t *testing.T, header map[string]string, fileType, content string) string {
	t.Helper()
	_, out, _ := d.call(t, uploadPath, header,
		map[string]string{"fileType": fileType, "fileStream": encode(content), "channel": "WEB"})
	if out["returnCode"] != "0" || out["objectKey"] == "" {
		t.Fatalf("upload = %v, want an object key", out)
	}
	return out["objectKey"]
}

func TestUpload(t *testing.T) {
	d := newDesk(t, nil)
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
		{"too large", "jpg", encode(strings.Repeat("x", maxUpload+1)), "WEB", "13"},
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
	if accepted, refused := d.AcceptedCalls(EndpointUpload), d.Problems.Len(); accepted != 2 || refused != 7 {
		t.Errorf("%d uploads accepted and %d refused, want 2 and 7", accepted, refused)
	}
	key := d.upload(t, header, "PNG", "abc")
	if f, ok := d.File(key); !ok || f.Type != "png" || string(f.Content) != "abc" || f.User != "u1" {
		t.Errorf("file %+v, %v", f, ok)
	}
	if !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(key) {
		t.Errorf("object key %q is not a random UUID", key)
	}
}

func TestDownload(t *testing.T) {
	d := newDesk(t, nil)
	header := d.login(t, "u1")
	d.AddLibraryFile("local/any", "jpg", []byte("any"))
	d.AddLibraryFile("local/big", "jpg", make([]byte, maxDownload+1))
	d.AddLibraryFile("local/none", "jpg", nil)
	d.AddLibraryFile("logo", "png", []byte("png"))
	upload := d.upload(t, header, "jpg", "mine")
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
				t.Errorf("got a link %q with FileStreamOnly", out["fileUrl"])
			}
		})
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
		"with the stream": {FileLinkToo, encode("png")}, "instead of it": {FileLinkOnly, ""},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, func(o *Options) { o.FileLinks = tt.links })
			header := d.login(t, "u1")
			d.AddLibraryFile("logo", "png", []byte("png"))
			_, out, _ := d.call(t, downloadPath, header, map[string]string{
				"fileId": "logo", "fileType": "png", "channel": "WEB", "multiMedia": "multiMedia"})
			path, ok := strings.CutPrefix(out["fileUrl"], "http://example.com/files/")
			if out["resultCode"] != "0" || out["fileStream"] != tt.stream || !ok {
				t.Fatalf("got %v", out)
			}
			w := httptest.NewRecorder()
			d.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/files/"+path, nil))
			if kind := w.Header().Get("Content-Type"); w.Code != 200 || kind != "image/png" || w.Body.String() != "png" {
				t.Errorf("response of the link: %d %s %q", w.Code, kind, w.Body)
			}
		})
	}
}
