package native

import (
	"net/http"
	"time"
)

// SignatureHeaders returns the headers of Standard Webhooks for a call with that id and body that is made at now, with a
// signature by each of the secrets, which are parted by blanks.
func SignatureHeaders(secrets, id string, now time.Time, body []byte) (http.Header, error) {
	keys, err := keys(secrets)
	if err != nil {
		return nil, err
	}
	header := http.Header{}
	sign(header, keys, id, now, body)
	return header, nil
}
