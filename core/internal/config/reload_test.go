package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReloadReadsFileAndReferencesAgain(t *testing.T) {
	file, secret := filepath.Join(t.TempDir(), "config.yaml"), filepath.Join(t.TempDir(), "secret")
	write := func(name, content string) {
		t.Helper()
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	first := settingsHead + "      api_key: ${file:" + secret + "}\n"
	write(file, first)
	write(secret, "one")
	c, err := Load(Options{Path: file, Environ: []string{}})
	if err != nil {
		t.Fatal(err)
	}
	settings := func(c *Config) string { return string(c.Channels[0].Settings.JSON()) }
	write(secret, "two")
	write(file, first+"      phone: \"1\"\n")
	for _, tc := range []struct {
		data []byte
		want string
	}{
		{nil, `{"api_key":"two","phone":"1"}`},
		{c.Content(), `{"api_key":"two"}`},
	} {
		next, err := c.Reload(tc.data)
		if err != nil {
			t.Fatal(err)
		}
		if got := settings(next); got != tc.want {
			t.Errorf("settings after a reload: %s, want %s", got, tc.want)
		}
	}
	if got := settings(c); got != `{"api_key":"one"}` {
		t.Errorf("the former configuration has the settings %s", got)
	}
}

func TestFilesAreLimited(t *testing.T) {
	_, err := Load(Options{Path: "m.yaml", Data: make([]byte, maxFile+1), Environ: testEnviron})
	if want := "m.yaml: is larger than 4194304 bytes [file-too-large]"; err == nil || err.Error() != want {
		t.Errorf("error = %v, want %s", err, want)
	}
	large := filepath.Join(t.TempDir(), "large")
	if err := os.WriteFile(large, make([]byte, maxSecretFile+1), 0o600); err != nil {
		t.Fatal(err)
	}
	data := []byte(settingsHead + "      api_key: ${file:" + large + "}\n")
	_, err = Load(Options{Path: "m.yaml", Data: data, Environ: testEnviron})
	if err == nil || !strings.Contains(err.Error(), "is larger than") {
		t.Errorf("error = %v, want one about the size of the file with the secret", err)
	}
}
