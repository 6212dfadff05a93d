package docs

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"patchbay/test/harness"
)

// buildExample builds the adapter in writing-a-plugin.md and returns the path of the program.
func buildExample(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	source := ""
	for _, b := range blocks(t, filepath.Join(harness.Root(), "docs", "writing-a-plugin.md")) {
		if b.info == "go main.go" {
			source += b.text
		}
	}
	file := filepath.Join(dir, "main.go")
	if err := os.WriteFile(file, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	// The overlay adds the file to the module for this build, without a change of the repository.
	path := filepath.Join(harness.Root(), "plugins", "echo", "main.go")
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{path: file}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "echo")
	cmd := exec.Command("go", "build", "-o", program, "-overlay", filepath.Join(dir, "overlay.json"), "./plugins/echo")
	cmd.Dir = harness.Root()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("the example does not build: %v\n%s", err, out)
	}
	return program
}
