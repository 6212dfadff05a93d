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

// Authorization returns the Authorization header of a push by the vendor's auth-v2 signature, as the AK/SK signing demo
// of its contact-centre APIs makes it. That pushes use it is an assumption: their page shows the header without its
// last segment. The timestamp is used as it is. Names of the signed headers must be lower-case. A query, if the address
// has one, is a second line of path: its pairs, encoded and sorted.
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
	// The derived key is used as text: its hexadecimal form, not the bytes.
	return prefix + "/" + mac(mac(secretKey, prefix), canonical)
}

func mac(key, message string) string {
	h := hmac.New(sha256.New, []byte(key))
	h.Write([]byte(message))
	return hex.EncodeToString(h.Sum(nil))
}

// percent encodes every byte but letters, digits and "-._~"; a slash is no exception.
func percent(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }
