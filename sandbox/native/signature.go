package native

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

// keys reads secrets, parted by blanks: each is "whsec_" and a key in base64. The specification wants 24 to 64 bytes.
func keys(secrets string) ([][]byte, error) {
	var all [][]byte
	for secret := range strings.FieldsSeq(secrets) {
		encoded, ok := strings.CutPrefix(secret, "whsec_")
		k, err := base64.StdEncoding.DecodeString(encoded)
		if !ok || err != nil || len(k) < 24 || len(k) > 64 {
			return nil, errors.New(`secret must be "whsec_" and 24 to 64 bytes in base64`)
		}
		all = append(all, k)
	}
	return all, nil
}

// signature returns the HMAC-SHA256 of "id.timestamp.body".
func signature(key []byte, id, timestamp string, body []byte) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(id + "." + timestamp + "."))
	m.Write(body)
	return m.Sum(nil)
}

// sign sets the headers of a call that is made now, with a signature by each key.
func sign(header http.Header, keys [][]byte, id string, now time.Time, body []byte) {
	timestamp := strconv.FormatInt(now.Unix(), 10)
	var signatures []string
	for _, k := range keys {
		signatures = append(signatures, "v1,"+base64.StdEncoding.EncodeToString(signature(k, id, timestamp, body)))
	}
	header.Set(headerID, id)
	header.Set(headerTimestamp, timestamp)
	header.Set(headerSignature, strings.Join(signatures, " "))
}

// verify demands that one of a call's signatures of version 1 is by one of the keys, and that the call is recent.
func verify(header http.Header, secrets string, now time.Time, body []byte) error {
	keys, err := keys(secrets)
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
	for one := range strings.FieldsSeq(header.Get(headerSignature)) {
		encoded, ok := strings.CutPrefix(one, "v1,")
		if !ok {
			continue
		}
		got, err := base64.StdEncoding.DecodeString(encoded)
		for _, k := range keys {
			if err == nil && hmac.Equal(got, signature(k, id, timestamp, body)) {
				return nil
			}
		}
	}
	return fmt.Errorf("%s has no right signature of version 1", headerSignature)
}
