package gateway_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"patchbay/sandbox/gateway"
)

func TestAddressesAreThoseOfTheConfiguration(t *testing.T) {
	for name, tc := range map[string]struct {
		file          string
		env           map[string]string
		listen, admin string
		problem       string
	}{
		"no addresses":   {file: "channels: {}", listen: "127.0.0.1:8080", admin: "127.0.0.1:9090"},
		"file":           {file: "listen: 127.0.0.1:1234\nadmin: {listen: 'localhost:1235'}", listen: "127.0.0.1:1234", admin: "localhost:1235"},
		"all interfaces": {file: "listen: :1234\nadmin: {listen: '[::]:1235'}", listen: "127.0.0.1:1234", admin: "127.0.0.1:1235"},
		"environment": {
			file: "listen: 127.0.0.1:1234", env: map[string]string{"PATCHBAY_LISTEN": "127.0.0.1:2", "PATCHBAY_ADMIN__LISTEN": "127.0.0.1:3"},
			listen: "127.0.0.1:2", admin: "127.0.0.1:3",
		},
		"reference": {file: "listen: ${env:ADDRESS}", problem: "setting listen of"},
		"port 0":    {file: "admin: {listen: 127.0.0.1:0}", problem: "setting admin.listen of"},
		"not YAML":  {file: "listen: [", problem: "read the gateway's addresses from"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "config.yaml")
			if err := os.WriteFile(path, []byte(tc.file), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"PATCHBAY_LISTEN", "PATCHBAY_ADMIN__LISTEN"} {
				t.Setenv(name, tc.env[name])
			}
			listen, admin, err := gateway.Addresses(path)
			if tc.problem != "" {
				if err == nil || !strings.Contains(err.Error(), tc.problem+" "+path) {
					t.Fatalf("error = %v, want one with %q and the file", err, tc.problem)
				}
				return
			}
			if err != nil || listen != tc.listen || admin != tc.admin {
				t.Errorf("= %s, %s, %v; want %s, %s", listen, admin, err, tc.listen, tc.admin)
			}
		})
	}
}
