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

// SignatureHeaders returns the headers of the Standard Webhooks specification, version 1, for a call at time now. Each
// of the space-separated secrets is "whsec_" and a key of 24 to 64 bytes in base64. The signature is the HMAC-SHA256 of
// "id.timestamp.body", one for each key.
func SignatureHeaders(secrets, id string, now time.Time, body []byte) (http.Header, error) {
	timestamp := strconv.FormatInt(now.Unix(), 10)
	var signatures []string
	for secret := range strings.FieldsSeq(secrets) {
		encoded, ok := strings.CutPrefix(secret, "whsec_")
		key, err := base64.StdEncoding.DecodeString(encoded)
		if !ok || err != nil || len(key) < 24 || len(key) > 64 {
			return nil, errors.New(`secret must be "whsec_" and 24 to 64 bytes in base64`)
		}
		m := hmac.New(sha256.New, key)
		m.Write([]byte(id + "." + timestamp + "."))
		m.Write(body)
		signatures = append(signatures, "v1,"+base64.StdEncoding.EncodeToString(m.Sum(nil)))
	}
	return http.Header{
		"Webhook-Id": {id}, "Webhook-Timestamp": {timestamp}, "Webhook-Signature": {strings.Join(signatures, " ")},
	}, nil
}
