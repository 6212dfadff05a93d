// Package docs holds the documents to what the programs do.
package docs

import (
	"os"
	"path/filepath"
	"testing"

	"patchbay/test/harness"
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }

// documents returns the project's Markdown files, from the repository's folder.
func documents(t *testing.T) []string {
	t.Helper()
	var out []string
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/*/*.md", "plugins/*/README.md", "sandbox/README.md", "deploy/*.md", "deploy/*/*.md"} {
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

// short is a document's name in test names and messages.
func short(path string) string {
	name, err := filepath.Rel(harness.Root(), path)
	if err != nil {
		return path
	}
	return name
}
