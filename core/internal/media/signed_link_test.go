package media

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestParseLinkParsesLink(t *testing.T) {
	b := open(t)
	for _, name := range []string{"a.png", "a b?c#d%e&f.png", "猫.png", "..a", "a+b.png", "a;b,c=d@e:f.png"} {
		i := &Item{ID: newID(), Info: Info{Name: name}, Expires: b.clock.Now().Add(time.Hour)}
		u, err := url.Parse(b.Link(i))
		if err != nil {
			t.Fatal(err)
		}
		l, ok := parseLink(strings.TrimPrefix(u.EscapedPath(), "/x"))
		if !ok || l.id != i.ID || l.name != name || l.expires != i.Expires.Unix() || !b.validSignature(l) {
			t.Errorf("%q: parsed as %+v", name, l)
		}
	}
}

// The Base64 decoder ignores line ends. A signature with line ends must be rejected.
func TestSignatureWithLineEnds(t *testing.T) {
	good := "/media/" + strings.Repeat("a", 22) + "/1795341600/" + strings.Repeat("A", 43) + "/cat.png"
	if _, ok := parseLink(good); !ok {
		t.Fatalf("%q is rejected", good)
	}
	for _, ends := range []string{"\n", "\r", "\r\n", "\n\n\n"} {
		if _, ok := parseLink(strings.Replace(good, strings.Repeat("A", len(ends)), ends, 1)); ok {
			t.Errorf("a signature with %q is accepted", ends)
		}
	}
}

// FuzzParseLink checks that an accepted link has only one spelling, except escapes in the name, and that it refers to
// no file outside the folder.
func FuzzParseLink(f *testing.F) {
	b := &Store{key: make([]byte, keyBytes)}
	good := b.Link(&Item{ID: strings.Repeat("a", 22), Info: Info{Name: "cat 1.png"}, Expires: time.Unix(1795341600, 0)})
	f.Add(good)
	f.Add(strings.Replace(good, "/media/", "/media//", 1))
	f.Add(good + "/x")
	f.Add("/media/../../../key/1/2/3")
	f.Add("/media/%2e%2e/1795341600/" + strings.Repeat("A", 43) + "/%00")
	f.Fuzz(func(t *testing.T, path string) {
		l, ok := parseLink(path)
		if !ok {
			return
		}
		if !validID(l.id) || l.expires < 0 || l.name == "" || strings.ContainsAny(l.id, "/.") {
			t.Errorf("%q is parsed as %+v", path, l)
		}
		cut := strings.LastIndexByte(path, '/')
		if again := l.path(); again[:strings.LastIndexByte(again, '/')] != path[:cut] {
			t.Errorf("%q has a second spelling %q", path, again)
		}
		if path != good && b.validSignature(l) && l.path() != good {
			t.Errorf("%q has a valid signature", path)
		}
	})
}

// All invalid links get the same response.
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
		"made up":                       "/media/AAAAAAAAAAAAAAAAAAAAAA/1795341600/" + strings.Repeat("A", 43) + "/cat.png",
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
	want := describe(t, b.sendRequest("GET", forged["made up"]))
	for name, address := range forged {
		for _, method := range []string{"GET", "HEAD"} {
			r := b.sendRequest(method, address)
			if r.StatusCode != http.StatusNotFound {
				t.Errorf("%s: %s %s: status %d", name, method, address, r.StatusCode)
			}
			if got := describe(t, r); method == "GET" && got != want {
				t.Errorf("%s: the response differs:\n%s\nwant\n%s", name, got, want)
			}
		}
	}
	if r := b.sendRequest("GET", good); r.StatusCode != http.StatusOK {
		t.Errorf("valid link: status %d", r.StatusCode)
	}
	r := b.sendRequest("GET", good+"?name=x.html&download=1")
	if r.StatusCode != http.StatusOK || r.Header.Get("Content-Type") != "image/png" {
		t.Errorf("valid link with a query: status %d", r.StatusCode)
	}
}

// otherEnd returns a character that differs from c in a bit that the last character of a signature does not use.
func otherEnd(c byte) byte {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return alphabet[strings.IndexByte(alphabet, c)^1]
}

// describe returns the status, the header and the body of a response.
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
	r := b.sendRequest("GET", link)
	if r.StatusCode != http.StatusOK || r.Header.Get("Cache-Control") != "private, immutable, max-age=1" {
		t.Errorf("before: status %d, %s", r.StatusCode, r.Header.Get("Cache-Control"))
	}
	b.clock.advance(time.Second)
	for range 2 { // before and after the sweep
		r := b.sendRequest("GET", link)
		if r.StatusCode != http.StatusGone || r.Header.Get("Cache-Control") != "no-store" || len(body(t, r)) > 50 {
			t.Errorf("after: status %d, %s", r.StatusCode, r.Header.Get("Cache-Control"))
		}
		b.sweep()
	}
	b.expectFilesOfItems()
}

// A link expires at the time in the link, also if its item expires later.
func TestLinkThatExpiresBeforeItsItem(t *testing.T) {
	b := open(t)
	b.vendor.put("cat", png1(100))
	early := *b.must("cat")
	early.Expires = b.clock.Now().Add(time.Minute)
	link := b.Link(&early)
	if r := b.sendRequest("GET", link); r.StatusCode != http.StatusOK {
		t.Errorf("before: status %d", r.StatusCode)
	}
	b.clock.advance(time.Minute)
	if r := b.sendRequest("GET", link); r.StatusCode != http.StatusGone {
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
	if r := b.sendRequest("GET", b.Link(i)); r.StatusCode != http.StatusGone {
		t.Errorf("status %d", r.StatusCode)
	}
}
