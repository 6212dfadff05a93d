package envelope

import (
	"crypto/sha256"
	"encoding/hex"
)

// ShortID maps any number of strings to 32 lower-case hexadecimal characters: the first
// 16 bytes of their SHA-256. It serves vendors whose ids may have at most 32 characters
// (GPTBots user_id, AICC userId). The same input gives the same id for ever; inputs are
// separated, so ("ab", "c") and ("a", "bc") differ.
func ShortID(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write([]byte(p))
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
