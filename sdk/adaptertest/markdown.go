package adaptertest

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Markdown writes the scorecard and the capabilities for documentation. The same adapter gives the same text: it has
// neither times nor versions.
func (c *Scorecard) Markdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "## %s\n\nVendor: %s. Exam: **%s**, %d assertions passed, %d failed, %d do not apply.\n\n",
		c.Adapter, c.Vendor,
		c.Status, c.Passed, c.Failures, c.Skipped)
	c.markdownTable(&b, "capability", "", c.capabilityRows())
	b.WriteString("\n")
	c.markdownTable(&b, "section", "what it shows", c.rows())
	if len(c.ReasonCodes) > 0 {
		b.WriteString("\n| reason of `declined` | |\n|---|---|\n")
		for _, code := range slices.Sorted(maps.Keys(c.ReasonCodes)) {
			fmt.Fprintf(&b, "| `%s` | %s |\n", code, cell(c.ReasonCodes[code]))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// MarkdownAssertions writes a table of all assertions of these exams, in their order.
func MarkdownAssertions(w io.Writer, cards ...*Scorecard) error {
	var b strings.Builder
	b.WriteString("| assertion | what it shows |\n|---|---|\n")
	for _, name := range Sections() {
		known := map[string]bool{}
		for _, a := range assertionsOf(name, cards) {
			if !known[a.ID] {
				known[a.ID] = true
				fmt.Fprintf(&b, "| `%s` | %s |\n", a.ID, cell(a.Title))
			}
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// assertionsOf returns the assertions of a section in all exams.
func assertionsOf(section string, cards []*Scorecard) []*Assertion {
	var out []*Assertion
	for _, c := range cards {
		for _, ch := range c.Channels {
			for _, s := range ch.Sections {
				if s.Name == section {
					out = append(out, s.Assertions...)
				}
			}
		}
	}
	return out
}

func (c *Scorecard) markdownTable(b *strings.Builder, first, last string, rows []row) {
	names := c.channelNames()
	fmt.Fprintf(b, "| %s | %s |", first, strings.Join(names, " | "))
	rule := "|---|" + strings.Repeat("---|", len(names))
	if last != "" {
		fmt.Fprintf(b, " %s |", last)
		rule += "---|"
	}
	b.WriteString("\n" + rule + "\n")
	for _, r := range rows {
		fmt.Fprintf(b, "| %s |", r.name)
		for _, text := range r.cells {
			if text = cell(text); r.code && text != "-" {
				text = "`" + text + "`"
			}
			fmt.Fprintf(b, " %s |", text)
		}
		if last != "" {
			fmt.Fprintf(b, " %s |", cell(r.title))
		}
		b.WriteString("\n")
	}
}

// cell is text as a table's cell.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ").Replace(text)
}
