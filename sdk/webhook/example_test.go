package webhook_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"patchbay/sdk/webhook"
)

// verifyHMAC verifies a call of a vendor that signs "TIME.BODY" with HMAC-SHA256, in hexadecimal. TIME is in seconds.
func verifyHMAC(h http.Header, body []byte, secret string, now time.Time) bool {
	stamps, signatures := h.Values("X-Time"), h.Values("X-Signature")
	if len(stamps) != 1 || len(signatures) != 1 || secret == "" {
		return false
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(stamps[0] + "."))
	mac.Write(body)
	seconds, err := strconv.ParseInt(stamps[0], 10, 64)
	return webhook.Equal(signatures[0], hex.EncodeToString(mac.Sum(nil))) && err == nil &&
		webhook.WithinWindow(time.Unix(seconds, 0), now, 5*time.Minute)
}

// Many vendors sign the time and the body with HMAC-SHA256 and send the signature in hexadecimal.
func ExampleWithinWindow() {
	body := []byte(`{"text":"Hello"}`)
	sent := time.Unix(1700000000, 0)
	h := http.Header{}
	h.Set("X-Time", "1700000000")
	h.Set("X-Signature", "e53f9e2cfd54223ff6a46405c86a7aaacdb6d9828e208a7200f671294995457e")

	fmt.Println("genuine:", verifyHMAC(h, body, "shop-secret", sent.Add(time.Minute)))
	fmt.Println("repeated later:", verifyHMAC(h, body, "shop-secret", sent.Add(time.Hour)))
	fmt.Println("other body:", verifyHMAC(h, []byte(`{"text":"Bye"}`), "shop-secret", sent))
	fmt.Println("other secret:", verifyHMAC(h, body, "other-secret", sent))
	// Output:
	// genuine: true
	// repeated later: false
	// other body: false
	// other secret: false
}
