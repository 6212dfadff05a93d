package native

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// keys reads secrets of Standard Webhooks, separated by spaces: each is "whsec_" and a key of 24 to 64 bytes in base64.
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

// sign sets the headers of the Standard Webhooks specification, version 1: the signature is the HMAC-SHA256 of
// "id.timestamp.body", one for each key.
func sign(header http.Header, keys [][]byte, id string, now time.Time, body []byte) {
	timestamp := strconv.FormatInt(now.Unix(), 10)
	var signatures []string
	for _, k := range keys {
		m := hmac.New(sha256.New, k)
		m.Write([]byte(id + "." + timestamp + "."))
		m.Write(body)
		signatures = append(signatures, "v1,"+base64.StdEncoding.EncodeToString(m.Sum(nil)))
	}
	header.Set("Webhook-Id", id)
	header.Set("Webhook-Timestamp", timestamp)
	header.Set("Webhook-Signature", strings.Join(signatures, " "))
}

// SignatureHeaders returns the headers of Standard Webhooks for a call at time now. It signs with each of the
// space-separated secrets.
func SignatureHeaders(secrets, id string, now time.Time, body []byte) (http.Header, error) {
	keys, err := keys(secrets)
	if err != nil {
		return nil, err
	}
	header := http.Header{}
	sign(header, keys, id, now, body)
	return header, nil
}
