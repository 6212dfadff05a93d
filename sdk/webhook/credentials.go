package webhook

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"
	"time"
)

// Equal compares a credential with the expected one in constant time. It returns false if the expected one is empty, so
// that a missing setting does not admit every caller.
func Equal(presented, expected string) bool {
	a, b := sha256.Sum256([]byte(presented)), sha256.Sum256([]byte(expected))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1 && expected != ""
}

// Credentials returns the scheme and the credentials of the only Authorization header (RFC 9110 11.4), or "" and "" if
// there are no credentials or more than one header. The scheme is in lower case, because its case has no meaning.
func Credentials(h http.Header) (scheme, credentials string) {
	values := h.Values("Authorization")
	if len(values) != 1 {
		return "", ""
	}
	scheme, credentials, _ = strings.Cut(strings.Trim(values[0], " "), " ")
	if credentials = strings.TrimLeft(credentials, " "); credentials == "" {
		return "", ""
	}
	return strings.ToLower(scheme), credentials
}

// BearerToken returns the token of an "Authorization: Bearer" header (RFC 6750 2.1), or "" if there is none.
func BearerToken(h http.Header) string {
	scheme, token := Credentials(h)
	if scheme != "bearer" || strings.ContainsAny(token, " \t") {
		return ""
	}
	return token
}

// WithinWindow reports whether a call's timestamp differs from now by at most window, in either direction, because a
// vendor's clock can be fast. Check the signature of the timestamp first.
func WithinWindow(at, now time.Time, window time.Duration) bool {
	d := now.Sub(at)
	return d <= window && d >= -window
}
