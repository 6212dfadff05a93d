package aicc

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
)

func TestSignatureVector(t *testing.T) {
	// The vector was computed with the signing classes of the vendor's demo.
	got := Authorization("demoAccessKey01", pushKey, "POST", "/webhooks/v1/messages", "2021-07-10T06:27:33Z",
		map[string]string{"host": "gw.example.com"}, []byte(`{"timestamp":1625898453913,"messages":[]}`))
	const want = "auth-v2/demoAccessKey01/2021-07-10T06:27:33Z/host/" +
		"c633b6c05ec5f91572bed245b29581458490c8ed55ac09bb4fae6bae9028af7d"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestSignatureOptions(t *testing.T) {
	headers := []string{"content-length", "content-type", "host"}
	for name, tt := range map[string]struct {
		change      func(*Options)
		stamp, host string
		signed      []string
	}{
		"seconds":           {func(*Options) {}, start, "gateway:8080", headers[2:]},
		"milliseconds":      {func(o *Options) { o.Stamp = StampMillis }, "2000-01-01T00:00:00.000Z", "gateway:8080", headers[2:]},
		"epoch":             {func(o *Options) { o.Stamp = StampEpoch }, "946684800000", "gateway:8080", headers[2:]},
		"host without port": {func(o *Options) { o.BareHost = true }, start, "gateway", headers[2:]},
		"three headers":     {func(o *Options) { o.SignHeaders = headers }, start, "gateway:8080", headers},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t, tt.change)
				for i, key := range []string{pushKey, strings.Repeat("9", len(pushKey))} {
					d.SetPushKey(key)
					if err := d.Push(d.Message("u1", "AGENT", "CHAT", "TEXT", "x")); err != nil {
						t.Fatal(err)
					}
					got := d.waitForPushes(t, i+1)[i]
					all := map[string]string{
						"host": tt.host, "content-type": "application/json", "content-length": strconv.Itoa(len(got.raw)),
					}
					maps.DeleteFunc(all, func(name, _ string) bool { return !slices.Contains(tt.signed, name) })
					if want := Authorization("ak", key, "POST", got.path, tt.stamp, all, got.raw); got.auth != want {
						t.Errorf("Authorization %q, want %q", got.auth, want)
					}
				}
			})
		})
	}
}
