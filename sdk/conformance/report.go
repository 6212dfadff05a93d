package conformance

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"patchbay/sdk/protocol/pluginpb"
	"patchbay/sdk/text"
)

// Status is the result of a check, of a group, or of the whole run.
type Status string

const (
	Pass          Status = "pass"
	Fail          Status = "fail"
	NotApplicable Status = "n/a"
)

// Result is the result of one check.
type Result struct {
	ID     string `json:"id"`
	Title  string `json:"title"`
	Todo   string `json:"todo"`
	Status Status `json:"status"`
	// Findings are the first failures, with the expected behavior, or why the check does not apply.
	Findings []string `json:"findings,omitempty"`
	Failures int      `json:"failures,omitempty"`
}

// Group has the results of a group of checks.
type Group struct {
	Name   string        `json:"name"`
	Title  string        `json:"title"`
	Status Status        `json:"status"`
	Checks []*Result     `json:"checks"`
	Took   time.Duration `json:"took_ns"`

	Passed int `json:"passed"`
	Failed int `json:"failed"`
}

// Channel has the results of an adapter in one role, with its declarations for the channel.
type Channel struct {
	Name         string                      `json:"name"`
	Role         string                      `json:"role"`
	Abilities    []string                    `json:"abilities"`
	Capabilities *pluginpb.Capabilities      `json:"capabilities"`
	Endpoint     *pluginpb.ConfigureResponse `json:"endpoint"`
	Groups       []*Group                    `json:"groups"`

	desc *pluginpb.DescribeResponse
}

// Report is the results of a conformance test: the scorecard of an adapter.
type Report struct {
	Adapter     string            `json:"adapter"`
	Version     string            `json:"version"`
	Vendor      string            `json:"vendor"`
	ReasonCodes map[string]string `json:"reason_codes,omitempty"`
	Status      Status            `json:"status"`
	Passed      int               `json:"passed"`
	Failures    int               `json:"failed"`
	Skipped     int               `json:"not_applicable"`
	Channels    []*Channel        `json:"channels"`
}

// sum fills in the totals. A report in which no check applied has not passed.
func (r *Report) sum() {
	d := r.Channels[0].desc
	r.Adapter, r.Version, r.Vendor, r.ReasonCodes = d.GetName(), d.GetVersion(), d.GetVendor(), d.GetReasonCodes()
	for _, ch := range r.Channels {
		for _, g := range ch.Groups {
			r.Passed += g.Passed
			r.Failures += g.Failed
			r.Skipped += len(g.Checks) - g.Passed - g.Failed
		}
	}
	r.Status = statusOf(r.Passed, r.Failures)
}

func statusOf(passed, failed int) Status {
	switch {
	case failed > 0:
		return Fail
	case passed > 0:
		return Pass
	}
	return NotApplicable
}

func (r *Result) fail(finding string) {
	const maxFindings, maxFinding = 5, 900
	if r.Status != Fail {
		r.Status, r.Findings = Fail, nil
	}
	r.Failures++
	if len(r.Findings) < maxFindings {
		r.Findings = append(r.Findings, text.Abbreviate(finding, maxFinding))
	}
}

// Print writes the scores of all groups, and the findings of failed checks, for a terminal.
func (r *Report) Print(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s (%s)\n\n", r.Adapter, r.Version, r.Vendor)
	tw := tabwriter.NewWriter(&b, 2, 8, 2, ' ', 0)
	for _, cells := range r.Scores() {
		fmt.Fprintln(tw, strings.Join(cells, "\t"))
	}
	_ = tw.Flush() // a builder takes everything
	for _, ch := range r.Channels {
		ch.printFindings(&b)
	}
	fmt.Fprintf(&b, "\n%s: %d checks passed, %d failed, %d do not apply\n", r.Status, r.Passed, r.Failures, r.Skipped)
	blanks := regexp.MustCompile(`(?m) +$`) // where a cell of the table is empty
	_, err := io.WriteString(w, blanks.ReplaceAllString(b.String(), ""))
	return err
}

// Scores is a table of the groups, with its head: a column for each channel, and one for the title.
func (r *Report) Scores() [][]string {
	head := []string{"GROUP"}
	for _, ch := range r.Channels {
		head = append(head, strings.ToUpper(ch.Name))
	}
	out := [][]string{append(head, "")}
	for i, g := range r.Channels[0].Groups { // all channels have the same
		row := []string{g.Name}
		for _, ch := range r.Channels {
			cell, g := "n/a", ch.Groups[i]
			if g.Status != NotApplicable {
				cell = fmt.Sprintf("%s %d/%d", g.Status, g.Passed, g.Passed+g.Failed)
			}
			row = append(row, cell)
		}
		out = append(out, append(row, g.Title))
	}
	return out
}

// printFindings lists failed checks. It also lists why duplicates.same did not apply, or all checks if none applied.
func (ch *Channel) printFindings(w io.Writer) {
	idle := !slices.ContainsFunc(ch.Groups, func(g *Group) bool { return g.Status != NotApplicable })
	for _, g := range ch.Groups {
		for _, c := range g.Checks {
			noted := idle || c.ID == "duplicates.same" && len(ch.Endpoint.GetPaths()) > 0
			if noted && c.Status == NotApplicable {
				fmt.Fprintf(w, "\nnote %s (channel %s): %s\n", c.ID, ch.Name, strings.Join(c.Findings, "; "))
			}
			if c.Status == Fail {
				fmt.Fprintf(w, "\nFAIL %s (channel %s): %s\n", c.ID, ch.Name, c.Title)
				for _, f := range c.Findings {
					fmt.Fprintf(w, "  - %s\n", strings.ReplaceAll(strings.TrimSpace(f), "\n", "\n    "))
				}
				if more := c.Failures - len(c.Findings); more > 0 {
					fmt.Fprintf(w, "  and %d more\n", more)
				}
				fmt.Fprintf(w, "  What to do: %s\n", c.Todo)
			}
		}
	}
}
