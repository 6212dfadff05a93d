package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strconv"
	"strings"
	"time"

	"patchbay/sdk"
)

// The pupil's vendor signs time, host, path, query, topic and body of a call, each but the last with a line end, by an
// HMAC-SHA256 in hexadecimal digits.
const (
	timeHeader      = "X-Pupil-Time" // seconds since 1970
	topicHeader     = "X-Pupil-Topic"
	signatureHeader = "X-Pupil-Signature" // behind "s1="
)

// wellFormed is what a signature looks like.
var wellFormed = regexp.MustCompile(`^s1=[0-9a-f]{64}$`)

// checkSignature checks the signature of a call, or what the flaw leaves of it.
func (c *pupilChannel) checkSignature(req *sdk.Request, now time.Time) error {
	given := req.Header.Values(signatureHeader)
	stamp := req.Header.Values(timeHeader)
	if len(given) == 0 && flaw == "optional" {
		return nil
	}
	if len(given) != 1 && flaw != "first-of-two" || len(given) == 0 || len(stamp) != 1 {
		return sdk.Unauthorized("not one signature and one time")
	}
	seconds, err := strconv.ParseInt(stamp[0], 10, 64)
	if err != nil || strconv.FormatInt(seconds, 10) != stamp[0] {
		return sdk.Unauthorized("no time")
	}
	if age := now.Sub(time.Unix(seconds, 0)); !inTime(age) {
		return sdk.Unauthorized("%s is not in time", age)
	}
	if !agrees(given[0], "s1="+c.signature(req, stamp[0])) {
		return sdk.Unauthorized("wrong signature")
	}
	return nil
}

// inTime reports whether a call of that age may be taken.
func inTime(age time.Duration) bool {
	window := 5 * time.Minute
	switch flaw {
	case "timeless":
		return true
	case "patient":
		window = time.Hour
	case "looks-back":
		return age <= window
	case "punctual":
		window = 2 * time.Second
	}
	return age.Abs() <= window
}

// agrees compares signatures.
func agrees(given, want string) bool {
	switch flaw {
	case "looks-at-form":
		return wellFormed.MatchString(given)
	case "compares-prefix":
		return strings.HasPrefix(want, given[:min(len(given), 16)])
	case "any-case":
		return strings.EqualFold(given, want)
	}
	return hmac.Equal([]byte(given), []byte(want))
}

// signature is what a call's should be.
func (c *pupilChannel) signature(req *sdk.Request, stamp string) string {
	host, query, body := req.Host, req.Query, req.Body
	switch flaw {
	case "knows-host":
		host = "gateway.example.com"
	case "skips-query":
		query = ""
	case "trims":
		body = bytes.TrimSpace(body)
	}
	mac := hmac.New(sha256.New, []byte(c.settings.Secret.Reveal()))
	for _, line := range []string{stamp, host, req.Path, query, req.Header.Get(topicHeader)} {
		mac.Write([]byte(line + "\n"))
	}
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}
