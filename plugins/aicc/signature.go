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
	case len(s) == len("2006-01-02T15:04:05.000Z") && s[19] == '.': // time.Parse takes a comma, too
		return time.Parse("2006-01-02T15:04:05.000Z", s)
	case len(s) == 13 && strings.Trim(s, "0123456789") == "":
		ms, err := strconv.ParseInt(s, 10, 64)
		return time.UnixMilli(ms), err
	}
	return time.Time{}, errors.New("not a time")
}

// signingKey is one secret key that a signature may be made by. The zero accessKey stands for any.
type signingKey struct {
	accessKey string
	secret    sdk.Secret
	former    bool
}

// signingKeys are the configured keys: the current one and, while it is being changed, the former.
func (v *Verify) signingKeys() []signingKey {
	keys := []signingKey{{v.AccessKey, v.SecretKey, false}, {v.FormerAccess, v.FormerKey, true}}
	if v.FormerAccess == "" {
		keys[1].accessKey = v.AccessKey
	}
	return slices.DeleteFunc(keys, func(k signingKey) bool { return k.secret.IsZero() })
}

// checkSignature tells whether a push carries a signature by one of v's secret keys, and whether by the former one. The
// vendor's page leaves open which host and path it signs. All that can be meant is computed with all keys in any case,
// so that the time taken tells nothing about which of them came close.
func checkSignature(v *Verify, req *sdk.Request, now time.Time) (former bool, err error) {
	given := req.Header.Values("Authorization")
	if len(given) != 1 {
		return false, fmt.Errorf("%d Authorization headers instead of one", len(given))
	}
	auth, err := parseAuthorization(given[0])
	if err != nil {
		return false, fmt.Errorf("header Authorization: %w", err)
	}
	at, err := parseTime(auth.timestamp)
	if err != nil {
		return false, errors.New("time of the signature can't be read")
	}
	if !webhook.WithinWindow(at, now, v.Window) {
		return false, fmt.Errorf("time of the signature is %s away from now, more than the %s of verify.window",
			now.Sub(at).Abs().Truncate(time.Second), v.Window)
	}
	keys := v.signingKeys()
	if len(keys) == 0 {
		return false, errors.New("no secret key is configured")
	}
	forms, err := canonicalForms(v, &auth, req)
	if err != nil {
		return false, err
	}
	return auth.matches(keys, forms, []byte(percentEncode(string(req.Body))))
}

// matches compares the signature with that of every form by every key.
func (auth *authorization) matches(keys []signingKey, forms []string, body []byte) (former bool, err error) {
	prefix := strings.Join([]string{authVersion, auth.accessKey, auth.timestamp, auth.signedHeaders}, "/")
	var named, current bool
	for _, k := range keys {
		name := k.accessKey == "" || webhook.Equal(auth.accessKey, k.accessKey)
		named = named || name
		key := []byte(hexHMAC([]byte(k.secret.Reveal()), []byte(prefix)))
		for _, form := range forms {
			match := webhook.Equal(hexHMAC(key, []byte(form), body), auth.signature)
			current = current || match && name && !k.former
			former = former || match && name && k.former
		}
	}
	switch {
	case current || former:
		return !current, nil
	case !named:
		return false, errors.New("access key is not the configured one")
	}
	return false, errors.New("signature does not match; compare verify.secret_key with the AICC console, and set " +
		"verify.host or verify.path if a proxy changes the Host header or the path")
}
