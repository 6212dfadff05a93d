package docs

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"regexp"
	"testing"

	"patchbay/test/harness"
)

// importRules say what packages must not import, as architecture.md has it, and why. All are expressions about import
// paths: packages that match who, but not but, must import nothing that matches what.
var importRules = []struct{ who, but, what, why string }{
	{`^patchbay/sdk/envelope$`, ``, `^patchbay/|\.`, "tools read envelopes without linking anything else"},
	{`^patchbay/sdk(/|$)`, ``, `^patchbay/(core|plugins|sandbox|test)(/|$)`, "an adapter must not depend on the gateway"},
	{`^patchbay/plugins/[^/]+$`, ``, `^patchbay/(core|plugins|sandbox|test)(/|$)`, "an adapter has the SDK alone"},
	{`^patchbay/plugins/.+/simulator$`, ``, `^patchbay/(sdk|core|test)(/|$)`, "a simulator is a second reading of the vendor's document"},
	{`^patchbay/core/internal/route$`, ``, `^(os|net|net/http|io/fs|log/slog|math/rand.*)$|^patchbay/core`, "rules are pure"},
	{`^patchbay/core/internal/conversation$`, ``, `^(os|net|net/http|io/fs|log/slog|math/rand.*)$`, "decisions are pure"},
	{`^patchbay/core`, `/internal/(app|cli)$|^patchbay/core$`, `/internal/(app|cli)$`, "only main knows the command line, only that the wiring"},
	{`^patchbay/`, `^patchbay/core/internal/config$`, `koanf`, "one package reads the configuration"},
	{`^patchbay/`, `^patchbay/core/internal/adapter$|^patchbay/sdk`, `hashicorp/go-plugin`, "one package runs adapters"},
	{`^patchbay/`, `^patchbay/core/internal/store/jetstream$`, `nats-io`, "one package knows the stream server"},
	{`^patchbay/(test|sandbox)`, ``, `^patchbay/core(/|$)`, "they see the gateway from outside"},
}

func TestPackagesImportWhatTheyMay(t *testing.T) {
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", "./...")
	cmd.Dir = harness.Root()
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	matched := make([]int, len(importRules))
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		for i, r := range importRules {
			if !matches(r.who, p.ImportPath) || r.but != "" && matches(r.but, p.ImportPath) {
				continue
			}
			matched[i]++
			for _, imported := range p.Imports {
				if matches(r.what, imported) {
					t.Errorf("%s imports %s: %s", p.ImportPath, imported, r.why)
				}
			}
		}
	}
	for i, n := range matched {
		if n == 0 {
			t.Errorf("rule %q is about no package", importRules[i].who)
		}
	}
}

func matches(pattern, path string) bool { return regexp.MustCompile(pattern).MatchString(path) }
