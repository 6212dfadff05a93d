package native

import (
	"testing"
	"time"
)

// The example of the reference libraries of Standard Webhooks.
const (
	exampleSecret    = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	exampleID        = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	exampleBody      = `{"test": 2432232314}`
	exampleSignature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
)

var exampleTime = time.Unix(1614265330, 0)

func TestSignMatchesTheSpecification(t *testing.T) {
	header, err := SignatureHeaders(exampleSecret, exampleID, exampleTime.Add(999*time.Millisecond), []byte(exampleBody))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"webhook-id": exampleID, "webhook-timestamp": "1614265330", "webhook-signature": exampleSignature,
	} {
		if got := header.Get(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
}

func TestUnusableSecretsAreRefused(t *testing.T) {
	for _, secrets := range []string{"whsec_AAAA", exampleSecret[6:], exampleSecret + " x"} {
		if _, err := SignatureHeaders(secrets, "m", exampleTime, nil); err == nil {
			t.Errorf("SignatureHeaders accepts the secrets %q", secrets)
		}
	}
}
