package main

import (
	"strings"
	"testing"
	"time"

	"patchbay/sdk"
)

// attack is a push without valid credentials. sign changes the signer, request changes the request, and header changes
// the complete Authorization header.
type attack struct {
	name    string
	changes map[string]any
	sign    func(*signer)
	header  func(string) string
	request func(*sdk.Request)
}

// segment returns a function that replaces one segment of an Authorization header.
func segment(i int, v string) func(string) string {
	return func(h string) string {
		seg := strings.Split(h, "/")
		seg[i] = v
		return strings.Join(seg, "/")
	}
}

func fixed(v string) func(string) string { return func(string) string { return v } }

func at(v string) func(*signer) { return func(s *signer) { s.time = v } }

func body(v string) func(*sdk.Request) { return func(r *sdk.Request) { r.Body = []byte(v) } }

var (
	zeros        = strings.Repeat("0", 64)
	vectorSig    = vectorHeader[len(vectorHeader)-64:]
	oneMoreByte  = vectorBody + " "
	bearerConfig = map[string]any{"verify": map[string]any{"mode": "bearer", "token": "shared-token"}}
)

var signatureAttacks = []attack{
	// No signature, or a different scheme.
	{name: "no header", request: func(r *sdk.Request) { r.Header.Del("Authorization") }},
	{name: "empty header", header: fixed("")},
	{name: "header of one space", header: fixed(" ")},
	{name: "bearer secret key", header: fixed("Bearer " + testSecretKey)},
	{name: "bearer anything", header: fixed("Bearer x")},
	{name: "basic", header: fixed("Basic eDp5")},
	{name: "two headers, the second good", request: func(r *sdk.Request) {
		r.Header["Authorization"] = []string{"x", r.Header.Get("Authorization")}
	}},
	{name: "two good headers", request: func(r *sdk.Request) {
		r.Header["Authorization"] = append(r.Header["Authorization"], r.Header.Get("Authorization"))
	}},
	{name: "in another header", request: func(r *sdk.Request) {
		r.Header.Set("X-Authorization", r.Header.Get("Authorization"))
		r.Header.Del("Authorization")
	}},
	{name: "in the query", request: func(r *sdk.Request) {
		r.Query = "Authorization=" + encode(r.Header.Get("Authorization"))
		r.Header.Del("Authorization")
	}},
	// Segments.
	{name: "scheme alone", header: fixed("auth-v2")},
	{name: "four segments as on AICC's page", header: func(h string) string { return h[:strings.LastIndex(h, "/")] }},
	{name: "six segments", header: func(h string) string { return h + "/x" }},
	{name: "slash at the end", header: func(h string) string { return h + "/" }},
	{name: "slash at the start", header: func(h string) string { return "/" + h }},
	{name: "only slashes", header: fixed("auth-v2////")},
	{name: "empty signature", header: segment(4, "")},
	{name: "empty access key", header: segment(1, ""), sign: func(s *signer) { s.accessKey = "" }},
	{name: "empty time", sign: at("")},
	{name: "empty signed headers", header: segment(3, "")},
	{name: "older version", header: segment(0, "auth-v1")},
	{name: "newer version", header: segment(0, "auth-v3")},
	{name: "version in upper case", header: segment(0, "AUTH-V2")},
	{name: "two schemes", header: func(h string) string { return "Bearer " + h }},
	{name: "leading space", header: func(h string) string { return " " + h }},
	{name: "trailing space", header: func(h string) string { return h + " " }},
	{name: "trailing NUL", header: func(h string) string { return h + "\x00" }},
	{name: "very long", header: func(h string) string { return h + strings.Repeat("0", 4096) }},
	// Signature.
	{name: "zeros", header: segment(4, zeros)},
	{name: "last digit changed", header: func(h string) string { return h[:len(h)-1] + "e" }},
	{name: "first digit changed", header: segment(4, "d"+vectorSig[1:])},
	{name: "one digit too few", header: func(h string) string { return h[:len(h)-1] }},
	{name: "one digit too many", header: func(h string) string { return h + "0" }},
	{name: "prefix of it", header: segment(4, vectorSig[:32])},
	{name: "twice", header: segment(4, vectorSig+vectorSig)},
	{name: "upper case", header: segment(4, strings.ToUpper(vectorSig))},
	{name: "base64 instead of hexadecimal", header: segment(4, "xjO2wF7F+RVyvtJFspWBRYSQyO1VrPnWuPuukCavin0=")},
	{name: "the signing key itself", header: segment(4, "28223abd21615cc0ae309fba9794c45ebbff020c459fb67fb2da087949af344d")},
	{name: "wildcard", header: segment(4, strings.Repeat("*", 64))},
	// Keys.
	{name: "another secret", sign: func(s *signer) { s.secret = "guess" }},
	{name: "empty secret", sign: func(s *signer) { s.secret = "" }},
	{name: "truncated secret", sign: func(s *signer) { s.secret = testSecretKey[:42] }},
	{name: "access key as secret", sign: func(s *signer) { s.secret = testAccessKey }},
	{name: "access key changed after signing", header: segment(1, "other")},
	{name: "access key in a different case", changes: map[string]any{"verify.access_key": testAccessKey},
		sign: func(s *signer) { s.accessKey = strings.ToUpper(testAccessKey) }},
	{name: "not the configured access key", changes: map[string]any{"verify.access_key": testAccessKey},
		sign: func(s *signer) { s.accessKey = "other" }},
	{name: "access key with a suffix", changes: map[string]any{"verify.access_key": testAccessKey},
		sign: func(s *signer) { s.accessKey = testAccessKey + "2" }},
	// The configured path (verify.path).
	{name: "the configured path with a suffix", changes: proxiedPath,
		sign: func(s *signer) { s.path = proxiedPath["verify.path"].(string) + "/" }},
	{name: "the configured path in a different case", changes: proxiedPath,
		sign: func(s *signer) { s.path = "/Chat" + pushPath }},
	{name: "the configured path with dot segments", changes: proxiedPath, sign: func(s *signer) { s.path = "/x/../chat" + pushPath }},
	{name: "a prefix of the configured path", changes: proxiedPath, sign: func(s *signer) { s.path = "/chat" }},
	{name: "the configured path and another secret", changes: proxiedPath,
		sign: func(s *signer) { s.path, s.secret = "/chat"+pushPath, "guess" }},
	{name: "a path that is not configured", sign: func(s *signer) { s.path = "/chat" + pushPath }},
	{name: "no path", sign: func(s *signer) { s.path = "" }},
	// Time.
	{name: "just too old", sign: at("2021-07-10T06:22:32Z")},
	{name: "just too early", sign: at("2021-07-10T06:32:34Z")},
	{name: "a year old", sign: at("2020-07-10T06:27:33Z")},
	{name: "far future", sign: at("9999-12-31T23:59:59Z")},
	{name: "1970", sign: at("0000000000000")},
	{name: "epoch seconds", sign: at("1625898453")},
	{name: "epoch microseconds", sign: at("1625898453913000")},
	{name: "negative", sign: at("-625898453913")},
	{name: "with an offset", sign: at("2021-07-10T08:27:33+02:00")},
	{name: "without a zone", sign: at("2021-07-10T06:27:33")},
	{name: "lower-case", sign: at("2021-07-10t06:27:33z")},
	{name: "with a space", sign: at("2021-07-10 06:27:33Z")},
	{name: "not a time", sign: at("now")},
	{name: "no such day", sign: at("2021-07-32T06:27:33Z")},
	{name: "time changed after signing", header: segment(2, "2021-07-10T06:27:34Z")},
	{name: "time in another form after signing", header: segment(2, "1625898453000")},
	// Signed headers.
	{name: "host not signed", sign: func(s *signer) {
		s.withoutHost, s.headers = true, map[string]string{"content-type": "application/json"}
	}},
	{name: "host removed from the list", header: segment(3, "content-type")},
	{name: "host in upper case", header: segment(3, "Host")},
	{name: "host twice", header: segment(3, "host;host")},
	{name: "semicolon at the end", header: segment(3, "host;")},
	{name: "space in the list", header: segment(3, "host; content-type")},
	{name: "header added to the list", header: segment(3, "content-type;host")},
	{name: "authorization in the list", header: segment(3, "authorization;host")},
	{name: "newline in the list", header: segment(3, "host\ncontent-type")},
	{name: "too many", header: segment(3, "host"+strings.Repeat(";x", 40))},
	{name: "signed header missing", sign: func(s *signer) { s.headers = map[string]string{"x-app": ""} }},
	{name: "signed header changed", sign: func(s *signer) { s.headers = map[string]string{"content-type": "text/plain"} }},
	{name: "signed header twice", sign: func(s *signer) { s.headers = map[string]string{"x-app": "1"} },
		request: func(r *sdk.Request) { r.Header["X-App"] = []string{"1", "2"} }},
	{name: "content-length of another body", sign: func(s *signer) { s.headers = map[string]string{"content-length": "1"} }},
	// Signed content.
	{name: "one more byte", request: body(oneMoreByte)},
	{name: "one byte fewer", request: body(vectorBody[:len(vectorBody)-1])},
	{name: "no body", request: body("")},
	{name: "same JSON, other bytes", request: body(`{"messages":[],"timestamp":1625898453913}`)},
	{name: "inserted message", request: body(`{"timestamp":1625898453913,"messages":[{}]}`)},
	{name: "percent-encoded body", request: body(encode(vectorBody))},
	{name: "body moved into a header", sign: func(s *signer) { s.body = "" }},
	{name: "other method", request: func(r *sdk.Request) { r.Method = "PUT" }},
	{name: "other path", request: func(r *sdk.Request) { r.Path, r.FullPath = "/webhooks/v1/other", "/webhooks/v1/other" }},
	{name: "path with a trailing slash", request: func(r *sdk.Request) { r.Path, r.FullPath = pushPath+"/", pushPath+"/" }},
	{name: "path with a different escaping", request: func(r *sdk.Request) {
		r.Path, r.FullPath = "/webhooks/v1/%6Dessages", "/webhooks/v1/%6Dessages"
	}},
	{name: "other prefix", sign: func(s *signer) { s.path = "/other" + pushPath },
		request: func(r *sdk.Request) { r.FullPath = "/desk" + pushPath }},
	{name: "query added", request: func(r *sdk.Request) { r.Query = "a=1" }},
	{name: "query removed", sign: func(s *signer) { s.query = "a=1" }},
	{name: "malformed query", request: func(r *sdk.Request) { r.Query = "a=%zz" }},
	{name: "other host", request: func(r *sdk.Request) { r.Host = "evil.example.com" }},
	{name: "no host", request: func(r *sdk.Request) { r.Host = "" }},
	{name: "host with a suffix", request: func(r *sdk.Request) { r.Host = "gw.example.com.evil.example" }},
	{name: "second Host header", request: func(r *sdk.Request) {
		r.Host = "evil.example.com"
		r.Header["Host"] = []string{"gw.example.com"}
	}},
	{name: "forwarded host", request: func(r *sdk.Request) {
		r.Host = "evil.example.com"
		r.Header.Set("X-Forwarded-Host", "gw.example.com")
	}},
	{name: "received host instead of the configured one", changes: map[string]any{"verify.host": "chat.example.com"}},
	// Two keys. Each is valid only with its access key.
	{name: "previous key after the change", sign: func(s *signer) { s.secret = previousKey }},
	{name: "neither key", changes: rotation, sign: func(s *signer) { s.secret = "guess" }},
	{name: "empty secret while two are taken", changes: rotation, sign: func(s *signer) { s.secret = "" }},
	{name: "both keys in one", changes: rotation, sign: func(s *signer) { s.secret = testSecretKey + previousKey }},
	{name: "previous key without its last letter", changes: rotation, sign: func(s *signer) { s.secret = previousKey[:42] }},
	{name: "current key, previous access key", changes: namedRotation, sign: func(s *signer) { s.accessKey = "previousAccessKey" }},
	{name: "previous key, current access key", changes: namedRotation, sign: func(s *signer) { s.secret = previousKey }},
	{name: "previous key, another access key", changes: namedRotation,
		sign: func(s *signer) { s.secret, s.accessKey = previousKey, "other" }},
	{name: "previous key, the only access key misspelt",
		changes: map[string]any{"verify.previous_secret_key": previousKey, "verify.access_key": testAccessKey},
		sign:    func(s *signer) { s.secret, s.accessKey = previousKey, "demoAccessKey02" }},
	{name: "previous key, too old", changes: rotation,
		sign: func(s *signer) { s.secret, s.time = previousKey, "2021-07-10T06:22:32Z" }},
	{name: "previous key, other body", changes: rotation, sign: func(s *signer) { s.secret = previousKey },
		request: body(oneMoreByte)},
	{name: "previous key, other host", changes: rotation, sign: func(s *signer) { s.secret = previousKey },
		request: func(r *sdk.Request) { r.Host = "evil.example.com" }},
	{name: "previous key, host not signed", changes: rotation, sign: func(s *signer) {
		s.secret, s.withoutHost, s.headers = previousKey, true, map[string]string{"content-type": "application/json"}
	}},
	{name: "previous key as bearer", changes: rotation, header: fixed("Bearer " + previousKey)},
	{name: "signed by one key, with the other's access key", changes: namedRotation, header: segment(1, "previousAccessKey")},
	{name: "forged signature while two keys are valid", changes: rotation, header: segment(4, strings.Repeat("f", 64))},
	// Hosts with ports.
	{name: "other port", sign: func(s *signer) { s.host = "gw.example.com:1" },
		request: func(r *sdk.Request) { r.Host = "gw.example.com:8443" }},
	{name: "port alone", sign: func(s *signer) { s.host = ":8443" },
		request: func(r *sdk.Request) { r.Host = "gw.example.com:8443" }},
	{name: "port added to the configured host", changes: map[string]any{"verify.host": "gw.example.com"},
		sign:    func(s *signer) { s.host = "gw.example.com:8443" },
		request: func(r *sdk.Request) { r.Host = "gw.example.com:8443" }},
	{name: "two hosts", sign: func(s *signer) { s.host = "gw.example.com" },
		request: func(r *sdk.Request) { r.Host = "evil.example.com, gw.example.com" }},
	{name: "host with a trailing dot", request: func(r *sdk.Request) { r.Host = "gw.example.com." }},
	{name: "host in a different case", request: func(r *sdk.Request) { r.Host = "GW.example.com" }},
	// Times in other formats.
	{name: "milliseconds too old", sign: at("2021-07-10T06:22:32.999Z")},
	{name: "epoch milliseconds too old", sign: at("1625898152999")},
	{name: "epoch milliseconds too early", sign: at("1625898753001")},
	{name: "epoch milliseconds with a sign", sign: at("+625898453913")},
	{name: "fraction of four digits", sign: at("2021-07-10T06:27:33.1234Z")},
	{name: "fraction after a comma", sign: at("2021-07-10T06:27:33,123Z")},
	{name: "leap second", sign: at("2021-07-10T06:27:60Z")},
	{name: "digits of another script", sign: at("１625898453913")},
	// Configuration.
	{name: "unknown channel on the path", request: func(r *sdk.Request) { r.Channels = []string{"desk", "unknown"} },
		header: segment(4, zeros)},
	{name: "signature for a bearer channel", changes: bearerConfig},
}

var bearerAttacks = []attack{
	{name: "no header", request: func(r *sdk.Request) { r.Header.Del("Authorization") }},
	{name: "no token", header: fixed("Bearer")},
	{name: "empty token", header: fixed("Bearer ")},
	{name: "wrong token", header: fixed("Bearer guess")},
	{name: "prefix of the token", header: fixed("Bearer shared-toke")},
	{name: "token with a suffix", header: fixed("Bearer shared-token2")},
	{name: "different case", header: fixed("Bearer SHARED-TOKEN")},
	{name: "token without a scheme", header: fixed("shared-token")},
	{name: "different scheme", header: fixed("Basic shared-token")},
	{name: "token twice", header: fixed("Bearer shared-token shared-token")},
	{name: "token in quotes", header: fixed(`Bearer "shared-token"`)},
	{name: "trailing NUL", header: fixed("Bearer shared-token\x00")},
	{name: "two headers", request: func(r *sdk.Request) {
		r.Header["Authorization"] = []string{"Bearer shared-token", "Bearer shared-token"}
	}},
	{name: "in the query", request: func(r *sdk.Request) {
		r.Query = "access_token=shared-token"
		r.Header.Del("Authorization")
	}},
	{name: "redacted", header: fixed("Bearer [redacted]")},
	{name: "previous token after the change", header: fixed("Bearer previous-token")},
	{name: "both tokens", changes: bearerRotation, header: fixed("Bearer shared-token,previous-token")},
	{name: "both tokens, separated by a space", changes: bearerRotation, header: fixed("Bearer shared-token previous-token")},
	{name: "prefix of the previous token", changes: bearerRotation, header: fixed("Bearer previous-toke")},
	{name: "previous token in other case", changes: bearerRotation, header: fixed("Bearer Previous-Token")},
	{name: "previous token of another scheme", changes: bearerRotation, header: fixed("Basic previous-token")},
	{name: "neither token", changes: bearerRotation, header: fixed("Bearer guess")},
	{name: "empty token while two are taken", changes: bearerRotation, header: fixed("Bearer ")},
	{name: "two headers, one token each", changes: bearerRotation, request: func(r *sdk.Request) {
		r.Header["Authorization"] = []string{"Bearer shared-token", "Bearer previous-token"}
	}},
	{name: "the push key of a signature", changes: map[string]any{"verify.mode": "bearer", "verify.token": "shared-token"},
		header: fixed("Bearer " + testSecretKey)},
	{name: "a good signature", changes: map[string]any{"verify.mode": "bearer", "verify.token": "shared-token"},
		header: func(h string) string { return h }},
}

// proxiedPath configures a channel behind a proxy that changes the path.
var proxiedPath = map[string]any{"verify.path": "/chat" + pushPath}

// bearerRotation configures a channel whose token is being replaced.
var bearerRotation = map[string]any{
	"verify": map[string]any{"mode": "bearer", "token": "shared-token", "previous_token": "previous-token"},
}

func TestForgedPushesAreRefused(t *testing.T) {
	n := len(signatureAttacks) + len(bearerAttacks)
	if n < 150 {
		t.Fatalf("%d attacks; want 150 or more", n)
	}
	t.Logf("%d attacks", n)
	for _, tt := range signatureAttacks {
		t.Run("signature/"+tt.name, func(t *testing.T) { checkRefused(t, tt) })
	}
	for _, tt := range bearerAttacks {
		if tt.changes == nil {
			tt.changes = bearerConfig
		}
		t.Run("bearer/"+tt.name, func(t *testing.T) {
			if tt.header == nil {
				tt.header = fixed("Bearer shared-token")
			}
			checkRefused(t, tt)
		})
	}
}

func checkRefused(t *testing.T, tt attack) {
	t.Helper()
	a := testAdapter(t, testChannel(t, "desk", tt.changes))
	s, req := vectorSigner(), vectorRequest()
	if tt.sign != nil {
		tt.sign(&s)
	}
	h := s.header()
	if tt.header != nil {
		h = tt.header(h)
	}
	req.Header["Authorization"] = []string{h}
	if tt.request != nil {
		tt.request(req)
	}
	r, err := a.Receive(t.Context(), req)
	if err == nil || r != nil || sdk.KindOf(err) != sdk.KindUnauthorized {
		t.Fatalf("Receive = %v, %v; want only an unauthorized error", r, err)
	}
	for _, secret := range []string{testSecretKey, previousKey, "shared-token", "previous-token"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("the error contains a secret: %v", err)
		}
	}
}

// The credentials of a channel are not valid for messages of another channel on the same path.
func TestCredentialsAreValidForOneChannel(t *testing.T) {
	other := testChannel(t, "other", map[string]any{"channel_id": otherChannel, "verify.secret_key": "another-key"})
	a := testAdapter(t, testChannel(t, "desk", nil), other)
	s, req := vectorSigner(), vectorRequest()
	req.Channels = []string{"desk", "other"}
	s.body = `{"messages":[{"from":"` + otherChannel + `","to":"u","controlType":"CHAT","mediaType":"TEXT",` +
		`"content":"x","sourceType":"AGENT","timestamp":1}]}`
	req.Body = []byte(s.body)
	for _, tt := range []struct{ secret, channel, kind string }{
		{testSecretKey, "desk", "unparsed"},
		{"another-key", "other", "message"},
	} {
		s.secret = tt.secret
		req.Header.Set("Authorization", s.header())
		r, err := a.Receive(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		if e := r.Envelopes[0]; e.Channel != tt.channel || string(e.Kind) != tt.kind {
			t.Errorf("key of %s: %s on channel %s; want %s", tt.channel, e.Kind, e.Channel, tt.kind)
		}
	}
}

func TestPushBeforeConfigureIsTransient(t *testing.T) {
	_, err := newAdapter().Receive(t.Context(), vectorRequest())
	if e := asTyped(err); e.Kind != sdk.KindTransient {
		t.Errorf("Receive = %v; want transient", err)
	}
}

func TestBearerTokensAreAccepted(t *testing.T) {
	a := testAdapter(t, testChannel(t, "desk", bearerRotation))
	a.now = func() time.Time { return time.Unix(0, 0) } // bearer tokens do not depend on the time
	req := vectorRequest()
	for _, h := range []string{"Bearer shared-token", "bearer shared-token", "Bearer previous-token"} {
		req.Header.Set("Authorization", h)
		if _, err := a.Receive(t.Context(), req); err != nil {
			t.Errorf("%s: %v", h, err)
		}
	}
}
