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

// ask makes a request for an address of the public listener; BaseURL and its path are the proxy's.
func (b *bench) ask(method, address string, header ...string) *http.Response {
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

func TestLinkServesTheItem(t *testing.T) {
	b := open(t)
	b.vendor.put("cat", medium{Info: Info{ContentType: "image/png", Name: "Käse „Katze“.png"}, data: picture(5000)})
	i := b.must("cat")
	link := b.Link(i)
	if u, err := url.Parse(link); err != nil || u.Host != "chat.example.com" || !strings.HasPrefix(u.Path, "/x/media/"+i.ID+"/1795341600/") {
		t.Fatalf("link = %s (%v)", link, err)
	}
	r := b.ask("GET", link)
	if r.StatusCode != http.StatusOK || !bytes.Equal(body(t, r), picture(5000)) {
		t.Errorf("status %d, or other bytes", r.StatusCode)
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

func TestRequestsForALink(t *testing.T) {
	b := open(t)
	b.vendor.put("cat", png1(5000))
	i := b.must("cat")
	all := picture(5000)
	for _, tc := range []struct {
		name, method string
		header       []string
		status       int
		body         []byte
		length, in   string // Content-Length, Content-Range
	}{
		{name: "whole", method: "GET", status: 200, body: all, length: "5000"},
		{name: "head", method: "HEAD", status: 200, length: "5000"},
		{name: "first bytes", method: "GET", header: []string{"Range", "bytes=0-9"}, status: 206, body: all[:10], length: "10", in: "bytes 0-9/5000"},
		{name: "last bytes", method: "GET", header: []string{"Range", "bytes=-10"}, status: 206, body: all[4990:], length: "10", in: "bytes 4990-4999/5000"},
		{name: "rest", method: "GET", header: []string{"Range", "bytes=4000-"}, status: 206, body: all[4000:], length: "1000", in: "bytes 4000-4999/5000"},
		{name: "head of a range", method: "HEAD", header: []string{"Range", "bytes=0-9"}, status: 206, length: "10", in: "bytes 0-9/5000"},
		{name: "behind the end", method: "GET", header: []string{"Range", "bytes=6000-"}, status: 416, in: "bytes */5000"},
		{name: "range if the same", method: "GET", header: []string{"Range", "bytes=0-9", "If-Range", `"` + i.ID + `"`}, status: 206,
			body: all[:10], length: "10", in: "bytes 0-9/5000"},
		{name: "range if another", method: "GET", header: []string{"Range", "bytes=0-9", "If-Range", `"x"`}, status: 200, body: all, length: "5000"},
		{name: "not again", method: "GET", header: []string{"If-None-Match", `"` + i.ID + `"`}, status: 304},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := b.ask(tc.method, b.Link(i), tc.header...)
			got := body(t, r)
			if r.StatusCode != tc.status || r.Header.Get("Content-Length") != tc.length && tc.length != "" || r.Header.Get("Content-Range") != tc.in {
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

func TestOtherMethodsAreRefused(t *testing.T) {
	b := open(t)
	b.vendor.put("cat", png1(100))
	link := b.Link(b.must("cat"))
	for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT", "TRACE", "get"} {
		for _, address := range []string{link, "/media/nothing"} { // whether a link is genuine does not show
			r := b.ask(method, address)
			if r.StatusCode != http.StatusMethodNotAllowed || r.Header.Get("Allow") != "GET, HEAD" {
				t.Errorf("%s %s: status %d", method, address, r.StatusCode)
			}
		}
	}
}

// Every wrong link gets the very answer that one gets who invents everything.
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
	flip := func(s string, n int) string { // another character of the alphabet
		c := byte('A')
		if s[n] == 'A' {
			c = 'B'
		}
		return s[:n] + string(c) + s[n+1:]
	}
	last := part[4][len(part[4])-1]
	expiry, _ := strconv.ParseInt(part[3], 10, 64)
	forged := map[string]string{
		"nothing":                  "/media/",
		"no slash":                 "/media",
		"another path":             "/metrics",
		"invented":                 "/media/" + strings.Repeat("A", 22) + "/1795341600/" + strings.Repeat("A", 43) + "/cat.png",
		"id of another":            with(2, other.ID),
		"id changed":               with(2, flip(i.ID, 0)),
		"id cut":                   with(2, i.ID[1:]),
		"id longer":                with(2, i.ID+"A"),
		"id empty":                 with(2, ""),
		"id upwards":               with(2, ".."),
		"id upwards, escaped":      with(2, "%2e%2e%2f%2e%2e%2fkey"),
		"id escaped":               with(2, "%"+strconv.FormatInt(int64(i.ID[0]), 16)+i.ID[1:]),
		"id with a null byte":      with(2, i.ID[:21]+"%00"),
		"later":                    with(3, strconv.FormatInt(expiry+1, 10)),
		"earlier":                  with(3, strconv.FormatInt(expiry-1, 10)),
		"never":                    with(3, "999999999999"),
		"number too large":         with(3, "99999999999999999999"),
		"number with a zero":       with(3, "0"+part[3]),
		"number with a sign":       with(3, "+"+part[3]),
		"negative":                 with(3, "-1"),
		"no number":                with(3, "soon"),
		"number empty":             with(3, ""),
		"signature changed":        with(4, flip(part[4], 0)),
		"signature's end changed":  with(4, part[4][:42]+string(otherEnd(last))),
		"signature of another":     with(4, otherPart[4]),
		"signature cut":            with(4, part[4][:42]),
		"signature longer":         with(4, part[4]+"A"),
		"signature padded":         with(4, part[4]+"="),
		"signature empty":          with(4, ""),
		"signature with line ends": with(4, part[4][:41]+"%0A%0A"),
		"signature in hex":         with(4, strings.Repeat("00", 32)),
		"name changed":             with(5, "cat.html"),
		"name in capitals":         with(5, "CAT.png"),
		"name empty":               with(5, ""),
		"name missing":             strings.Join(part[:5], "/"),
		"name longer":              with(5, "cat.png%00"),
		"name with a folder":       with(5, "a/cat.png"),
		"name with a folder, esc.": with(5, "a%2Fcat.png"),
		"name upwards":             with(5, "../cat.png"),
		"slash at the end":         good + "/",
		"slashes":                  strings.ReplaceAll(good, "/media/", "/media//"),
		"prefix twice":             "/media" + good,
		"prefix of the proxy":      "/x" + good,
		"prefix in capitals":       strings.Replace(good, "/media/", "/Media/", 1),
		"prefix escaped":           strings.Replace(good, "/media/", "/%6dedia/", 1),
		"of another gateway":       strings.TrimPrefix(foreign.Link(foreign.must("cat")), "https://chat.example.com/x"),
		"fields exchanged":         strings.Join([]string{"", "media", part[3], part[2], part[4], part[5]}, "/"),
		"key file":                 "/media/key",
		"item's file":              "/media/" + i.ID + ".data",
		"item's record":            "/media/" + i.ID + ".json",
	}
	want := describe(t, b.ask("GET", forged["invented"]))
	for name, address := range forged {
		for _, method := range []string{"GET", "HEAD"} {
			r := b.ask(method, address)
			if r.StatusCode != http.StatusNotFound {
				t.Errorf("%s: %s %s: status %d", name, method, address, r.StatusCode)
			}
			if got := describe(t, r); method == "GET" && got != want {
				t.Errorf("%s: the answer tells something:\n%s\nnot\n%s", name, got, want)
			}
		}
	}
	if r := b.ask("GET", good); r.StatusCode != http.StatusOK {
		t.Errorf("the genuine link: status %d", r.StatusCode)
	}
	if r := b.ask("GET", good+"?name=x.html&download=1"); r.StatusCode != http.StatusOK || r.Header.Get("Content-Type") != "image/png" {
		t.Errorf("the genuine link with a query: status %d", r.StatusCode)
	}
}

// otherEnd returns a character that differs from c in the two bits that a signature's last character does not use.
func otherEnd(c byte) byte {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return alphabet[strings.IndexByte(alphabet, c)^1]
}

// describe is all that a caller sees of an answer.
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
	b.clock.pass(time.Hour - time.Second)
	r := b.ask("GET", link)
	if r.StatusCode != http.StatusOK || r.Header.Get("Cache-Control") != "private, immutable, max-age=1" {
		t.Errorf("before: status %d, %s", r.StatusCode, r.Header.Get("Cache-Control"))
	}
	b.clock.pass(time.Second)
	for range 2 { // before and after it was removed
		r := b.ask("GET", link)
		if r.StatusCode != http.StatusGone || r.Header.Get("Cache-Control") != "no-store" || len(body(t, r)) > 50 {
			t.Errorf("after: status %d, %s", r.StatusCode, r.Header.Get("Cache-Control"))
		}
		b.sweep()
	}
	b.expectTidy()
}

// The number in the link counts, not only how long the item is kept.
func TestLinkThatExpiresBeforeItsItem(t *testing.T) {
	b := open(t)
	b.vendor.put("cat", png1(100))
	early := *b.must("cat")
	early.Expires = b.clock.Now().Add(time.Minute)
	link := b.Link(&early)
	if r := b.ask("GET", link); r.StatusCode != http.StatusOK {
		t.Errorf("before: status %d", r.StatusCode)
	}
	b.clock.pass(time.Minute)
	if r := b.ask("GET", link); r.StatusCode != http.StatusGone {
		t.Errorf("after: status %d", r.StatusCode)
	}
}

func TestLinkOfWhatHasMadeRoom(t *testing.T) {
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

// flipBit changes one bit of a file, at another time than it was written.
func flipBit(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	data[len(data)-1] ^= 1
	return errors.Join(os.WriteFile(path, data, 0o600), os.Chtimes(path, time.Time{}, time.Unix(1_000_000_000, 0)))
}

// Files that somebody deletes or changes, or that a crash has left with other bytes, are noticed: their links are gone, and
// the medium is read again for whoever gets it next.
func TestFilesThatHaveChanged(t *testing.T) {
	for name, harm := range map[string]func(path string) error{
		"deleted": os.Remove,
		"cut":     func(path string) error { return os.Truncate(path, 10) },
		"longer":  func(path string) error { return os.Truncate(path, 101) },
		"one bit": flipBit,
		"exchanged": func(path string) error {
			return errors.Join(os.WriteFile(path+"x", make([]byte, 100), 0o600), os.Rename(path+"x", path))
		},
		"a folder": func(path string) error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o700)) },
	} {
		for _, way := range []string{"served before", "never read", "after a restart"} {
			for _, method := range []string{"HEAD", "Get"} {
				t.Run(name+", "+way+", "+method, func(t *testing.T) {
					b := open(t)
					b.vendor.put("cat", png1(100))
					i := b.must("cat")
					link := b.Link(i)
					if way == "served before" && b.ask("GET", link).StatusCode != http.StatusOK {
						t.Fatal("not served")
					}
					if err := harm(b.path(i.ID, dataSuffix)); err != nil {
						t.Fatal(err)
					}
					if way == "after a restart" {
						b.reopen()
					}
					if method != "Get" {
						if r := b.ask(method, link, "Range", "bytes=0-0"); r.StatusCode != http.StatusGone {
							t.Errorf("status %d", r.StatusCode)
						}
					}
					if got := b.must("cat"); got.ID == i.ID || !bytes.Equal(content(t, got), picture(100)) || b.vendor.requests("cat") != 2 {
						t.Errorf("the damaged item is still given out, after %d requests", b.vendor.requests("cat"))
					}
					if r := b.ask("GET", link); r.StatusCode != http.StatusGone {
						t.Errorf("then: status %d", r.StatusCode)
					}
					b.expectTidy()
				})
			}
		}
	}
}

// Whoever reads a part of a medium does not have the gateway read all of it each time.
func TestFilesAreCheckedOnce(t *testing.T) {
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
		t.Errorf("status %d: all of it was read again", r.StatusCode)
	}
	if err := os.Chtimes(path, time.Time{}, before.ModTime().Add(1)); err != nil {
		t.Fatal(err)
	}
	if r := b.ask("GET", b.Link(i)); r.StatusCode != http.StatusGone || !strings.Contains(b.logs.String(), "a kept medium is dropped") {
		t.Errorf("status %d after the file was touched; log: %s", r.StatusCode, b.logs)
	}
}

// What is kept and expires soon is given out if it can't be read anew, but not with other bytes than its own.
func TestDamagedItemThatCanNotBeReadAnew(t *testing.T) {
	b := open(t)
	b.vendor.put("cat", png1(100))
	i := b.must("cat")
	b.clock.pass(50 * time.Minute)
	broken := errors.New("connection reset")
	b.vendor.put("cat", medium{err: broken})
	if b.must("cat") != i {
		t.Fatal("what is kept was not given out")
	}
	if err := flipBit(b.path(i.ID, dataSuffix)); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Get(t.Context(), request(envelope.PartImage, "cat"), Limit{}); !errors.Is(err, broken) {
		t.Errorf("error = %v", err)
	}
	b.expectTidy()
}

func TestWhatIsShown(t *testing.T) {
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

// Over a real connection, a download may take longer than the listener gives to others.
func TestDownloadsHaveTheirOwnTime(t *testing.T) {
	b := open(t)
	b.vendor.put("cat", png1(5000))
	link := b.Link(b.must("cat"))
	delayed := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(-time.Second)) // the listener's time is over
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

// stuck is a caller who reads nothing until it is released.
type stuck struct {
	*httptest.ResponseRecorder
	began, release chan struct{}
}

func (s *stuck) Write(b []byte) (int, error) {
	s.began <- struct{}{}
	<-s.release
	return len(b), nil
}

// Each download has a connection and a file open: slow ones must leave some to the rest of the gateway.
func TestDownloadsAreBounded(t *testing.T) {
	b := open(t)
	b.vendor.put("cat", png1(500))
	link := b.Link(b.must("cat"))
	began, release := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	for range maxDownloads {
		w := &stuck{httptest.NewRecorder(), began, release}
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
		t.Errorf("status %d when they have ended", r.StatusCode)
	}
}
