package main

import (
	"encoding/json"
	"flag"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

var update = flag.Bool("update", false, "write the golden files anew")

// Credentials and ids of the tests. Neither the secrets nor the tokens may show up in a golden file.
const (
	testSecretKey = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ"
	testAccessKey = "demoAccessKey01"
	testAppSecret = "app-secret-never-to-be-seen"
	testChannelID = "202105284494222653"
	otherChannel  = "202105284494222654"
	testUser      = "0123456789abcdef0123456789abcdef"
)

// testTime is the time of the tests' signatures: 2021-07-10T06:27:33Z.
var testTime = time.Date(2021, 7, 10, 6, 27, 33, 0, time.UTC)

// settingsJSON is a channel's settings with changes by dotted path; nil removes.
func settingsJSON(t testing.TB, changes map[string]any) []byte {
	t.Helper()
	tree := map[string]any{
		"base_url":   "https://aicc.example.com",
		"token_url":  "https://aicc.example.com/apigovernance/api/oauth/tokenByAkSk",
		"app_key":    "app-key",
		"app_secret": testAppSecret,
		"channel_id": testChannelID,
		"verify":     map[string]any{"mode": "signature", "secret_key": testSecretKey},
	}
	for path, v := range changes {
		m, key := tree, path
		if head, tail, nested := strings.Cut(path, "."); nested {
			m, key = tree[head].(map[string]any), tail
		}
		if m[key] = v; v == nil {
			delete(m, key)
		}
	}
	b, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// testChannel is a channel as the SDK hands it over.
func testChannel(t testing.TB, name string, changes map[string]any) sdk.Channel {
	t.Helper()
	return sdk.Channel{
		Name: name, Role: envelope.RoleAgent, Settings: sdk.NewSettings(settingsJSON(t, changes)),
		Host: sdk.Host{Logger: slog.New(slog.DiscardHandler), HTTP: http.DefaultClient},
	}
}

// testAdapter has the channels, in a world where it is testTime.
func testAdapter(t testing.TB, channels ...sdk.Channel) *adapter {
	t.Helper()
	a := newAdapter()
	a.now = func() time.Time { return testTime }
	for _, ch := range channels {
		if _, err := a.Configure(t.Context(), ch); err != nil {
			t.Fatalf("configure: %v", err)
		}
	}
	return a
}

// golden compares v, as JSON, with a file, or writes the file.
func golden(t *testing.T, path string, v any) {
	t.Helper()
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got := string(b) + "\n"
	for _, secret := range []string{testAppSecret, testSecretKey} {
		if strings.Contains(got, secret) {
			t.Fatalf("a secret is in what goes to %s", path)
		}
	}
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("no golden file (write it with -update): %v", err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("differs from %s (-want +got):\n%s", path, d)
	}
}

// inputs lists a folder's *.json files; a folder without any fails the test.
func inputs(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no inputs in %s: %v", dir, err)
	}
	return files
}

func goldenName(input string) string { return strings.TrimSuffix(input, ".json") + ".golden" }
