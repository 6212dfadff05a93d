package docs

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"patchbay/test/harness"
)

// TestExampleConforms runs the commands of writing-a-plugin.md, which run the conformance suite against the example of
// the page with the test data of the page.
func TestExampleConforms(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{"patchbay": harness.Binary("patchbay"), "echo": buildExample(t)} {
		if err := os.Symlink(target, filepath.Join(dir, "bin", name)); err != nil {
			t.Fatal(err)
		}
	}
	commands := ""
	for _, b := range blocks(t, filepath.Join(harness.Root(), "docs", "writing-a-plugin.md")) {
		kind, name, _ := strings.Cut(b.info, " ")
		switch {
		case b.info == "console conformance":
			commands = b.text
		case name == "channel.yaml" || kind == "http":
			path := filepath.Join(dir, "testdata", "conformance", "shop", name)
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(b.text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	parts := strings.Split("\n"+commands, "\n$ ")[1:]
	if len(parts) == 0 {
		t.Fatal("no commands")
	}
	for _, part := range parts {
		command, want, _ := strings.Cut(part, "\n")
		cmd := exec.CommandContext(t.Context(), "bash", "-c", command)
		cmd.Dir, cmd.WaitDelay = dir, commandTimeout
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("$ %s: %v", command, err)
		}
		compare(t, command, want, string(out))
	}
}
