package media

import (
	"net/url"
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

// The Base64 decoder skips line ends; a signature must not contain any.
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

func TestNewIDIsUnique(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		id := newID()
		if seen[id] || !validID(id) {
			t.Fatalf("id %q", id)
		}
		seen[id] = true
	}
}

// Every accepted link has only one spelling, apart from escapes in the name, and refers to no file outside the folder.
func FuzzParseLink(f *testing.F) {
	b := &Store{key: make([]byte, keyBytes)}
	good := strings.TrimPrefix(b.Link(&Item{ID: strings.Repeat("a", 22), Info: Info{Name: "cat 1.png"}, Expires: time.Unix(1795341600, 0)}), "")
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
