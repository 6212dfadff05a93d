package media

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchbay/sdk/envelope"
)

// ask sends a request to the handler. It removes BaseURL from the address, as a proxy does.
func (b *testStore) ask(method, address string, header ...string) *http.Response {
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
	if u, err := url.Parse(link); err != nil || u.Host != "chat.example.com" || !strings.HasPrefix(u.Path, "/x/media/"+i.ID+"/1795341600/") {
		t.Fatalf("link = %s (%v)", link, err)
	}
	r := b.ask("GET", link)
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
	all := picture(5000)
	for _, tc := range []struct {
		name, method string
		header       []string
		status       int
		body         []byte
		length, rng  string // Content-Length, Content-Range
	}{
		{name: "whole", method: "GET", status: 200, body: all, length: "5000"},
		{name: "head", method: "HEAD", status: 200, length: "5000"},
		{name: "first bytes", method: "GET", header: []string{"Range", "bytes=0-9"}, status: 206, body: all[:10], length: "10", rng: "bytes 0-9/5000"},
		{name: "last bytes", method: "GET", header: []string{"Range", "bytes=-10"}, status: 206, body: all[4990:], length: "10", rng: "bytes 4990-4999/5000"},
		{name: "rest", method: "GET", header: []string{"Range", "bytes=4000-"}, status: 206, body: all[4000:], length: "1000", rng: "bytes 4000-4999/5000"},
		{name: "head of a range", method: "HEAD", header: []string{"Range", "bytes=0-9"}, status: 206, length: "10", rng: "bytes 0-9/5000"},
		{name: "range after the end", method: "GET", header: []string{"Range", "bytes=6000-"}, status: 416, rng: "bytes */5000"},
		{name: "range if unchanged", method: "GET", header: []string{"Range", "bytes=0-9", "If-Range", `"` + i.ID + `"`}, status: 206,
			body: all[:10], length: "10", rng: "bytes 0-9/5000"},
		{name: "range if changed", method: "GET", header: []string{"Range", "bytes=0-9", "If-Range", `"x"`}, status: 200, body: all, length: "5000"},
		{name: "not modified", method: "GET", header: []string{"If-None-Match", `"` + i.ID + `"`}, status: 304},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := b.ask(tc.method, b.Link(i), tc.header...)
			got := body(t, r)
			if r.StatusCode != tc.status || r.Header.Get("Content-Length") != tc.length && tc.length != "" || r.Header.Get("Content-Range") != tc.rng {
				t.Errorf("status %d, length %q, range %q", r.StatusCode, r.Header.Get("Content-Length"), r.Header.Get("Content-Range"))
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
		for _, address := range []string{link, "/media/nothing"} { // the answer does not depend on the link
			r := b.ask(method, address)
			if r.StatusCode != http.StatusMethodNotAllowed || r.Header.Get("Allow") != "GET, HEAD" {
				t.Errorf("%s %s: status %d", method, address, r.StatusCode)
			}
		}
	}
}

// Every invalid link gets the same answer.
func TestForgedLinks(t *testing.T) {
	b := open(t)
	b.vendor.put("cat", png1(100))
	b.vendor.put("dog", png1(100))
	i, other := b.must("cat"), b.must("dog")
	good := strings.TrimPrefix(b.Link(i), "https://chat.example.com/x")
	part := strings.Split(good, "/") // "", "media", id, expiry, signature, name
	otherPart := strings.Split(strings.TrimPrefix(b.Link(other), "https://chat.example.com/x"), "/")
	with := func(n int, s string) string {
		p := append([]string(nil), part...)
		p[n] = s
		return strings.Join(p, "/")
	}
	foreign := open(t)
	foreign.vendor.put("cat", png1(100))
	flip := func(s string, n int) string { // replaces one character
		c := byte('A')
		if s[n] == 'A' {
			c = 'B'
		}
		return s[:n] + string(c) + s[n+1:]
	}
	last := part[4][len(part[4])-1]
	expiry, _ := strconv.ParseInt(part[3], 10, 64)
	forged := map[string]string{
		"nothing":                       "/media/",
		"no slash":                      "/media",
		"another path":                  "/metrics",
		"made up":                       "/media/" + strings.Repeat("A", 22) + "/1795341600/" + strings.Repeat("A", 43) + "/cat.png",
		"id of another item":            with(2, other.ID),
		"id changed":                    with(2, flip(i.ID, 0)),
		"id truncated":                  with(2, i.ID[1:]),
		"id too long":                   with(2, i.ID+"A"),
		"id empty":                      with(2, ""),
		"id is a path":                  with(2, ".."),
		"id is an escaped path":         with(2, "%2e%2e%2f%2e%2e%2fkey"),
		"id escaped":                    with(2, "%"+strconv.FormatInt(int64(i.ID[0]), 16)+i.ID[1:]),
		"id with a null byte":           with(2, i.ID[:21]+"%00"),
		"expiry later":                  with(3, strconv.FormatInt(expiry+1, 10)),
		"expiry earlier":                with(3, strconv.FormatInt(expiry-1, 10)),
		"expiry never":                  with(3, "999999999999"),
		"expiry too large":              with(3, "99999999999999999999"),
		"expiry with leading zero":      with(3, "0"+part[3]),
		"expiry with sign":              with(3, "+"+part[3]),
		"expiry negative":               with(3, "-1"),
		"expiry not a number":           with(3, "soon"),
		"expiry empty":                  with(3, ""),
		"signature changed":             with(4, flip(part[4], 0)),
		"signature's last bits changed": with(4, part[4][:42]+string(otherEnd(last))),
		"signature of another item":     with(4, otherPart[4]),
		"signature truncated":           with(4, part[4][:42]),
		"signature too long":            with(4, part[4]+"A"),
		"signature padded":              with(4, part[4]+"="),
		"signature empty":               with(4, ""),
		"signature with line ends":      with(4, part[4][:41]+"%0A%0A"),
		"signature in hex":              with(4, strings.Repeat("00", 32)),
		"name changed":                  with(5, "cat.html"),
		"name in capitals":              with(5, "CAT.png"),
		"name empty":                    with(5, ""),
		"name missing":                  strings.Join(part[:5], "/"),
		"name too long":                 with(5, "cat.png%00"),
		"name with a folder":            with(5, "a/cat.png"),
		"name with a folder, escaped":   with(5, "a%2Fcat.png"),
		"name is a path":                with(5, "../cat.png"),
		"trailing slash":                good + "/",
		"double slash":                  strings.ReplaceAll(good, "/media/", "/media//"),
		"prefix twice":                  "/media" + good,
		"prefix of the proxy":           "/x" + good,
		"prefix in capitals":            strings.Replace(good, "/media/", "/Media/", 1),
		"prefix escaped":                strings.Replace(good, "/media/", "/%6dedia/", 1),
		"link of another gateway":       strings.TrimPrefix(foreign.Link(foreign.must("cat")), "https://chat.example.com/x"),
		"fields exchanged":              strings.Join([]string{"", "media", part[3], part[2], part[4], part[5]}, "/"),
		"key file":                      "/media/key",
		"item's file":                   "/media/" + i.ID + ".data",
		"item's metadata":               "/media/" + i.ID + ".json",
	}
	want := describe(t, b.ask("GET", forged["made up"]))
	for name, address := range forged {
		for _, method := range []string{"GET", "HEAD"} {
			r := b.ask(method, address)
			if r.StatusCode != http.StatusNotFound {
				t.Errorf("%s: %s %s: status %d", name, method, address, r.StatusCode)
			}
			if got := describe(t, r); method == "GET" && got != want {
				t.Errorf("%s: the answer differs:\n%s\nwant\n%s", name, got, want)
			}
		}
	}
	if r := b.ask("GET", good); r.StatusCode != http.StatusOK {
		t.Errorf("valid link: status %d", r.StatusCode)
	}
	if r := b.ask("GET", good+"?name=x.html&download=1"); r.StatusCode != http.StatusOK || r.Header.Get("Content-Type") != "image/png" {
		t.Errorf("valid link with a query: status %d", r.StatusCode)
	}
}

// otherEnd returns a character that differs from c in a bit that the last character of a signature does not use.
func otherEnd(c byte) byte {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return alphabet[strings.IndexByte(alphabet, c)^1]
}

// describe returns status, header and body of an answer.
func describe(t *testing.T, r *http.Response) string {
	t.Helper()
	var b strings.Builder
	_ = r.Header.Write(&b)
	return r.Status + "\n" + b.String() + string(body(t, r))
}

func TestLinksExpire(t *testing.T) {
	b := open(t)
	b.vendor.put("cat", png1(100))
	link := b.Link(b.must("cat"))
	b.clock.advance(time.Hour - time.Second)
	r := b.ask("GET", link)
	if r.StatusCode != http.StatusOK || r.Header.Get("Cache-Control") != "private, immutable, max-age=1" {
		t.Errorf("before: status %d, %s", r.StatusCode, r.Header.Get("Cache-Control"))
	}
	b.clock.advance(time.Second)
	for range 2 { // before and after the sweep
		r := b.ask("GET", link)
		if r.StatusCode != http.StatusGone || r.Header.Get("Cache-Control") != "no-store" || len(body(t, r)) > 50 {
			t.Errorf("after: status %d, %s", r.StatusCode, r.Header.Get("Cache-Control"))
		}
		b.sweep()
	}
	b.expectTidy()
}

// The expiry in the link applies even if the item expires later.
func TestLinkThatExpiresBeforeItsItem(t *testing.T) {
	b := open(t)
	b.vendor.put("cat", png1(100))
	early := *b.must("cat")
	early.Expires = b.clock.Now().Add(time.Minute)
	link := b.Link(&early)
	if r := b.ask("GET", link); r.StatusCode != http.StatusOK {
		t.Errorf("before: status %d", r.StatusCode)
	}
	b.clock.advance(time.Minute)
	if r := b.ask("GET", link); r.StatusCode != http.StatusGone {
		t.Errorf("after: status %d", r.StatusCode)
	}
}

func TestLinkToEvictedItem(t *testing.T) {
	b := open(t)
	b.vendor.put("cat", png1(100))
	i := b.must("cat")
	b.mu.Lock()
	b.remove(i)
	b.mu.Unlock()
	if r := b.ask("GET", b.Link(i)); r.StatusCode != http.StatusGone {
		t.Errorf("status %d", r.StatusCode)
	}
}

// flipBit changes one bit and the modification time of a file.
func flipBit(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	data[len(data)-1] ^= 1
	return errors.Join(os.WriteFile(path, data, 0o600), os.Chtimes(path, time.Time{}, time.Unix(1_000_000_000, 0)))
}

// A deleted or changed file makes its links answer 410, and the next Get fetches the medium again.
func TestChangedFiles(t *testing.T) {
	for name, change := range map[string]func(path string) error{
		"deleted":   os.Remove,
		"truncated": func(path string) error { return os.Truncate(path, 10) },
		"extended":  func(path string) error { return os.Truncate(path, 101) },
		"one bit":   flipBit,
		"replaced": func(path string) error {
			return errors.Join(os.WriteFile(path+"x", make([]byte, 100), 0o600), os.Rename(path+"x", path))
		},
		"a folder": func(path string) error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o700)) },
	} {
		for _, when := range []string{"after a download", "before any download", "after a restart"} {
			for _, method := range []string{"HEAD", "Get"} {
				t.Run(name+", "+when+", "+method, func(t *testing.T) {
					b := open(t)
					b.vendor.put("cat", png1(100))
					i := b.must("cat")
					link := b.Link(i)
					if when == "after a download" && b.ask("GET", link).StatusCode != http.StatusOK {
						t.Fatal("not served")
					}
					if err := change(b.path(i.ID, dataSuffix)); err != nil {
						t.Fatal(err)
					}
					if when == "after a restart" {
						b.reopen()
					}
					if method != "Get" {
						if r := b.ask(method, link, "Range", "bytes=0-0"); r.StatusCode != http.StatusGone {
							t.Errorf("status %d", r.StatusCode)
						}
					}
					if got := b.must("cat"); got.ID == i.ID || !bytes.Equal(content(t, got), picture(100)) || b.vendor.requests("cat") != 2 {
						t.Errorf("Get returned the damaged item after %d requests", b.vendor.requests("cat"))
					}
					if r := b.ask("GET", link); r.StatusCode != http.StatusGone {
						t.Errorf("after Get: status %d", r.StatusCode)
					}
					b.expectTidy()
				})
			}
		}
	}
}

// The checksum is computed once, not for each range request.
func TestChecksumIsCachedUntilFileChanges(t *testing.T) {
	b := open(t)
	b.vendor.put("cat", png1(100))
	i := b.must("cat")
	path := b.path(i.ID, dataSuffix)
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if r := b.ask("GET", b.Link(i)); r.StatusCode != http.StatusOK {
		t.Fatalf("status %d", r.StatusCode)
	}
	if err := errors.Join(flipBit(path), os.Chtimes(path, time.Time{}, before.ModTime())); err != nil {
		t.Fatal(err)
	}
	if r := b.ask("GET", b.Link(i)); r.StatusCode != http.StatusOK {
		t.Errorf("status %d: the checksum was computed again", r.StatusCode)
	}
	if err := os.Chtimes(path, time.Time{}, before.ModTime().Add(1)); err != nil {
		t.Fatal(err)
	}
	if r := b.ask("GET", b.Link(i)); r.StatusCode != http.StatusGone || !strings.Contains(b.logs.String(), "damaged medium dropped") {
		t.Errorf("status %d after the file was touched; log: %s", r.StatusCode, b.logs)
	}
}

// If a second fetch fails, Get returns an intact item that expires soon, but not a damaged one.
func TestDamagedItemAfterFailedFetch(t *testing.T) {
	b := open(t)
	b.vendor.put("cat", png1(100))
	i := b.must("cat")
	b.clock.advance(50 * time.Minute)
	broken := errors.New("connection reset")
	b.vendor.put("cat", medium{err: broken})
	if b.must("cat") != i {
		t.Fatal("the cached item was not returned")
	}
	if err := flipBit(b.path(i.ID, dataSuffix)); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Get(t.Context(), request(envelope.PartImage, "cat"), Limit{}); !errors.Is(err, broken) {
		t.Errorf("error = %v", err)
	}
	b.expectTidy()
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
		{"a.xhtml", "application/xhtml+xml", []byte(`<?xml version="1.0"?><html/>`), "file", opaque, `attachment; filename="a.xhtml"`},
		{"a.xml", "application/atom+xml", []byte(`<?xml version="1.0"?><feed/>`), "file", opaque, `attachment; filename="a.xml"`},
		{"a.js", "text/jscript", []byte("alert(1)"), "file", opaque, `attachment; filename="a.js"`},
		{"a.es", "application/x-ecmascript", []byte("alert(1)"), "file", opaque, `attachment; filename="a.es"`},
		{"a.xsl", "text/xsl", []byte(`<?xml version="1.0"?><x/>`), "file", opaque, `attachment; filename="a.xsl"`},
		{"a.mht", "multipart/x-mixed-replace", []byte{0, 1, 2, 3}, "file", opaque, `attachment; filename="a.mht"`},
		{"a.csv", "text/csv", []byte("a,b\n"), "file", "text/csv", `attachment; filename="a.csv"`},
		{"a.txt", "text/plain", []byte("<script>alert(1)</script>"), "file", opaque, `attachment; filename="a.txt"`},
		{`a";x="b`, "text/plain", []byte("hello"), "file", "text/plain", `attachment; filename="a__x=_b.txt"; filename*=UTF-8''a%22%3Bx%3D%22b.txt`},
	} {
		b.vendor.put(tc.name+tc.declared, medium{Info: Info{ContentType: tc.declared, Name: tc.name}, data: tc.data})
		i, err := b.Get(t.Context(), request(tc.part, tc.name+tc.declared), Limit{})
		if err != nil {
			t.Errorf("%s %s: %v", tc.name, tc.declared, err)
			continue
		}
		r := b.ask("GET", b.Link(i))
		if r.StatusCode != http.StatusOK || r.Header.Get("Content-Type") != tc.contentType || r.Header.Get("Content-Disposition") != tc.disposition {
			t.Errorf("%s %s: status %d, %s, %s", tc.name, tc.declared, r.StatusCode, r.Header.Get("Content-Type"), r.Header.Get("Content-Disposition"))
		}
	}
}

// Over a real connection, a download can exceed the listener's write timeout.
func TestDownloadsHaveASeparateTimeout(t *testing.T) {
	b := open(t)
	b.vendor.put("cat", png1(5000))
	link := b.Link(b.must("cat"))
	delayed := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(-time.Second)) // the listener's deadline has passed
		b.Handler().ServeHTTP(w, r)
	})
	srv := httptest.NewUnstartedServer(delayed)
	srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	srv.Start()
	defer srv.Close()
	client := srv.Client()
	defer client.CloseIdleConnections()
	r, err := client.Get(srv.URL + strings.TrimPrefix(link, "https://chat.example.com/x"))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if !bytes.Equal(body(t, r), picture(5000)) {
		t.Error("other bytes than the vendor's")
	}
}

// slowClient reads nothing until it is released.
type slowClient struct {
	*httptest.ResponseRecorder
	began, release chan struct{}
}

func (s *slowClient) Write(b []byte) (int, error) {
	s.began <- struct{}{}
	<-s.release
	return len(b), nil
}

func TestDownloadsAreLimited(t *testing.T) {
	b := open(t)
	b.vendor.put("cat", png1(500))
	link := b.Link(b.must("cat"))
	began, release := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	for range maxDownloads {
		w := &slowClient{httptest.NewRecorder(), began, release}
		all.Go(func() {
			b.Handler().ServeHTTP(w, httptest.NewRequest("GET", strings.TrimPrefix(link, "https://chat.example.com/x"), nil))
		})
		<-began
	}
	r := b.ask("GET", link)
	if r.StatusCode != http.StatusServiceUnavailable || r.Header.Get("Retry-After") == "" || r.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("status %d, header %v", r.StatusCode, r.Header)
	}
	close(release)
	all.Wait()
	if r := b.ask("GET", link); r.StatusCode != http.StatusOK {
		t.Errorf("status %d after the downloads ended", r.StatusCode)
	}
}
