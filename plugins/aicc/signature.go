package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"patchbay/sdk"
	"patchbay/sdk/webhook"
)

// authVersion is the first segment of a signed Authorization header.
const authVersion = "auth-v2"

// Bounds of an Authorization header, far above what the vendor sends.
const (
	maxAuthorization = 2048
	maxSignedHeaders = 32
)

// authorization is a parsed Authorization header of the form
// auth-v2/{accessKey}/{timestamp}/{SignedHeaders}/{signature}.
type authorization struct {
	accessKey     string
	timestamp     string   // as written; it is signed in this form
	signedHeaders string   // as written; it is signed in this form
	names         []string // of signedHeaders
	signature     string   // 64 lower-case hexadecimal digits
}

// parseAuthorization reads a signed Authorization header. Its errors do not repeat the header.
func parseAuthorization(v string) (authorization, error) {
	if len(v) > maxAuthorization {
		return authorization{}, errors.New("header too long")
	}
	seg := strings.Split(v, "/")
	if seg[0] != authVersion {
		return authorization{}, errors.New("not an auth-v2 header")
	}
	if len(seg) != 5 {
		return authorization{}, fmt.Errorf("%d segments instead of 5", len(seg))
	}
	auth := authorization{accessKey: seg[1], timestamp: seg[2], signedHeaders: seg[3], signature: seg[4]}
	if auth.accessKey == "" {
		return authorization{}, errors.New("access key empty")
	}
	auth.names = strings.Split(auth.signedHeaders, ";")
	if err := checkSignedHeaders(auth.names); err != nil {
		return authorization{}, err
	}
	if len(auth.signature) != 2*sha256.Size || strings.Trim(auth.signature, "0123456789abcdef") != "" {
		return authorization{}, errors.New("signature is not 64 lower-case hexadecimal digits")
	}
	return auth, nil
}

// checkSignedHeaders wants lower-case names, each once, host among them. The vendor sorts by the names
// before it lowers their case, so the order is free.
func checkSignedHeaders(names []string) error {
	if len(names) > maxSignedHeaders {
		return errors.New("too many signed headers")
	}
	for i, n := range names {
		if n == "" || strings.Trim(n, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return errors.New("a signed header's name is not lower-case letters, digits and dashes")
		}
		if n == "authorization" || slices.Contains(names[:i], n) {
			return errors.New("a signed header is authorization itself, or given twice")
		}
	}
	if !slices.Contains(names, "host") {
		return errors.New("host is not among the signed headers")
	}
	return nil
}

// parseTime reads a signature's time: UTC with seconds or milliseconds, or milliseconds since 1970.
func parseTime(s string) (time.Time, error) {
	switch {
	case len(s) == len("2006-01-02T15:04:05Z"):
		return time.Parse("2006-01-02T15:04:05Z", s)
	case len(s) == len("2006-01-02T15:04:05.000Z"):
		return time.Parse("2006-01-02T15:04:05.000Z", s)
	case len(s) == 13 && strings.Trim(s, "0123456789") == "":
		ms, err := strconv.ParseInt(s, 10, 64)
		return time.UnixMilli(ms), err
	}
	return time.Time{}, errors.New("not a time")
}

// checkSignature tells whether a push carries a signature by v's secret key. The vendor's page leaves
// open which host and path it signs, so the forms that can be meant are tried in turn.
func checkSignature(v *Verify, req *sdk.Request, now time.Time) error {
	given := req.Header.Values("Authorization")
	if len(given) != 1 {
		return fmt.Errorf("%d Authorization headers instead of one", len(given))
	}
	auth, err := parseAuthorization(given[0])
	if err != nil {
		return fmt.Errorf("header Authorization: %w", err)
	}
	if v.AccessKey != "" && !webhook.Equal(auth.accessKey, v.AccessKey) {
		return errors.New("access key is not the configured one")
	}
	at, err := parseTime(auth.timestamp)
	if err != nil {
		return errors.New("time of the signature can't be read")
	}
	if !webhook.WithinWindow(at, now, v.Window) {
		return fmt.Errorf("time of the signature is %s away from now, more than the %s of verify.window",
			now.Sub(at).Abs().Truncate(time.Second), v.Window)
	}
	if v.SecretKey.IsZero() {
		return errors.New("no secret key is configured")
	}
	query, err := canonicalQuery(req.Query)
	if err != nil {
		return err
	}
	prefix := strings.Join([]string{authVersion, auth.accessKey, auth.timestamp, auth.signedHeaders}, "/")
	key := []byte(hexHMAC([]byte(v.SecretKey.Reveal()), []byte(prefix)))
	body := percentEncode(string(req.Body))
	for _, host := range hostForms(v, req.Host) {
		lines, err := canonicalHeaders(auth.names, req, host)
		if err != nil {
			return err
		}
		for _, path := range pathForms(req) {
			head := strings.ToUpper(req.Method) + "\n" + path + "\n" + query + auth.signedHeaders + "\n" + lines + "\n"
			if webhook.Equal(hexHMAC(key, []byte(head), []byte(body)), auth.signature) {
				return nil
			}
		}
	}
	return errors.New("signature does not match; compare verify.secret_key with the AICC console, and set " +
		"verify.host if a proxy changes the Host header")
}

// canonicalQuery returns the sorted pairs and a newline, "" if there are none: then the line is absent.
func canonicalQuery(raw string) (string, error) {
	if raw == "" {
		return "", nil
	}
	values, err := url.ParseQuery(raw)
	if err != nil {
		return "", errors.New("query can't be read")
	}
	var pairs []string
	for k, vs := range values {
		for _, v := range vs {
			pairs = append(pairs, percentEncode(k)+"="+percentEncode(v))
		}
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "&") + "\n", nil
}

// canonicalHeaders returns the signed headers' lines, sorted as whole lines as the vendor does. The host
// is passed in; net/http keeps it, and sometimes Content-Length, out of the header.
func canonicalHeaders(names []string, req *sdk.Request, host string) (string, error) {
	lines := make([]string, len(names))
	for i, n := range names {
		values := req.Header.Values(n)
		switch {
		case n == "host":
			values = []string{host}
		case n == "content-length" && len(values) == 0:
			values = []string{strconv.Itoa(len(req.Body))}
		}
		if len(values) != 1 {
			return "", fmt.Errorf("signed header %s is there %d times instead of once", n, len(values))
		}
		lines[i] = percentEncode(n) + ":" + percentEncode(strings.TrimSpace(values[0]))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n"), nil
}

// hostForms are the hosts that AICC may have signed: as called, and without a port.
func hostForms(v *Verify, received string) []string {
	if v.Host != "" {
		received = v.Host
	}
	forms := []string{received}
	if bare, _, err := net.SplitHostPort(received); err == nil {
		forms = append(forms, bare)
	}
	return forms
}

// pathForms are the paths that AICC may have signed: all of it, and what it appended to the base URL.
func pathForms(req *sdk.Request) []string {
	if req.FullPath == req.Path || req.FullPath == "" {
		return []string{req.Path}
	}
	return []string{req.FullPath, req.Path}
}

// hexHMAC is lower-case hexadecimal HMAC-SHA256 of the pieces.
func hexHMAC(key []byte, pieces ...[]byte) string {
	mac := hmac.New(sha256.New, key)
	for _, p := range pieces {
		mac.Write(p)
	}
	return hex.EncodeToString(mac.Sum(nil))
}

// percentEncode writes every byte but letters, digits and -._~ as %XX, a slash and a blank too.
func percentEncode(s string) string {
	const digits = "0123456789ABCDEF"
	out := make([]byte, 0, len(s)*3/2)
	for i := range len(s) {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
			c == '-' || c == '.' || c == '_' || c == '~' {
			out = append(out, c)
			continue
		}
		out = append(out, '%', digits[c>>4], digits[c&15])
	}
	return string(out)
}
