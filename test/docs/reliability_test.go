package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"patchbay/test/harness"
)

// TestReliabilityNamesTests checks that the tests in docs/reliability.md exist.
func TestReliabilityNamesTests(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(harness.Root(), "docs", "reliability.md"))
	if err != nil {
		t.Fatal(err)
	}
	defined := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	exists := map[string]bool{}
	err = filepath.WalkDir(harness.Root(), func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		for _, m := range defined.FindAllSubmatch(source, -1) {
			exists[string(m[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`(Test\\w+)").FindAllSubmatch(page, -1)
	for _, m := range named {
		if !exists[string(m[1])] {
			t.Errorf("docs/reliability.md names %s, which does not exist", m[1])
		}
	}
	if len(named) < 20 {
		t.Errorf("docs/reliability.md names %d tests, want at least 20", len(named))
	}
}
