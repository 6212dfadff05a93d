package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"patchbay/sdk"
	"patchbay/sdk/webhook"
)

// authVersion is the first segment of a signed Authorization header (Message Push Interface Specifications, table 1).
const authVersion = "auth-v2"

// Bounds of an Authorization header, far above those of AICC's headers.
const (
	maxAuthorization = 2048
	maxSignedHeaders = 32
)

// authorization is a parsed Authorization header: auth-v2/{accessKey}/{timestamp}/{SignedHeaders}/{signature}. The
// page shows only the first four segments; Huawei's signing demo (SignInfo.java) appends the signature.
type authorization struct {
	accessKey     string
	timestamp     string   // as received, because the signature covers this form
	signedHeaders string   // as received, because the signature covers this form
	names         []string // the header names in signedHeaders
	signature     string   // 64 lower-case hexadecimal digits
}

// parseAuthorization parses a signed Authorization header. Its errors do not repeat the header.
func parseAuthorization(v string) (authorization, error) {
	if len(v) > maxAuthorization {
		return authorization{}, fmt.Errorf("longer than %d bytes", maxAuthorization)
	}
	seg := strings.Split(v, "/")
	if seg[0] != authVersion {
		return authorization{}, errors.New("does not begin with auth-v2")
	}
	if len(seg) != 5 {
		return authorization{}, fmt.Errorf("%d segments instead of 5", len(seg))
	}
	auth := authorization{accessKey: seg[1], timestamp: seg[2], signedHeaders: seg[3], signature: seg[4]}
	if auth.accessKey == "" {
		return authorization{}, errors.New("the access key is empty")
	}
	auth.names = strings.Split(auth.signedHeaders, ";")
	if err := checkSignedHeaders(auth.names); err != nil {
		return authorization{}, err
	}
	if len(auth.signature) != 2*sha256.Size || strings.Trim(auth.signature, "0123456789abcdef") != "" {
		return authorization{}, errors.New("the signature is not 64 lower-case hexadecimal digits")
	}
	return auth, nil
}

// checkSignedHeaders requires unique lower-case names that include host. The order is free: SignInfo.java sorts the
// names before it lowers their case.
func checkSignedHeaders(names []string) error {
	if len(names) > maxSignedHeaders {
		return fmt.Errorf("more than %d signed headers", maxSignedHeaders)
	}
	for i, n := range names {
		if n == "" || strings.Trim(n, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return errors.New("the name of a signed header has characters other than a-z, 0-9, - and _")
		}
		if n == "authorization" || slices.Contains(names[:i], n) {
			return errors.New("a signed header is repeated or is authorization itself")
		}
	}
	if !slices.Contains(names, "host") {
		return errors.New("the signed headers do not include host")
	}
	return nil
}

// parseTime parses a signature's time: UTC with seconds (SignInfo.java), UTC with milliseconds (later implementations)
// or milliseconds since 1970 (as in the body of a push).
func parseTime(s string) (time.Time, error) {
	switch {
	case len(s) == len("2006-01-02T15:04:05Z"):
		return time.Parse("2006-01-02T15:04:05Z", s)
	case len(s) == len("2006-01-02T15:04:05.000Z") && s[19] == '.': // time.Parse accepts a comma as well
		return time.Parse("2006-01-02T15:04:05.000Z", s)
	case len(s) == 13 && strings.Trim(s, "0123456789") == "":
		ms, err := strconv.ParseInt(s, 10, 64)
		return time.UnixMilli(ms), err
	}
	return time.Time{}, errors.New("not a time")
}

// signingKey is one configured push key. An empty accessKey matches any.
type signingKey struct {
	accessKey string
	secret    sdk.Secret
	previous  bool
}

// signingKeys returns the current key and, while the key is being replaced, the previous one.
func (v *Verify) signingKeys() []signingKey {
	keys := []signingKey{{v.AccessKey, v.SecretKey, false}, {v.PreviousAccess, v.PreviousKey, true}}
	if v.PreviousAccess == "" {
		keys[1].accessKey = v.AccessKey
	}
	return slices.DeleteFunc(keys, func(k signingKey) bool { return k.secret.IsZero() })
}

// checkSignature checks the signature of a request with v's push keys. The page does not define which host and path are
// signed, so all plausible forms are computed with all keys. The computation does not stop at a match, so its duration
// reveals nothing about the keys.
func checkSignature(v *Verify, req *sdk.Request, now time.Time) (previous bool, err error) {
	given := req.Header.Values("Authorization")
	if len(given) != 1 {
		return false, fmt.Errorf("the request has %d Authorization headers instead of one", len(given))
	}
	auth, err := parseAuthorization(given[0])
	if err != nil {
		return false, fmt.Errorf("parse Authorization header: %w", err)
	}
	at, err := parseTime(auth.timestamp)
	if err != nil {
		return false, errors.New("the signature's time has an unknown format")
	}
	if !webhook.WithinWindow(at, now, v.Window) {
		return false, fmt.Errorf(
			"the signature's time differs by %s from the gateway's clock, more than verify.window (%s); check both clocks",
			now.Sub(at).Abs().Truncate(time.Second), v.Window)
	}
	keys := v.signingKeys()
	if len(keys) == 0 {
		return false, errors.New("verify.secret_key is not set")
	}
	forms, err := canonicalForms(v, &auth, req)
	if err != nil {
		return false, err
	}
	return auth.matches(keys, forms, []byte(percentEncode(string(req.Body))))
}

// matches compares the received signature with the signatures of all forms, made with each key.
func (auth *authorization) matches(keys []signingKey, forms []string, body []byte) (previous bool, err error) {
	prefix := strings.Join([]string{authVersion, auth.accessKey, auth.timestamp, auth.signedHeaders}, "/")
	var keyKnown, current bool
	for _, k := range keys {
		accepted := k.accessKey == "" || webhook.Equal(auth.accessKey, k.accessKey)
		keyKnown = keyKnown || accepted
		key := []byte(hexHMAC([]byte(k.secret.Reveal()), []byte(prefix)))
		for _, form := range forms {
			match := webhook.Equal(hexHMAC(key, []byte(form), body), auth.signature)
			current = current || match && accepted && !k.previous
			previous = previous || match && accepted && k.previous
		}
	}
	switch {
	case current || previous:
		return !current, nil
	case !keyKnown:
		return false, errors.New("the access key is not the configured one")
	}
	return false, errors.New("the signature does not match; compare verify.secret_key with the AICC console, and set " +
		"verify.host or verify.path if a proxy changes the Host header or the path")
}
