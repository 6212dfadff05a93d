package aicc

import (
	"strconv"
	"strings"
	"testing"
)

func TestSignatureVector(t *testing.T) {
	// Made with the signing classes of the vendor's demo.
	sg := signer{accessKey: "demoAccessKey01", secretKey: pushKey}
	got := sg.authorization("POST", "/webhooks/v1/messages", "2021-07-10T06:27:33Z",
		map[string]string{"host": "gw.example.com"}, []byte(`{"timestamp":1625898453913,"messages":[]}`))
	const want = "auth-v2/demoAccessKey01/2021-07-10T06:27:33Z/host/" +
		"c633b6c05ec5f91572bed245b29581458490c8ed55ac09bb4fae6bae9028af7d"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestBearerAndStamps(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Options)
		prefix string
	}{
		{"bearer", func(o *Options) { o.PushBearer = "pb" }, "Bearer pb"},
		{"milliseconds", func(o *Options) { o.Stamp = StampMillis }, "auth-v2/ak/2026-01-05T10:00:00.000Z/host/"},
		{"epoch", func(o *Options) { o.Stamp = StampEpoch }, "auth-v2/ak/1767607200000/host/"},
		{"own access key", func(o *Options) { o.AccessKey = "k1" }, "auth-v2/k1/2026-01-05T10:00:00Z/host/"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := newDesk(t, tt.change)
			if err := d.Push(d.Message("u1", "AGENT", "CHAT", "TEXT", "x")); err != nil {
				t.Fatal(err)
			}
			if got := d.wait(t, 1)[0].auth; !strings.HasPrefix(got, tt.prefix) {
				t.Errorf("Authorization %q, want prefix %q", got, tt.prefix)
			}
		})
	}
}

func TestSignedHeadersAndHost(t *testing.T) {
	headers := []string{"content-length", "content-type", "host"}
	for name, tt := range map[string]struct {
		change func(*Options)
		host   func(string) string
		signed []string
	}{
		"host without port": {func(o *Options) { o.BareHost = true },
			func(host string) string { return host[:strings.LastIndexByte(host, ':')] }, headers[2:]},
		"three headers": {func(o *Options) { o.SignHeaders = headers }, func(host string) string { return host }, headers},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, tt.change)
			if err := d.Push(d.Message("u1", "AGENT", "CHAT", "TEXT", "x")); err != nil {
				t.Fatal(err)
			}
			got := d.wait(t, 1)[0]
			all := map[string]string{
				"host": tt.host(got.host), "content-type": "application/json", "content-length": strconv.Itoa(len(got.raw)),
			}
			want := map[string]string{}
			for _, name := range tt.signed {
				want[name] = all[name]
			}
			sg := signer{accessKey: "ak", secretKey: pushKey}
			if auth := sg.authorization("POST", got.path, "2026-01-05T10:00:00Z", want, got.raw); got.auth != auth {
				t.Errorf("Authorization %q, want %q", got.auth, auth)
			}
		})
	}
}

func TestPushKeyIsChanged(t *testing.T) {
	d := newDesk(t, nil)
	other := strings.Repeat("9", len(pushKey))
	for i, key := range []string{pushKey, other} {
		d.SetPushKey(key)
		if err := d.Push(d.Message("u1", "AGENT", "CHAT", "TEXT", "x")); err != nil {
			t.Fatal(err)
		}
		got := d.wait(t, i+1)[i]
		sg := signer{accessKey: "ak", secretKey: key}
		want := sg.authorization("POST", got.path, "2026-01-05T10:00:00Z", map[string]string{"host": got.host}, got.raw)
		if got.auth != want {
			t.Errorf("push %d is not signed with key %s", i, key)
		}
	}
}
