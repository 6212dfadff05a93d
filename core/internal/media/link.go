package media

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// PathPrefix begins the path of every link, after BaseURL.
const PathPrefix = "/media/"

// link is what a link says, and who can have said it.
type link struct {
	id        string
	expires   int64 // seconds since 1970
	name      string
	signature [sha256.Size]byte
}

// Link returns an address on the public listener from which everybody who has it can read the item until it expires.
func (s *Store) Link(i *Item) string {
	l := link{id: i.ID, expires: i.Expires.Unix(), name: i.Name}
	l.signature = s.sign(&l)
	return s.opt.BaseURL + l.path()
}

// sign authenticates all of a link. Neither id nor number has a line end in it, so that no two links are signed alike.
func (s *Store) sign(l *link) (out [sha256.Size]byte) {
	m := hmac.New(sha256.New, s.key)
	m.Write([]byte("media\n" + l.id + "\n" + strconv.FormatInt(l.expires, 10) + "\n" + l.name))
	m.Sum(out[:0])
	return out
}

// genuine reports in constant time whether the link was made with the store's key.
func (s *Store) genuine(l *link) bool {
	want := s.sign(l)
	return hmac.Equal(want[:], l.signature[:])
}

func (l *link) expired(now time.Time) bool { return now.Unix() >= l.expires }

func (l *link) path() string {
	return PathPrefix + l.id + "/" + strconv.FormatInt(l.expires, 10) + "/" + signatureText.EncodeToString(l.signature[:]) + "/" +
		url.PathEscape(l.name)
}

var (
	signatureText   = base64.RawURLEncoding.Strict()
	signatureLength = signatureText.EncodedLen(sha256.Size)
)

// maxExpiryDigits bounds the number in a link; it is good for some thousand years.
const maxExpiryDigits = 12

// parseLink reads the escaped path of a request. There is one way to write id, expiry and signature of a link.
func parseLink(path string) (*link, bool) {
	rest, ok := strings.CutPrefix(path, PathPrefix)
	if !ok {
		return nil, false
	}
	part := strings.Split(rest, "/")
	if len(part) != 4 || !validID(part[0]) || len(part[1]) > maxExpiryDigits || len(part[2]) != signatureLength {
		return nil, false
	}
	l := &link{id: part[0]}
	expires, err := strconv.ParseUint(part[1], 10, 63)
	if err != nil || strconv.FormatUint(expires, 10) != part[1] {
		return nil, false
	}
	l.expires = int64(expires)
	// The decoder skips line ends, so the length decides, too.
	if n, err := signatureText.Decode(l.signature[:], []byte(part[2])); err != nil || n != len(l.signature) {
		return nil, false
	}
	if l.name, err = url.PathUnescape(part[3]); err != nil || l.name == "" {
		return nil, false
	}
	return l, true
}
