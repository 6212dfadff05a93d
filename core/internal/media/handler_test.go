package media

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"patchbay/sdk/envelope"
)

// sendRequest sends a request to the handler. It removes BaseURL from the address.
func (b *testStore) sendRequest(method, address string, header ...string) *http.Response {
	b.t.Helper()
	r := httptest.NewRequest(method, strings.TrimPrefix(address, "https://chat.example.com/x"), nil)
	for n := 0; n < len(header); n += 2 {
		r.Header.Set(header[n], header[n+1])
	}
	w := httptest.NewRecorder()
	b.Handler().ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r *http.Response) []byte {
	t.Helper()
	data, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestHandlerServesItem(t *testing.T) {
	b := open(t)
	b.vendor.put("cat", medium{Info: Info{ContentType: "image/png", Name: "Käse „Katze“.png"}, data: picture(5000)})
	i := b.must("cat")
	link := b.Link(i)
	if u, err := url.Parse(link); err != nil || u.Host != "chat.example.com" ||
		!strings.HasPrefix(u.Path, "/x/media/"+i.ID+"/1795341600/") {
		t.Fatalf("link = %s (%v)", link, err)
	}
	r := b.sendRequest("GET", link)
	if r.StatusCode != http.StatusOK || !bytes.Equal(body(t, r), picture(5000)) {
		t.Errorf("status %d, or wrong bytes", r.StatusCode)
	}
	want := http.Header{
		"Accept-Ranges":                {"bytes"},
		"Cache-Control":                {"private, immutable, max-age=3600"},
		"Content-Disposition":          {`inline; filename="K_se _Katze_.png"; filename*=UTF-8''K%C3%A4se%20%E2%80%9EKatze%E2%80%9C.png`},
		"Content-Length":               {"5000"},
		"Content-Security-Policy":      {"default-src 'none'; sandbox"},
		"Content-Type":                 {"image/png"},
		"Cross-Origin-Resource-Policy": {"cross-origin"},
		"Etag":                         {`"` + i.ID + `"`},
		"Last-Modified":                {"Sun, 22 Nov 2026 09:00:00 GMT"},
		"Referrer-Policy":              {"no-referrer"},
		"X-Content-Type-Options":       {"nosniff"},
		"X-Robots-Tag":                 {"noindex"},
	}
	if diff := cmp.Diff(want, r.Header); diff != "" {
		t.Errorf("header (-want +got)\n%s", diff)
	}
}

func TestRangesAndConditionalRequests(t *testing.T) {
	b := open(t)
	b.vendor.put("cat", png1(5000))
	i := b.must("cat")
	all, etag := picture(5000), `"`+i.ID+`"`
	lengths := map[string]string{ // Content-Length by Content-Range
		"": "5000", "bytes 0-9/5000": "10", "bytes 4990-4999/5000": "10", "bytes 4000-4999/5000": "1000",
	}
	for _, tc := range []struct {
		name, method string
		header       []string
		status       int
		body         []byte
		contentRange string
	}{
		{"complete", "GET", nil, 200, all, ""},
		{"head", "HEAD", nil, 200, nil, ""},
		{"first bytes", "GET", []string{"Range", "bytes=0-9"}, 206, all[:10], "bytes 0-9/5000"},
		{"last bytes", "GET", []string{"Range", "bytes=-10"}, 206, all[4990:], "bytes 4990-4999/5000"},
		{"rest", "GET", []string{"Range", "bytes=4000-"}, 206, all[4000:], "bytes 4000-4999/5000"},
		{"head of a range", "HEAD", []string{"Range", "bytes=0-9"}, 206, nil, "bytes 0-9/5000"},
		{"range after the end", "GET", []string{"Range", "bytes=6000-"}, 416, nil, "bytes */5000"},
		{"range if unchanged", "GET", []string{"Range", "bytes=0-9", "If-Range", etag}, 206, all[:10], "bytes 0-9/5000"},
		{"range if changed", "GET", []string{"Range", "bytes=0-9", "If-Range", `"x"`}, 200, all, ""},
		{"not modified", "GET", []string{"If-None-Match", etag}, 304, nil, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := b.sendRequest(tc.method, b.Link(i), tc.header...)
			got := body(t, r)
			if r.StatusCode != tc.status || r.Header.Get("Content-Range") != tc.contentRange {
				t.Errorf("status %d, range %q", r.StatusCode, r.Header.Get("Content-Range"))
			}
			if length := r.Header.Get("Content-Length"); tc.status < 300 && length != lengths[tc.contentRange] {
				t.Errorf("Content-Length = %q, want %q", length, lengths[tc.contentRange])
			}
			if tc.status < 300 && !bytes.Equal(got, tc.body) {
				t.Errorf("%d bytes, want %d of the medium", len(got), len(tc.body))
			}
			if r.Header.Get("X-Content-Type-Options") != "nosniff" || r.Header.Get("Content-Security-Policy") == "" {
				t.Errorf("header %v", r.Header)
			}
			if last := b.counts.served[len(b.counts.served)-1]; last != tc.status {
				t.Errorf("counted %d", last)
			}
		})
	}
}

func TestOtherMethodsAreRejected(t *testing.T) {
	b := open(t)
	b.vendor.put("cat", png1(100))
	link := b.Link(b.must("cat"))
	for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT", "TRACE", "get"} {
		for _, address := range []string{link, "/media/nothing"} { // the response does not depend on the link
			r := b.sendRequest(method, address)
			if r.StatusCode != http.StatusMethodNotAllowed || r.Header.Get("Allow") != "GET, HEAD" {
				t.Errorf("%s %s: status %d", method, address, r.StatusCode)
			}
		}
	}
}

func TestContentTypeAndDisposition(t *testing.T) {
	b := open(t)
	for _, tc := range []struct {
		name, declared string
		data           []byte
		part           envelope.PartType
		contentType    string
		disposition    string
	}{
		{"a.png", "image/png", picture(100), "image", "image/png", `inline; filename="a.png"`},
		{"a.html", "image/png", picture(100), "image", "image/png", `inline; filename="a.html.png"`},
		{"a.ogg", "audio/ogg", []byte("OggS\x00\x02"), "audio", "audio/ogg", `inline; filename="a.ogg"`},
		{"a.tif", "image/tiff", []byte("II*\x00aaaa"), "image", "image/tiff", `attachment; filename="a.tif"`},
		{"a.amr", "", []byte("#!AMR\n\x00"), "audio", "audio/amr", `attachment; filename="a.amr"`},
		{"a.pdf", "application/pdf", []byte("%PDF-1.7\n"), "file", "application/pdf", `attachment; filename="a.pdf"`},
		{"a.html", "text/html", []byte("<html>"), "file", opaque, `attachment; filename="a.html"`},
		{"a.svg", "image/svg+xml", []byte("<svg/>"), "file", opaque, `attachment; filename="a.svg"`},
		{"a.js", "application/javascript", []byte("alert(1)"), "file", opaque, `attachment; filename="a.js"`},
		{"a.xhtml", "application/xhtml+xml", []byte(`<?xml version="1.0"?><html/>`), "file", opaque,
			`attachment; filename="a.xhtml"`},
		{"a.xml", "application/atom+xml", []byte(`<?xml version="1.0"?><feed/>`), "file", opaque,
			`attachment; filename="a.xml"`},
		{"a.js", "text/jscript", []byte("alert(1)"), "file", opaque, `attachment; filename="a.js"`},
		{"a.es", "application/x-ecmascript", []byte("alert(1)"), "file", opaque, `attachment; filename="a.es"`},
		{"a.xsl", "text/xsl", []byte(`<?xml version="1.0"?><x/>`), "file", opaque, `attachment; filename="a.xsl"`},
		{"a.mht", "multipart/x-mixed-replace", []byte{0, 1, 2, 3}, "file", opaque, `attachment; filename="a.mht"`},
		{"a.csv", "text/csv", []byte("a,b\n"), "file", "text/csv", `attachment; filename="a.csv"`},
		{"a.txt", "text/plain", []byte("<script>alert(1)</script>"), "file", opaque, `attachment; filename="a.txt"`},
		{`a";x="b`, "text/plain", []byte("hello"), "file", "text/plain",
			`attachment; filename="a__x=_b.txt"; filename*=UTF-8''a%22%3Bx%3D%22b.txt`},
	} {
		b.vendor.put(tc.name+tc.declared, medium{Info: Info{ContentType: tc.declared, Name: tc.name}, data: tc.data})
		i, err := b.Get(t.Context(), request(tc.part, tc.name+tc.declared), Limit{})
		if err != nil {
			t.Errorf("%s %s: %v", tc.name, tc.declared, err)
			continue
		}
		r := b.sendRequest("GET", b.Link(i))
		contentType, disposition := r.Header.Get("Content-Type"), r.Header.Get("Content-Disposition")
		if r.StatusCode != http.StatusOK || contentType != tc.contentType || disposition != tc.disposition {
			t.Errorf("%s %s: status %d, %s, %s", tc.name, tc.declared, r.StatusCode, contentType, disposition)
		}
	}
}
