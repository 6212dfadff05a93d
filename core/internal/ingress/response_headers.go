package ingress

import (
	"net/http"
	"strings"
)

// withheld are the fields of an answer that are the gateway's: they frame the message or belong to the connection
// (RFC 9110, 7.6.1; RFC 9112, 6), or would make callers keep state for the gateway's host.
var withheld = map[string]bool{
	"Connection": true, "Content-Length": true, "Keep-Alive": true, "Proxy-Authenticate": true, "Proxy-Connection": true,
	"Set-Cookie": true, "Te": true, "Trailer": true, "Transfer-Encoding": true, "Upgrade": true,
}

// invalidField stands for every field whose name or value HTTP does not allow.
const invalidField = "invalid"

// field returns the canonical name of an adapter's field, and false with what to call it if it must not be sent.
func field(name, value string) (string, bool) {
	if !token(name) || !sendable(value) {
		return invalidField, false
	}
	name = http.CanonicalHeaderKey(name)
	return name, !withheld[name]
}

// token reports whether s is a token (RFC 9110, 5.6.2).
func token(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
		return !letter && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
	})
}

// sendable reports whether s has no control characters but tabs (RFC 9110, 5.5).
func sendable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f })
}
