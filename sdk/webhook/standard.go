package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Header fields of Standard Webhooks 1.0 ("Webhook headers"), in the form of http.Header.
const (
	HeaderID        = "Webhook-Id"        // the same in all attempts of one message
	HeaderTimestamp = "Webhook-Timestamp" // time of this attempt, in seconds since 1970
	HeaderSignature = "Webhook-Signature" // signatures, separated by spaces
)

// Limits of a symmetric secret by Standard Webhooks 1.0 ("Signature scheme"), and our limits of a call's header.
const (
	secretPrefix  = "whsec_"
	minKeyBytes   = 24
	maxKeyBytes   = 64
	maxIDBytes    = 256
	maxTimeDigits = 15
	maxSignatures = 32
)

// ErrSignature is wrapped by every error of Verify. The text of the wrapping error is for logs and must not be sent to
// the caller.
var ErrSignature = errors.New("signature is not accepted")

// SigningKey is a decoded secret of the symmetric scheme v1, HMAC-SHA256. It is never printed. The zero value signs and
// verifies nothing.
type SigningKey struct {
	// mac returns a new MAC. It is a function so that packages that print unexported fields by reflection show only an
	// address.
	mac func() hash.Hash
}

// ParseSigningKeys parses secrets of the form whsec_<base64>, separated by spaces. While a secret is being replaced,
// the new one is the first. An empty text gives no keys. Errors do not repeat the input.
func ParseSigningKeys(secrets string) ([]SigningKey, error) {
	var keys []SigningKey
	for secret := range strings.FieldsSeq(secrets) {
		encoded, ok := strings.CutPrefix(secret, secretPrefix)
		if !ok {
			return nil, fmt.Errorf("secret %d does not begin with %s", len(keys)+1, secretPrefix)
		}
		key, err := base64.StdEncoding.Strict().DecodeString(encoded)
		if err != nil {
			return nil, fmt.Errorf("secret %d is not padded base64 (RFC 4648 section 4) after %s",
				len(keys)+1, secretPrefix)
		}
		if len(key) < minKeyBytes || len(key) > maxKeyBytes {
			return nil, fmt.Errorf("secret %d has %d decoded bytes, want %d to %d",
				len(keys)+1, len(key), minKeyBytes, maxKeyBytes)
		}
		keys = append(keys, SigningKey{mac: func() hash.Hash { return hmac.New(sha256.New, key) }})
	}
	return keys, nil
}

// Format writes "[redacted]" for every verb and flag.
func (k SigningKey) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[redacted]") }

// Sign sets the three header fields of Standard Webhooks for a body. There must be at least one key; the signatures are
// in the order of the keys. The id must have 1 to 256 visible ASCII characters without a full stop, so that the
// boundaries between id, time and body are unambiguous.
func Sign(h http.Header, id string, at time.Time, body []byte, keys []SigningKey) error {
	if problem := idProblem(id); problem != "" {
		return fmt.Errorf("sign webhook: the id %s", problem)
	}
	if at.Unix() < 0 {
		return fmt.Errorf("sign webhook: the time is before 1970")
	}
	stamp := strconv.FormatInt(at.Unix(), 10)
	var signatures []string
	for _, k := range keys {
		if k.mac != nil {
			signatures = append(signatures, k.signature(id, stamp, body))
		}
	}
	if len(signatures) == 0 {
		return errors.New("sign webhook: no key")
	}
	h.Set(HeaderID, id)
	h.Set(HeaderTimestamp, stamp)
	h.Set(HeaderSignature, strings.Join(signatures, " "))
	return nil
}

// Verify verifies a call signed according to Standard Webhooks, and returns its id, which is the same in each
// repetition of the call. Each of the three header fields must occur once. At least one signature of version v1 must be
// made by one of the keys; other versions are ignored. The timestamp must not differ from now by more than window, in
// either direction. Signatures are compared in constant time, before the timestamp is checked. Every error wraps
// ErrSignature.
func Verify(h http.Header, body []byte, keys []SigningKey, now time.Time, window time.Duration) (id string, err error) {
	var fields [3]string
	for i, name := range [...]string{HeaderID, HeaderTimestamp, HeaderSignature} {
		values := h.Values(name)
		if len(values) != 1 || values[0] == "" {
			return "", fmt.Errorf("%w: %s is missing or given more than once", ErrSignature, name)
		}
		fields[i] = values[0]
	}
	id, stamp, presented := fields[0], fields[1], fields[2]
	if problem := idProblem(id); problem != "" {
		return "", fmt.Errorf("%w: %s %s", ErrSignature, HeaderID, problem)
	}
	seconds, ok := parseSeconds(stamp)
	if !ok {
		return "", fmt.Errorf("%w: %s is not a number of seconds", ErrSignature, HeaderTimestamp)
	}
	if strings.Count(presented, " ") >= maxSignatures {
		return "", fmt.Errorf("%w: more than %d signatures", ErrSignature, maxSignatures)
	}
	matches := 0
	for _, k := range keys {
		if k.mac == nil {
			continue
		}
		genuine := []byte(k.signature(id, stamp, body))
		for one := range strings.SplitSeq(presented, " ") {
			matches |= subtle.ConstantTimeCompare([]byte(one), genuine)
		}
	}
	if matches != 1 {
		return "", fmt.Errorf("%w: no signature matches", ErrSignature)
	}
	if !WithinWindow(time.Unix(seconds, 0), now, window) {
		return "", fmt.Errorf("%w: %s is more than %v from the gateway's clock", ErrSignature, HeaderTimestamp, window)
	}
	return id, nil
}

// signature returns one element of the signature header. Verify compares it as text, so that other base64 spellings of
// the same bytes are refused.
func (k SigningKey) signature(id, stamp string, body []byte) string {
	mac := k.mac()
	mac.Write([]byte(id + "." + stamp + "."))
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// idProblem returns the problem of a message id, or "".
func idProblem(id string) string {
	if id == "" || len(id) > maxIDBytes {
		return fmt.Sprintf("has %d bytes; 1 to %d are allowed", len(id), maxIDBytes)
	}
	if strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' || r == '.' }) {
		return "has a full stop, or a character that is not visible ASCII"
	}
	return ""
}

// parseSeconds parses decimal digits without a sign.
func parseSeconds(s string) (int64, bool) {
	if len(s) > maxTimeDigits || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}
