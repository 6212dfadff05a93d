package docs

import (
	"path/filepath"
	"strings"
	"testing"

	"patchbay/test/harness"
)

// TestExamples checks the configurations in docs/examples without their secrets, and runs their conversation tests. The
// tests must reach all rules.
func TestExamples(t *testing.T) {
	patchbay := harness.Binary("patchbay")
	configs, err := filepath.Glob("../../docs/examples/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, path := range configs {
		if strings.HasSuffix(path, "_test.yaml") {
			continue
		}
		checked++
		path, err := filepath.Abs(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(filepath.Base(path), func(t *testing.T) {
			if out := run(t, patchbay+" check --no-secrets --config "+path); !strings.Contains(out, ": ok (") {
				t.Error(out)
			}
			test := strings.TrimSuffix(path, ".yaml") + "_test.yaml"
			if out := run(t, patchbay+" test --coverage-min 100 "+test); !strings.Contains(out, ", failed: 0;") {
				t.Error(out)
			}
		})
	}
	if checked < 10 {
		t.Errorf("%d examples, want at least 10", checked)
	}
}
