package aicc

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// Authorization returns the Authorization header of a push. It uses the vendor's auth-v2 signature, as in the AK/SK
// signing demo of its contact-centre APIs. This is an assumption: the page on pushes shows the header without its last
// segment. The keys of headers must be lower-case. If the address has a query, path must have a second line with its
// encoded and sorted pairs.
func Authorization(accessKey, secretKey, method, path, timestamp string, headers map[string]string, body []byte) string {
	names := slices.Sorted(maps.Keys(headers))
	signed := strings.Join(names, ";")
	prefix := strings.Join([]string{"auth-v2", accessKey, timestamp, signed}, "/")
	pairs := make([]string, 0, len(names))
	for _, name := range names {
		pairs = append(pairs, percent(name)+":"+percent(strings.TrimSpace(headers[name])))
	}
	slices.Sort(pairs)
	canonical := method + "\n" + path + "\n" + signed + "\n" + strings.Join(pairs, "\n") + "\n" + percent(string(body))
	// The derived key is the hexadecimal text, not the bytes.
	return prefix + "/" + mac(mac(secretKey, prefix), canonical)
}

func mac(key, message string) string {
	h := hmac.New(sha256.New, []byte(key))
	h.Write([]byte(message))
	return hex.EncodeToString(h.Sum(nil))
}

// percent encodes every byte except letters, digits and "-._~". It encodes slashes.
func percent(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }
