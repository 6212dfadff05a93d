package ingress

import (
	"net/http"
	"strings"
)

// reservedHeaders are response headers that only the gateway sets. They frame the message or control the connection
// (RFC 9110, 7.6.1; RFC 9112, 6), or they make callers store state for the gateway's host.
var reservedHeaders = map[string]bool{
	"Connection": true, "Content-Length": true, "Keep-Alive": true, "Proxy-Authenticate": true, "Proxy-Connection": true,
	"Set-Cookie": true, "Te": true, "Trailer": true, "Transfer-Encoding": true, "Upgrade": true,
}

// malformedHeader is the canonical name of each header that is not valid in HTTP.
const malformedHeader = "malformed"

// allowedHeader returns the canonical name of a header, and whether an adapter may set it.
func allowedHeader(name, value string) (canonical string, ok bool) {
	if !validToken(name) || !validValue(value) {
		return malformedHeader, false
	}
	canonical = http.CanonicalHeaderKey(name)
	return canonical, !reservedHeaders[canonical]
}

// validToken reports whether s is a token (RFC 9110, 5.6.2).
func validToken(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		alphanumeric := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
		return !alphanumeric && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
	})
}

// validValue reports whether s has no control characters other than tabs (RFC 9110, 5.5).
func validValue(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f })
}
