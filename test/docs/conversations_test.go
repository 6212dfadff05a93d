package docs

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"patchbay/test/harness"
)

// TestConversationTestsSucceed runs the conversation tests in documents with the repository's config.yaml.
func TestConversationTestsSucceed(t *testing.T) {
	tested := 0
	for _, path := range documents(t) {
		for _, b := range blocks(t, path) {
			if b.info != "yaml test" {
				continue
			}
			tested++
			t.Run(fmt.Sprintf("%s:%d", relativePath(path), b.line), func(t *testing.T) {
				dir := t.TempDir()
				config, err := os.ReadFile("../../config.yaml")
				if err != nil {
					t.Fatal(err)
				}
				for name, data := range map[string]string{"config.yaml": string(config), "config_test.yaml": b.text} {
					if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				out := run(t, harness.Binary("patchbay")+" test "+filepath.Join(dir, "config_test.yaml"))
				if !strings.Contains(out, ", failed: 0;") {
					t.Error(out)
				}
			})
		}
	}
	if tested == 0 {
		t.Error("no document contains a conversation test")
	}
}
