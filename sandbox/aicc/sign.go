package aicc

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
)

// signer makes the vendor's auth-v2 signature, as the AK/SK signing demo of its contact-centre APIs
// does. That the push interface uses it is the vendor's statement of the header's form; the page
// does not show the last segment.
type signer struct {
	accessKey string
	secretKey string
}

// authorization returns the header value for a request. The timestamp goes in as it is. Header names
// must be lower-case; query must be empty, since the push address has none.
func (s signer) authorization(method, path, timestamp string, headers map[string]string, body []byte) string {
	names := make([]string, 0, len(headers))
	for name := range headers {
		names = append(names, name)
	}
	slices.Sort(names)
	signed := strings.Join(names, ";")
	prefix := strings.Join([]string{"auth-v2", s.accessKey, timestamp, signed}, "/")

	pairs := make([]string, 0, len(names))
	for _, name := range names {
		pairs = append(pairs, percent([]byte(name))+":"+percent([]byte(strings.TrimSpace(headers[name]))))
	}
	slices.Sort(pairs)
	canonical := method + "\n" + path + "\n" + signed + "\n" + strings.Join(pairs, "\n") + "\n" + percent(body)

	// The derived key is used as text: its hexadecimal form, not the bytes.
	return prefix + "/" + mac(mac(s.secretKey, prefix), canonical)
}

func mac(key, message string) string {
	h := hmac.New(sha256.New, []byte(key))
	h.Write([]byte(message))
	return hex.EncodeToString(h.Sum(nil))
}

// percent encodes every byte but letters, digits and "-._~"; a slash is no exception.
func percent(raw []byte) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	b.Grow(2 * len(raw))
	for _, c := range raw {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9',
			c == '-', c == '.', c == '_', c == '~':
			b.WriteByte(c)
		default:
			b.Write([]byte{'%', digits[c>>4], digits[c&15]})
		}
	}
	return b.String()
}
