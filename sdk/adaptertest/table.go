package adaptertest

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"patchbay/sdk/envelope"
)

// Print writes the scorecard, the capabilities and what failed, for a person at a terminal.
func (c *Scorecard) Print(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s (%s)\n\n", c.Adapter, c.Version, c.Vendor)
	tw := tabwriter.NewWriter(&b, 2, 8, 2, ' ', 0)
	fmt.Fprintf(tw, "SECTION\t%s\t\n", strings.ToUpper(strings.Join(c.channelNames(), "\t")))
	for _, row := range c.rows() {
		fmt.Fprintf(tw, "%s\t%s\t%s\n", row.name, strings.Join(row.cells, "\t"), row.title)
	}
	_ = tw.Flush() // a builder takes everything
	for i, ch := range c.Channels {
		fmt.Fprintf(&b, "\nCAPABILITIES OF %s\n", strings.ToUpper(ch.Name))
		tw = tabwriter.NewWriter(&b, 2, 8, 2, ' ', 0)
		for _, row := range c.capabilityRows() {
			fmt.Fprintf(tw, "  %s\t%s\n", row.name, row.cells[i])
		}
		_ = tw.Flush()
	}
	c.printFindings(&b)
	fmt.Fprintf(&b, "\n%s: %d assertions passed, %d failed, %d do not apply\n", c.Status, c.Passed, c.Failures, c.Skipped)
	for line := range strings.Lines(b.String()) {
		if _, err := io.WriteString(w, strings.TrimRight(line, " \n")+"\n"); err != nil {
			return err
		}
	}
	return nil
}

// receives reports whether there were calls of the vendor to translate.
func (c *Channel) receives() bool {
	return slices.ContainsFunc(c.Sections, func(s Section) bool { return s.Name == "in" && s.Status != NotApplicable })
}

// printFindings lists what failed, and why repeats could not be looked at: an adapter that names no message passes, and
// its customers get everything twice.
func (c *Scorecard) printFindings(w io.Writer) {
	for _, ch := range c.Channels {
		for _, s := range ch.Sections {
			for _, a := range s.Assertions {
				if a.Status == NotApplicable && slices.Contains([]string{"duplicates.same", "duplicates.restart"}, a.ID) && len(a.Findings) > 0 && ch.receives() {
					fmt.Fprintf(w, "\nnote %s (channel %s): %s\n", a.ID, ch.Name, a.Findings[0])
				}
				if a.Status != Fail {
					continue
				}
				fmt.Fprintf(w, "\nFAIL %s (channel %s): %s\n", a.ID, ch.Name, a.Title)
				for _, f := range a.Findings {
					fmt.Fprintf(w, "  - %s\n", f)
				}
				if more := a.Failures - len(a.Findings); more > 0 {
					fmt.Fprintf(w, "  and %d more\n", more)
				}
			}
		}
	}
}

// row is a line of a table with a cell for each channel.
type row struct {
	name  string
	title string
	cells []string
	code  bool // the cells are for machines
}

func (c *Scorecard) channelNames() []string {
	var out []string
	for _, ch := range c.Channels {
		out = append(out, ch.Name)
	}
	return out
}

// rows are the sections: each channel has the same.
func (c *Scorecard) rows() []row {
	if len(c.Channels) == 0 {
		return nil
	}
	var out []row
	for i, s := range c.Channels[0].Sections {
		r := row{name: s.Name, title: s.Title}
		for _, ch := range c.Channels {
			r.cells = append(r.cells, tally(ch.Sections[i]))
		}
		out = append(out, r)
	}
	return out
}

// tally is a section's status with how many of its assertions passed, of those that apply.
func tally(s Section) string {
	passed, applied := 0, 0
	for _, a := range s.Assertions {
		if a.Status == Pass {
			passed++
		}
		if a.Status != NotApplicable {
			applied++
		}
	}
	if applied == 0 {
		return string(NotApplicable)
	}
	return fmt.Sprintf("%s %d/%d", s.Status, passed, applied)
}

// capabilityRows are what the channels carry.
func (c *Scorecard) capabilityRows() []row {
	var all []Capabilities
	roles := row{name: "role"}
	for _, ch := range c.Channels {
		all = append(all, ch.Capabilities)
		roles.cells = append(roles.cells, ch.Role)
	}
	add := func(name string, cell func(Capabilities) string) row {
		r := row{name: name}
		for _, caps := range all {
			r.cells = append(r.cells, cell(caps))
		}
		return r
	}
	words := func(list []string) string {
		if len(list) == 0 {
			return "-"
		}
		return strings.Join(list, ", ")
	}
	paths := add("webhook paths", func(c Capabilities) string { return words(c.Paths) })
	paths.code = true
	return []row{
		roles,
		add("abilities", func(c Capabilities) string { return words(c.Abilities) }),
		paths,
		add("parts", func(c Capabilities) string { return words(c.Parts) }),
		add("events", func(c Capabilities) string { return words(c.Events) }),
		add("text", func(c Capabilities) string { return bytesOr(c.TextBytes, "no limit") }),
		add("media", func(c Capabilities) string { return mediaWords(c) }),
		add("history", func(c Capabilities) string { return yes(c.History) }),
		add("idempotency key", func(c Capabilities) string { return yes(c.Idempotent) }),
		add("threads", func(c Capabilities) string { return orElse(c.Threads, "-") }),
		add("listens", func(c Capabilities) string { return yes(c.Listens) }),
		add("unknown outcomes", func(c Capabilities) string { return orElse(c.Unknown, "retry") }),
	}
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func bytesOr(n int64, none string) string {
	if n == 0 {
		return none
	}
	return strconv.FormatInt(n, 10) + " bytes"
}

// mediaWords says how media are taken.
func mediaWords(c Capabilities) string {
	if !slices.ContainsFunc(mediaTypes, func(t envelope.PartType) bool { return slices.Contains(c.Parts, string(t)) }) {
		return "-"
	}
	out := map[string]string{"": "links as they are", "link": "as links", "stream": "as bytes"}[c.Media]
	if c.MediaBytes > 0 {
		out += ", at most " + bytesOr(c.MediaBytes, "")
	}
	if len(c.MediaTypes) > 0 {
		out += ", " + strings.Join(c.MediaTypes, " ")
	}
	if c.MediaApart {
		out += ", apart from words"
	}
	return out
}
