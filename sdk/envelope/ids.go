package envelope

import (
	"crypto/sha256"
	"encoding/hex"
)

// ShortID returns 32 lower-case hexadecimal characters for any strings: the first 16 bytes of a SHA-256. It is for
// vendors whose ids have at most 32 characters, such as GPTBots (user_id) and AICC (userId). The result never changes.
// The strings are separated by zero bytes, so that ("ab", "c") and ("a", "bc") differ; they should not contain zero
// bytes.
func ShortID(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write([]byte(p))
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
