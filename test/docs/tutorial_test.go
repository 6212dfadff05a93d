package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"patchbay/test/harness"
)

var (
	references = regexp.MustCompile(`\$\{env:([A-Z_]+)\}`)
	addresses  = regexp.MustCompile(`https?://[^/"' ]+`)
)

// TestTutorialNeedsNothingElse checks that a reader can run the tutorial in writing-a-plugin.md as it is: it exports
// the environment variables of its configuration, and calls only this machine.
func TestTutorialNeedsNothingElse(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(harness.Root(), "docs", "writing-a-plugin.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, tutorial, _ := strings.Cut(string(page), "\n## A complete adapter\n")
	tutorial, _, _ = strings.Cut(tutorial, "\n## ")
	names := references.FindAllStringSubmatch(tutorial, -1)
	if len(names) == 0 {
		t.Error("the tutorial has no secret")
	}
	for _, name := range names {
		if !strings.Contains(tutorial, "\n$ export "+name[1]+"=") {
			t.Errorf("the tutorial does not export %s", name[1])
		}
	}
	for _, address := range addresses.FindAllString(tutorial, -1) {
		if !strings.HasPrefix(address, "http://127.0.0.1:") {
			t.Errorf("the tutorial calls %s, want only this machine", address)
		}
	}
}
