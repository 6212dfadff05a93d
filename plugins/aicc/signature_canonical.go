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

	"patchbay/sdk"
)

// canonicalForms returns the canonical requests, without the body, that AICC may have signed. The construction follows
// Huawei's signing demo (github.com/Huawei/CloudIPCC_huaweicloud_hpsdemo, SignerUtils.java).
func canonicalForms(v *Verify, auth *authorization, req *sdk.Request) ([]string, error) {
	query, err := canonicalQuery(req.Query)
	if err != nil {
		return nil, err
	}
	var forms []string
	for _, host := range hostForms(v, req.Host) {
		lines, err := canonicalHeaders(auth.names, req, host)
		if err != nil {
			return nil, err
		}
		for _, path := range pathForms(v, req) {
			forms = append(forms,
				strings.ToUpper(req.Method)+"\n"+path+"\n"+query+auth.signedHeaders+"\n"+lines+"\n")
		}
	}
	return forms, nil
}

// canonicalQuery returns the sorted query pairs and a newline. Without a query the line is absent.
func canonicalQuery(raw string) (string, error) {
	if raw == "" {
		return "", nil
	}
	values, err := url.ParseQuery(raw)
	if err != nil {
		return "", errors.New("the query is malformed")
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

// canonicalHeaders returns the lines of the signed headers. SignerUtils.java sorts whole lines, not names. The host is
// a parameter because net/http removes it, and sometimes Content-Length, from the header.
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
			return "", fmt.Errorf("signed header %s occurs %d times instead of once", n, len(values))
		}
		lines[i] = percentEncode(n) + ":" + percentEncode(strings.TrimSpace(values[0]))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n"), nil
}

// hostForms returns the hosts that AICC may have signed: with and without the port.
func hostForms(v *Verify, received string) []string {
	if v.Host != "" {
		received = v.Host
	}
	forms := []string{received}
	if name, _, err := net.SplitHostPort(received); err == nil {
		forms = append(forms, name)
	}
	return forms
}

// pathForms returns the paths that AICC may have signed: verify.path, the received path, and the received path without
// the channel's prefix.
func pathForms(v *Verify, req *sdk.Request) []string {
	var forms []string
	for _, path := range []string{v.Path, req.FullPath, req.Path} {
		if path != "" && !slices.Contains(forms, path) {
			forms = append(forms, path)
		}
	}
	return forms
}

// hexHMAC returns the HMAC-SHA256 of the concatenated pieces as lower-case hexadecimal digits.
func hexHMAC(key []byte, pieces ...[]byte) string {
	mac := hmac.New(sha256.New, key)
	for _, p := range pieces {
		mac.Write(p)
	}
	return hex.EncodeToString(mac.Sum(nil))
}

// percentEncode encodes every byte except letters, digits and -._~ as %XX, including slashes and spaces
// (PathUtils.java).
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
