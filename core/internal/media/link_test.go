package media

import (
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestLinkCanBeRead(t *testing.T) {
	b := open(t)
	for _, name := range []string{"a.png", "a b?c#d%e&f.png", "猫.png", "..a", "a+b.png", "a;b,c=d@e:f.png"} {
		i := &Item{ID: newID(), Info: Info{Name: name}, Expires: b.clock.Now().Add(time.Hour)}
		u, err := url.Parse(b.Link(i))
		if err != nil {
			t.Fatal(err)
		}
		l, ok := parseLink(strings.TrimPrefix(u.EscapedPath(), "/x"))
		if !ok || l.id != i.ID || l.name != name || l.expires != i.Expires.Unix() || !b.genuine(l) {
			t.Errorf("%q: read as %+v", name, l)
		}
	}
}

// The decoder of Base64 skips line ends; a signature has none.
func TestSignatureWithLineEnds(t *testing.T) {
	good := "/media/" + strings.Repeat("a", 22) + "/1795341600/" + strings.Repeat("A", 43) + "/cat.png"
	if _, ok := parseLink(good); !ok {
		t.Fatalf("%q is not taken", good)
	}
	for _, ends := range []string{"\n", "\r", "\r\n", "\n\n\n"} {
		if _, ok := parseLink(strings.Replace(good, strings.Repeat("A", len(ends)), ends, 1)); ok {
			t.Errorf("a signature with %q is taken", ends)
		}
	}
}

func TestIDsAreNeverTheSame(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		id := newID()
		if seen[id] || !validID(id) {
			t.Fatalf("id %q", id)
		}
		seen[id] = true
	}
}

// What the parser takes can be written in one way alone, but for the escapes in the name, and names no file outside
// the folder.
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
			t.Errorf("%q is taken as %+v", path, l)
		}
		cut := strings.LastIndexByte(path, '/')
		if again := l.path(); again[:strings.LastIndexByte(again, '/')] != path[:cut] {
			t.Errorf("%q can be written as %q", path, again)
		}
		if path != good && b.genuine(l) && l.path() != good {
			t.Errorf("%q is genuine", path)
		}
	})
}
