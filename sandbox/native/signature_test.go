package native

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"
)

// The example of the specification's own libraries.
const (
	exampleSecret    = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	exampleID        = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	exampleBody      = `{"test": 2432232314}`
	exampleSignature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
)

// otherSecret has a key of zeros.
var otherSecret = "whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 24))

var exampleTime = time.Unix(1614265330, 0)

func TestSignMatchesTheSpecification(t *testing.T) {
	k, err := keys(exampleSecret)
	if err != nil {
		t.Fatal(err)
	}
	header := http.Header{}
	sign(header, k, exampleID, exampleTime.Add(999*time.Millisecond), []byte(exampleBody))
	for name, want := range map[string]string{
		"webhook-id": exampleID, "webhook-timestamp": "1614265330", "webhook-signature": exampleSignature,
	} {
		if got := header.Get(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
}

func TestSignByTwoKeys(t *testing.T) {
	k, err := keys(otherSecret + " " + exampleSecret)
	if err != nil {
		t.Fatal(err)
	}
	header := http.Header{}
	sign(header, k, exampleID, exampleTime, []byte(exampleBody))
	for _, secret := range []string{otherSecret, exampleSecret} {
		if err := verify(header, secret, exampleTime, []byte(exampleBody)); err != nil {
			t.Error(err)
		}
	}
}

func TestVerify(t *testing.T) {
	const other = "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="
	tests := []struct {
		name                               string
		id, timestamp, signature, body, by string // "" means the example's
		after                              time.Duration
		want                               string // in the error, "" for none
	}{
		{name: "example"},
		{name: "at the edge", after: tolerance},
		{name: "by one of two keys", by: otherSecret + " " + exampleSecret},
		{name: "among others", signature: "v1a,xx " + other + " " + exampleSignature},
		{name: "too old", after: tolerance + time.Second, want: "from now"},
		{name: "from the future", after: -tolerance - time.Second, want: "from now"},
		{name: "another time", timestamp: "1614265331", want: "no right signature"},
		{name: "no time", timestamp: "soon", want: "Unix seconds"},
		{name: "another id", id: "msg_1", want: "no right signature"},
		{name: "no id", id: " ", want: "must not be empty"},
		{name: "full stop in the id", id: "a.b", want: "full stop"},
		{name: "another body", body: `{"test":2432232314}`, want: "no right signature"},
		{name: "another key", by: otherSecret, want: "no right signature"},
		{name: "no signature", signature: " ", want: "no right signature"},
		{name: "another version", signature: "v2" + exampleSignature[2:], want: "no right signature"},
		{name: "without version", signature: exampleSignature[3:], want: "no right signature"},
		{name: "no base64", signature: "v1,%%", want: "no right signature"},
		{name: "short key", by: "whsec_AAAA", want: "secret must be"},
		{name: "key without prefix", by: exampleSecret[6:], want: "secret must be"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			or := func(s, example string) string {
				if s == "" {
					return example
				}
				return strings.TrimSpace(s)
			}
			header := http.Header{}
			header.Set("webhook-id", or(tt.id, exampleID))
			header.Set("webhook-timestamp", or(tt.timestamp, "1614265330"))
			header.Set("webhook-signature", or(tt.signature, exampleSignature))
			err := verify(header, or(tt.by, exampleSecret), exampleTime.Add(tt.after), []byte(or(tt.body, exampleBody)))
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("err = %v, want one about %q", err, tt.want)
			}
		})
	}
}
