package ingress

import (
	"net/http"

	"golang.org/x/net/http/httpguts"
)

// reservedHeaders are response headers that only the gateway sets. They frame the message or control the connection
// (RFC 9110, 7.6.1; RFC 9112, 6), or they make callers store state for the gateway's host.
var reservedHeaders = map[string]bool{
	"Connection": true, "Content-Length": true, "Keep-Alive": true, "Proxy-Authenticate": true, "Proxy-Connection": true,
	"Set-Cookie": true, "Te": true, "Trailer": true, "Transfer-Encoding": true, "Upgrade": true,
}

// malformedHeader replaces the name of each header that is not valid in HTTP.
const malformedHeader = "malformed"

// allowedHeader returns the canonical name of a header, and whether an adapter may set it.
func allowedHeader(name, value string) (canonical string, ok bool) {
	if !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
		return malformedHeader, false
	}
	canonical = http.CanonicalHeaderKey(name)
	return canonical, !reservedHeaders[canonical]
}
