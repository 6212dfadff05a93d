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

// PathPrefix is the start of the path of every link.
const PathPrefix = "/media/"

// link is a parsed or new link to an item.
type link struct {
	id        string
	expires   int64 // Unix time in seconds
	name      string
	signature [sha256.Size]byte
}

// Link returns a public URL of the item. Everyone who knows it can read the item until the item expires.
func (s *Store) Link(i *Item) string {
	l := link{id: i.ID, expires: i.Expires.Unix(), name: i.Name}
	l.signature = s.sign(&l)
	return s.opt.BaseURL + l.path()
}

// sign signs all fields of a link. The id and the expiry contain no line end, so the signed text is unambiguous.
func (s *Store) sign(l *link) (out [sha256.Size]byte) {
	m := hmac.New(sha256.New, s.key)
	m.Write([]byte("media\n" + l.id + "\n" + strconv.FormatInt(l.expires, 10) + "\n" + l.name))
	m.Sum(out[:0])
	return out
}

// validSignature checks the signature in constant time.
func (s *Store) validSignature(l *link) bool {
	want := s.sign(l)
	return hmac.Equal(want[:], l.signature[:])
}

func (l *link) hasExpired(now time.Time) bool { return now.Unix() >= l.expires }

func (l *link) path() string {
	return PathPrefix + l.id + "/" + strconv.FormatInt(l.expires, 10) + "/" +
		signatureEncoding.EncodeToString(l.signature[:]) + "/" + url.PathEscape(l.name)
}

var (
	signatureEncoding = base64.RawURLEncoding.Strict()
	signatureLength   = signatureEncoding.EncodedLen(sha256.Size)
)

// maxExpiryDigits limits the expiry in a link to about 30,000 years.
const maxExpiryDigits = 12

// parseLink parses the escaped path of a request. It accepts only one spelling of the id, the expiry and the signature.
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
	// The decoder skips line ends, so check the decoded length too.
	if n, err := signatureEncoding.Decode(l.signature[:], []byte(part[2])); err != nil || n != len(l.signature) {
		return nil, false
	}
	if l.name, err = url.PathUnescape(part[3]); err != nil || l.name == "" {
		return nil, false
	}
	return l, true
}
