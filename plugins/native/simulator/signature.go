package simulator

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Headers of the Standard Webhooks specification, version 1.
const (
	headerID        = "Webhook-Id"
	headerTimestamp = "Webhook-Timestamp" // Unix seconds
	headerSignature = "Webhook-Signature" // "v1," and base64; several are parted by blanks
)

// tolerance is how far a call's time may be from ours, in both directions.
const tolerance = 5 * time.Minute

// key reads a secret: "whsec_" and the key in base64. The specification wants 24 to 64 bytes.
func key(secret string) ([]byte, error) {
	encoded, ok := strings.CutPrefix(secret, "whsec_")
	k, err := base64.StdEncoding.DecodeString(encoded)
	if !ok || err != nil || len(k) < 24 || len(k) > 64 {
		return nil, errors.New(`secret must be "whsec_" and 24 to 64 bytes in base64`)
	}
	return k, nil
}

// signature returns the HMAC-SHA256 of "id.timestamp.body".
func signature(key []byte, id, timestamp string, body []byte) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(id + "." + timestamp + "."))
	m.Write(body)
	return m.Sum(nil)
}

// sign sets the headers of a call that is made now.
func sign(header http.Header, key []byte, id string, now time.Time, body []byte) {
	timestamp := strconv.FormatInt(now.Unix(), 10)
	header.Set(headerID, id)
	header.Set(headerTimestamp, timestamp)
	header.Set(headerSignature, "v1,"+base64.StdEncoding.EncodeToString(signature(key, id, timestamp, body)))
}

// verify demands that one of a call's signatures of version 1 is right and that the call is recent.
func verify(header http.Header, secret string, now time.Time, body []byte) error {
	k, err := key(secret)
	if err != nil {
		return err
	}
	id, timestamp := header.Get(headerID), header.Get(headerTimestamp)
	if id == "" || strings.Contains(id, ".") {
		return fmt.Errorf("%s %q, must not be empty nor have a full stop", headerID, id)
	}
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil {
		return fmt.Errorf("%s %q, must be Unix seconds", headerTimestamp, timestamp)
	}
	if age := now.Sub(time.Unix(seconds, 0)); age > tolerance || age < -tolerance {
		return fmt.Errorf("%s is %s from now, must be at most %s", headerTimestamp, age, tolerance)
	}
	want := signature(k, id, timestamp, body)
	for one := range strings.FieldsSeq(header.Get(headerSignature)) {
		encoded, ok := strings.CutPrefix(one, "v1,")
		if !ok {
			continue
		}
		if got, err := base64.StdEncoding.DecodeString(encoded); err == nil && hmac.Equal(got, want) {
			return nil
		}
	}
	return fmt.Errorf("%s has no right signature of version 1", headerSignature)
}
