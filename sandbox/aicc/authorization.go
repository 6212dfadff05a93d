package aicc

// Authorization returns the Authorization header of a push that is made at timestamp, which goes in as it is. Names of the
// signed headers must be lower-case. A query, if the address has one, is a second line of path: its pairs, encoded and
// sorted.
func Authorization(accessKey, secretKey, method, path, timestamp string, headers map[string]string, body []byte) string {
	return signer{accessKey: accessKey, secretKey: secretKey}.authorization(method, path, timestamp, headers, body)
}
