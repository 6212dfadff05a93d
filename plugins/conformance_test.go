// Package plugins tests that all adapters of this repository conform to the plugin protocol.
//
// It also compares docs/adapters.md with the results. To write this file, run go test ./plugins -update.
package plugins

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"patchbay/sdk/conformance"
)

var update = flag.Bool("update", false, "write docs/adapters.md")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const preface = `# The adapters and their conformance

This page lists what each adapter supports, and its results in the conformance suite. Each table has a column for each
tested channel.
` + "`patchbay adapter test bin/native`" + ` runs the suite.
[Writing a plugin](writing-a-plugin.md#conformance-suite) explains how to test another adapter.

` + "`go test ./plugins -update`" + ` writes this file, and a test fails if it is stale.
`

func TestAdaptersConform(t *testing.T) {
	adapters := []string{"native", "botwebhook", "aicc"}
	reports := make([]*conformance.Report, len(adapters))
	t.Run("suite", func(t *testing.T) {
		for i, name := range adapters {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				reports[i] = conformance.Test(t, conformance.Options{
					Command: "./" + name, Data: filepath.Join(name, "testdata", "conformance"),
				})
			})
		}
	})
	if t.Failed() {
		t.Fatal("docs/adapters.md is compared when all pass")
	}
	text := bytes.NewBufferString(preface)
	for _, r := range reports {
		writeReport(text, r)
	}
	text.WriteString("\n## Checks\n\nThe id of a check never changes its meaning.\n\n")
	writeChecks(text, reports)
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
	if d := gocmp.Diff(string(have), text.String()); d != "" {
		t.Errorf("docs/adapters.md is stale; run go test ./plugins -update (-file +results):\n%s", d)
	}
}

// writeReport writes the results of an adapter, without times and versions, so that they are the same in each run.
func writeReport(b *bytes.Buffer, r *conformance.Report) {
	fmt.Fprintf(b, "\n## %s\n\nVendor: %s. Result: **%s**, %d checks passed, %d failed, %d do not apply.\n\n", r.Adapter, r.Vendor, r.Status,
		r.Passed, r.Failures, r.Skipped)
	head := []string{"capability"}
	for _, ch := range r.Channels {
		head = append(head, ch.Name)
	}
	rows := [][]string{head}
	for _, f := range facts {
		row := []string{f.name}
		for _, ch := range r.Channels {
			row = append(row, f.of(ch))
		}
		rows = append(rows, row)
	}
	writeTable(b, rows)
	b.WriteString("\n")
	scores := r.Scores()
	scores[0] = append(append([]string{"group"}, head[1:]...), "what it shows")
	writeTable(b, scores)
	if len(r.ReasonCodes) == 0 {
		return
	}
	codes := [][]string{{"reason of `declined`", ""}}
	for _, code := range slices.Sorted(maps.Keys(r.ReasonCodes)) {
		codes = append(codes, []string{"`" + code + "`", r.ReasonCodes[code]})
	}
	b.WriteString("\n")
	writeTable(b, codes)
}

// writeChecks writes a table of all checks.
func writeChecks(b *bytes.Buffer, reports []*conformance.Report) {
	rows := [][]string{{"check", "what it shows"}}
	for _, g := range reports[0].Channels[0].Groups {
		for _, c := range g.Checks {
			rows = append(rows, []string{"`" + c.ID + "`", c.Title})
		}
	}
	writeTable(b, rows)
}

// facts lists the rows of the table of capabilities.
var facts = []struct {
	name string
	of   func(*conformance.Channel) string
}{
	{"role", func(ch *conformance.Channel) string { return ch.Role }},
	{"abilities", func(ch *conformance.Channel) string { return words(ch.Abilities) }},
	{"webhook paths", func(ch *conformance.Channel) string {
		var paths []string
		for _, p := range ch.Endpoint.GetPaths() {
			paths = append(paths, "`"+p.GetPattern()+"`")
		}
		return words(paths)
	}},
	{"parts", func(ch *conformance.Channel) string { return words(ch.Capabilities.GetParts()) }},
	{"events", func(ch *conformance.Channel) string { return words(ch.Capabilities.GetEvents()) }},
	{"text", func(ch *conformance.Channel) string { return limit(ch.Capabilities.GetTextBytes(), "no limit") }},
	{"media", media},
	{"history", func(ch *conformance.Channel) string { return yes(ch.Capabilities.GetHistory()) }},
	{"idempotency key", func(ch *conformance.Channel) string { return yes(ch.Capabilities.GetIdempotent()) }},
	{"threads", func(ch *conformance.Channel) string { return ch.Endpoint.GetThreads() }},
	{"subscribes", func(ch *conformance.Channel) string { return yes(ch.Endpoint.GetSubscribes()) }},
	{"unknown outcomes", func(ch *conformance.Channel) string { return cmp.Or(ch.Endpoint.GetUnknown(), "retry") }},
}

func words(list []string) string { return cmp.Or(strings.Join(list, ", "), "-") }

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func limit(n int64, none string) string {
	if n == 0 {
		return none
	}
	return fmt.Sprintf("%d bytes", n)
}

// media describes the form in which a channel takes media.
func media(ch *conformance.Channel) string {
	c := ch.Capabilities
	if !slices.ContainsFunc(c.GetParts(), func(p string) bool { return slices.Contains([]string{"image", "audio", "video", "file"}, p) }) {
		return "-"
	}
	out := map[string]string{"": "links as they are", "link": "as links", "stream": "as bytes"}[c.GetMedia()]
	if n := c.GetMediaBytes(); n > 0 {
		out += ", at most " + limit(n, "")
	}
	if types := c.GetMediaTypes(); len(types) > 0 {
		out += ", " + strings.Join(types, " ")
	}
	if c.GetSeparateMedia() {
		out += ", each in a separate delivery from the text"
	}
	return out
}

// writeTable writes a table. The first of rows is its head.
func writeTable(b *bytes.Buffer, rows [][]string) {
	cell := strings.NewReplacer("|", `\|`, "\n", " ")
	for i, r := range rows {
		for _, text := range r {
			fmt.Fprintf(b, "| %s ", cell.Replace(text))
		}
		b.WriteString("|\n")
		if i == 0 {
			b.WriteString(strings.Repeat("|---", len(r)) + "|\n")
		}
	}
}
