package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The test vector of the Standard Webhooks reference libraries.
const (
	vectorSecret    = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	vectorID        = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	vectorTime      = 1614265330
	vectorBody      = `{"test": 2432232314}`
	vectorSignature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
)

// A second secret, of 32 bytes.
const otherSecret = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

func keys(t testing.TB, secrets ...string) []SigningKey {
	t.Helper()
	parsed, err := ParseSigningKeys(strings.Join(secrets, " "))
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// vector returns the header of the test vector with replaced fields. A field without values is removed.
func vector(replace http.Header) http.Header {
	h := http.Header{HeaderID: {vectorID}, HeaderTimestamp: {fmt.Sprint(vectorTime)}, HeaderSignature: {vectorSignature}}
	for name, values := range replace {
		h[name] = values
	}
	return h
}

func TestSignMatchesTheReferenceVector(t *testing.T) {
	h := http.Header{HeaderSignature: {"old", "older"}}
	if err := Sign(h, vectorID, time.Unix(vectorTime, 999), []byte(vectorBody), keys(t, vectorSecret)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(vector(nil), h); diff != "" {
		t.Errorf("header (-want +got):\n%s", diff)
	}
}

func TestSignRefusesInvalidInput(t *testing.T) {
	good := keys(t, vectorSecret)
	for name, tc := range map[string]struct {
		id   string
		at   int64
		keys []SigningKey
	}{
		"no key":             {vectorID, vectorTime, nil},
		"zero key":           {vectorID, vectorTime, []SigningKey{{}}},
		"no id":              {"", vectorTime, good},
		"id with full stop":  {"a.1", vectorTime, good},
		"id with space":      {"a 1", vectorTime, good},
		"id with line break": {"a\r\nx: y", vectorTime, good},
		"id not ASCII":       {"ä", vectorTime, good},
		"id too long":        {strings.Repeat("x", 257), vectorTime, good},
		"time before 1970":   {vectorID, -1, good},
		"zero keys":          {vectorID, vectorTime, make([]SigningKey, 3)},
	} {
		t.Run(name, func(t *testing.T) {
			h := http.Header{}
			if err := Sign(h, tc.id, time.Unix(tc.at, 0), []byte("{}"), tc.keys); err == nil || len(h) > 0 {
				t.Errorf("signed, header %v, error %v", h, err)
			}
		})
	}
}

func TestVerify(t *testing.T) {
	at := time.Unix(vectorTime, 0)
	mac := func(id, stamp, body string) string {
		return genuine(t, vectorSecret, id, stamp, body)
	}
	tests := []struct {
		name   string
		header http.Header
		body   string // "" is the vector's
		keys   []SigningKey
		now    time.Time // zero is the vector's
		ok     bool
	}{
		{name: "vector", ok: true},
		{name: "at the end of the window", now: at.Add(5 * time.Minute), ok: true},
		{name: "clock behind, at the end of the window", now: at.Add(-5 * time.Minute), ok: true},
		{name: "after a wrong signature", header: http.Header{HeaderSignature: {"v1,AAAA " + vectorSignature}}, ok: true},
		{name: "before one of another version", header: http.Header{HeaderSignature: {vectorSignature + " v1a,AAAA"}}, ok: true},
		{name: "spaces around", header: http.Header{HeaderSignature: {"  " + vectorSignature + " "}}, ok: true},
		{name: "new secret and the earlier one", keys: keys(t, otherSecret, vectorSecret), ok: true},
		{name: "zero key and the secret", keys: append([]SigningKey{{}}, keys(t, vectorSecret)...), ok: true},

		{name: "too old", now: at.Add(5*time.Minute + time.Second)},
		{name: "too early", now: at.Add(-5*time.Minute - time.Second)},
		{name: "no keys", keys: []SigningKey{}},
		{name: "zero key", keys: []SigningKey{{}}},
		{name: "another secret", keys: keys(t, otherSecret)},
		{name: "another body", body: `{"test": 2432232315}`},
		{name: "body with a space appended", body: vectorBody + " "},
		{name: "another id", header: http.Header{HeaderID: {"msg_other"}}},
		{name: "another time", header: http.Header{HeaderTimestamp: {fmt.Sprint(vectorTime + 1)}}},
		{name: "no id", header: http.Header{HeaderID: nil}},
		{name: "no time", header: http.Header{HeaderTimestamp: nil}},
		{name: "no signature", header: http.Header{HeaderSignature: nil}},
		{name: "empty signature", header: http.Header{HeaderSignature: {""}}},
		{name: "blank signature", header: http.Header{HeaderSignature: {" "}}},
		{name: "id twice", header: http.Header{HeaderID: {vectorID, vectorID}}},
		{name: "time twice", header: http.Header{HeaderTimestamp: {fmt.Sprint(vectorTime), fmt.Sprint(vectorTime)}}},
		{name: "signature twice", header: http.Header{HeaderSignature: {vectorSignature, vectorSignature}}},
		{name: "no version", header: http.Header{HeaderSignature: {strings.TrimPrefix(vectorSignature, "v1,")}}},
		{name: "version in upper case", header: http.Header{HeaderSignature: {"V1" + vectorSignature[2:]}}},
		{name: "other version", header: http.Header{HeaderSignature: {"v2" + vectorSignature[2:]}}},
		{name: "asymmetric version", header: http.Header{HeaderSignature: {"v1a" + vectorSignature[2:]}}},
		{name: "truncated", header: http.Header{HeaderSignature: {vectorSignature[:len(vectorSignature)-4]}}},
		{name: "without padding", header: http.Header{HeaderSignature: {strings.TrimRight(vectorSignature, "=")}}},
		{name: "other bits in the padding", header: http.Header{HeaderSignature: {strings.Replace(vectorSignature, "OE=", "OF=", 1)}}},
		{name: "comma instead of a space", header: http.Header{HeaderSignature: {"v1,AAAA," + vectorSignature}}},
		{name: "tab instead of a space", header: http.Header{HeaderSignature: {"v1,AAAA\t" + vectorSignature}}},
		{name: "too many signatures", header: http.Header{HeaderSignature: {strings.Repeat("v1,AAAA ", 32) + vectorSignature}}},
		{name: "in base64url", header: http.Header{HeaderSignature: {strings.NewReplacer("+", "-", "/", "_").Replace(vectorSignature)}}},
		{name: "in hex", header: http.Header{HeaderSignature: {"v1," + inHex(t, vectorSignature)}}},
		{name: "SHA-512", header: http.Header{HeaderSignature: {sha512Signature(t)}}},
		{name: "keyed with the text of the secret", header: http.Header{HeaderSignature: {textSignature()}}},
		{name: "boundary moved to the left", header: http.Header{HeaderID: {"msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330"},
			HeaderTimestamp: {"5"}, HeaderSignature: {mac(vectorID, fmt.Sprint(vectorTime), "5."+vectorBody)}}},
		{name: "time with a sign", header: http.Header{HeaderTimestamp: {"+1614265330"},
			HeaderSignature: {mac(vectorID, "+1614265330", vectorBody)}}},
		{name: "time with a fraction", header: http.Header{HeaderTimestamp: {"1614265330.0"},
			HeaderSignature: {mac(vectorID, "1614265330.0", vectorBody)}}},
		{name: "time with a space", header: http.Header{HeaderTimestamp: {" 1614265330"},
			HeaderSignature: {mac(vectorID, " 1614265330", vectorBody)}}},
		{name: "time in hex", header: http.Header{HeaderTimestamp: {"0x6037BBF2"},
			HeaderSignature: {mac(vectorID, "0x6037BBF2", vectorBody)}}},
		{name: "time in milliseconds", header: http.Header{HeaderTimestamp: {"1614265330000"},
			HeaderSignature: {mac(vectorID, "1614265330000", vectorBody)}}},
		{name: "time out of range", header: http.Header{HeaderTimestamp: {strings.Repeat("9", 30)},
			HeaderSignature: {mac(vectorID, strings.Repeat("9", 30), vectorBody)}}},
		{name: "time in other digits", header: http.Header{HeaderTimestamp: {"١٦١٤٢٦٥٣٣٠"},
			HeaderSignature: {mac(vectorID, "١٦١٤٢٦٥٣٣٠", vectorBody)}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			body, ks, now := tt.body, tt.keys, tt.now
			if body == "" {
				body = vectorBody
			}
			if ks == nil {
				ks = keys(t, vectorSecret)
			}
			if now.IsZero() {
				now = at
			}
			id, err := Verify(vector(tt.header), []byte(body), ks, now, 5*time.Minute)
			switch {
			case tt.ok && (err != nil || id != vectorID):
				t.Errorf("got %q, %v; want %q", id, err, vectorID)
			case !tt.ok && (!errors.Is(err, ErrSignature) || id != ""):
				t.Errorf("got %q, %v; want ErrSignature", id, err)
			}
		})
	}
}

// genuine computes a signature independently of the package.
func genuine(t testing.TB, secret, id, stamp, body string) string {
	t.Helper()
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.%s", id, stamp, body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func inHex(t *testing.T, signature string) string {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(signature, "v1,"))
	if err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(raw)
}

func sha512Signature(t *testing.T) string {
	t.Helper()
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(vectorSecret, "whsec_"))
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha512.New, key)
	fmt.Fprintf(mac, "%s.%d.%s", vectorID, vectorTime, vectorBody)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func textSignature() string {
	mac := hmac.New(sha256.New, []byte(vectorSecret))
	fmt.Fprintf(mac, "%s.%d.%s", vectorID, vectorTime, vectorBody)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func TestParseSigningKeys(t *testing.T) {
	const visible = "c2VjcmV0IHdvcmRzIHRoYXQgbm9ib2R5IHNlZXM="
	for name, tc := range map[string]struct {
		secrets string
		count   int
		bad     bool
	}{
		"none":                {"", 0, false},
		"blank":               {"  ", 0, false},
		"one":                 {vectorSecret, 1, false},
		"two":                 {otherSecret + " " + vectorSecret, 2, false},
		"line breaks between": {otherSecret + "\n" + vectorSecret + "\n", 2, false},
		"no prefix":           {visible, 0, true},
		"public key":          {"whpk_" + visible, 0, true},
		"prefix alone":        {"whsec_", 0, true},
		"not base64":          {"whsec_secret-that-must-not-leak!", 0, true},
		"no padding":          {"whsec_" + strings.TrimRight(visible, "="), 0, true},
		"23 bytes":            {"whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 23)), 0, true},
		"24 bytes":            {"whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 24)), 1, false},
		"64 bytes":            {"whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 64)), 1, false},
		"65 bytes":            {"whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 65)), 0, true},
		"second is bad":       {vectorSecret + " whsec_x", 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ParseSigningKeys(tc.secrets)
			if len(got) != tc.count || (err != nil) != tc.bad {
				t.Errorf("got %d keys, error %v", len(got), err)
			}
			if err != nil && (strings.Contains(err.Error(), visible[:8]) || strings.Contains(err.Error(), "must-not")) {
				t.Errorf("%v repeats the secret", err)
			}
		})
	}
}

func TestSigningKeyIsNeverPrinted(t *testing.T) {
	ks := keys(t, vectorSecret)
	raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(vectorSecret, "whsec_"))
	if err != nil {
		t.Fatal(err)
	}
	nested := struct{ inner []SigningKey }{ks}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		out := fmt.Sprintf(verb, ks) + fmt.Sprintf(verb, nested) + fmt.Sprintf(verb, &nested)
		for _, leak := range []string{string(raw), hex.EncodeToString(raw), strings.Trim(fmt.Sprint(raw[:4]), "[]"), vectorSecret[6:]} {
			if strings.Contains(out, leak) {
				t.Errorf("%s prints the key: %s", verb, out)
			}
		}
	}
}

// FuzzVerify checks that an accepted call has a valid signature, unambiguous boundaries of id, time and body, and a
// time in the window. A call that Sign has signed must be accepted, and refused after a change of the body.
func FuzzVerify(f *testing.F) {
	f.Add(vectorID, fmt.Sprint(vectorTime), vectorSignature, []byte(vectorBody))
	f.Add(vectorID, fmt.Sprint(vectorTime), "v1,AAAA "+vectorSignature, []byte(vectorBody))
	f.Add("a.1", "2", "v1,", []byte(""))
	f.Add("id", "-1", "v1a,x v1,y", []byte("{}"))
	const window = 5 * time.Minute
	now := time.Unix(vectorTime, 0)
	ks := keys(f, otherSecret, vectorSecret)
	f.Fuzz(func(t *testing.T, id, stamp, signature string, body []byte) {
		h := http.Header{HeaderID: {id}, HeaderTimestamp: {stamp}, HeaderSignature: {signature}}
		if got, err := Verify(h, body, ks, now, window); err == nil {
			presented := strings.Split(signature, " ")
			if !slices.Contains(presented, genuine(t, vectorSecret, id, stamp, string(body))) &&
				!slices.Contains(presented, genuine(t, otherSecret, id, stamp, string(body))) {
				t.Fatalf("accepted without a signature: %q", signature)
			}
			if got != id || strings.Contains(id, ".") {
				t.Fatalf("accepted id %q as %q", id, got)
			}
		} else if !errors.Is(err, ErrSignature) || got != "" {
			t.Fatalf("got %q, %v", got, err)
		}
		signed := http.Header{}
		if err := Sign(signed, id, now.Add(-window), body, ks); err != nil {
			return
		}
		if got, err := Verify(signed, body, ks[1:], now, window); err != nil || got != id {
			t.Fatalf("a signed call is refused: %q, %v", got, err)
		}
		if _, err := Verify(signed, append(slices.Clone(body), '.'), ks, now, window); err == nil {
			t.Fatal("another body is accepted")
		}
		if _, err := Verify(signed, body, ks, now.Add(time.Second), window); err == nil {
			t.Fatal("an old call is accepted")
		}
	})
}
