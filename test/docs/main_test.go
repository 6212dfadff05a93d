// Package docs checks that the documents match the built programs.
package docs

import (
	"os"
	"path/filepath"
	"testing"

	"patchbay/test/harness"
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }

// documents returns the paths of the project's Markdown files.
func documents(t *testing.T) []string {
	t.Helper()
	var out []string
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/*/*.md", "plugins/*/README.md", "sandbox/README.md"} {
		found, err := filepath.Glob(filepath.Join(harness.Root(), pattern))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, found...)
	}
	if len(out) < 10 {
		t.Fatalf("found only %d documents: %v", len(out), out)
	}
	return out
}

// relativePath returns path relative to the repository, or path itself if that is impossible.
func relativePath(path string) string {
	name, err := filepath.Rel(harness.Root(), path)
	if err != nil {
		return path
	}
	return name
}
