// Package plugins has the exam of all adapters of this repository.
//
// It also keeps docs/adapters.md, which the exam writes: go test ./plugins -update
package plugins

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"patchbay/sdk/adaptertest"
)

var update = flag.Bool("update", false, "write docs/adapters.md anew")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const preface = `# The adapters and their exam

What each adapter carries, and how it does in the exam: one table of each, with a column for each channel that was examined.
` + "`patchbay adapter test bin/native`" + ` holds the exam, and says of each assertion what it saw.
[Writing a plugin](writing-a-plugin.md#conformance-suite) says how an adapter of your own sits it.

This file is written by ` + "`go test ./plugins -update`" + `, and a test fails when it is stale.
`

// Every adapter passes, and docs/adapters.md says so.
func TestAdaptersPassTheirExam(t *testing.T) {
	adapters := []string{"native", "botwebhook", "aicc"}
	cards := make([]*adaptertest.Scorecard, len(adapters))
	t.Run("exam", func(t *testing.T) {
		for i, name := range adapters {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				cards[i] = adaptertest.Test(t, adaptertest.Options{
					Command: "./" + name, Data: filepath.Join(name, "testdata", "exam"),
				})
			})
		}
	})
	if t.Failed() {
		t.Fatal("docs/adapters.md is compared when all pass")
	}
	text := bytes.NewBufferString(preface)
	for _, card := range cards {
		text.WriteString("\n")
		if err := card.Markdown(text); err != nil {
			t.Fatal(err)
		}
	}
	text.WriteString("\n## What the exam asserts\n\nAn assertion keeps its name and its meaning.\n\n")
	if err := adaptertest.MarkdownAssertions(text, cards...); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("..", "docs", "adapters.md")
	if *update {
		if err := os.WriteFile(path, text.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	have, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(have), text.String()); d != "" {
		t.Errorf("docs/adapters.md is stale; run go test ./plugins -update (-file +exam):\n%s", d)
	}
}
