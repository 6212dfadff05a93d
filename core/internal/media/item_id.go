package media

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
)

// digest is a SHA-256 of a medium's bytes or of its source. The source itself is not stored, because links can contain
// secrets.
type digest [sha256.Size]byte

// MarshalText implements encoding.TextMarshaler.
func (d digest) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, d[:]), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *digest) UnmarshalText(text []byte) error {
	if len(text) != 2*len(d) {
		return fmt.Errorf("digest of %d digits, want %d", len(text), 2*len(d))
	}
	_, err := hex.Decode(d[:], text)
	return err
}

// sourceDigest identifies a medium by its channel, thread and link or reference.
func sourceDigest(req *Request) digest {
	kind, handle := "url", req.Part.URL // adapters prefer the link too
	if handle == "" {
		kind, handle = "ref", req.Part.Ref
	}
	h := sha256.New()
	for _, s := range []string{req.Channel, req.Thread, kind, handle} {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(s))))
		h.Write([]byte(s))
	}
	return digest(h.Sum(nil))
}

// idBytes is the number of random bytes in an ID.
const idBytes = 16

var idLength = base64.RawURLEncoding.EncodedLen(idBytes)

func newID() string {
	b := make([]byte, idBytes)
	_, _ = rand.Read(b) // never fails
	return base64.RawURLEncoding.EncodeToString(b)
}

// validID reports whether s has the form of an ID, which is safe as a file name.
func validID(s string) bool {
	return len(s) == idLength && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '-' && r != '_'
	})
}
