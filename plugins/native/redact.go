package main

import (
	"bytes"
	"io"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"patchbay/sdk/envelope"
)

// credentialMembers are the lower-case names of members whose values are redacted.
var credentialMembers = map[string]bool{
	"accesstoken": true, "access_token": true, "authorization": true, "password": true, "secret": true, "token": true,
}

// redact returns the JSON of an unparsed body without credentials, cut to the limit of Raw. It returns nil if the
// body is not JSON.
func redact(body []byte) []byte {
	var out bytes.Buffer
	dec := jsontext.NewDecoder(bytes.NewReader(body), jsontext.AllowInvalidUTF8(true)) // DecodeJSON accepts lone surrogates
	enc := jsontext.NewEncoder(&out, jsontext.AllowInvalidUTF8(true))
	for {
		secret := false
		if kind, length := dec.StackIndex(dec.StackDepth()); kind == '{' && length%2 == 1 {
			p := dec.StackPointer()
			secret = credentialMembers[strings.ToLower(p.LastToken())]
		}
		if secret {
			if dec.SkipValue() != nil || enc.WriteToken(jsontext.String("[redacted]")) != nil {
				return nil
			}
			continue
		}
		token, err := dec.ReadToken()
		if err == io.EOF {
			break
		}
		if err != nil || enc.WriteToken(token) != nil {
			return nil
		}
	}
	raw := bytes.TrimSpace(out.Bytes())
	return raw[:min(len(raw), envelope.MaxRawBytes)]
}
