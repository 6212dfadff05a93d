package conversationtest

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Report has the results of several files.
type Report struct {
	Files    []*FileReport `json:"files"`
	Tests    int           `json:"tests"`
	Failed   int           `json:"failed"`
	Skipped  int           `json:"skipped"`
	Coverage float64       `json:"coverage"` // percentage of the rules that matched in a test
}

// FileReport has the results of one file.
type FileReport struct {
	Path    string   `json:"path"`
	Config  string   `json:"config"`
	Results []Result `json:"results"`
	Rules   []Rule   `json:"rules"`
}

// Rule is one rule of the configuration.
type Rule struct {
	Name    string `json:"name"`
	Reached bool   `json:"reached"` // it matched in a test
}

// Writers write a report, by the name of the format.
var Writers = map[string]func(io.Writer, *Report) error{
	"table": writeTable, "json": writeJSON, "junit": writeJUnit,
}

// File adds a file.
func (r *Report) File(path, config string, rules []string) *FileReport {
	f := &FileReport{Path: path, Config: config, Results: []Result{}, Rules: []Rule{}}
	for _, name := range rules {
		f.Rules = append(f.Rules, Rule{Name: name})
	}
	r.Files = append(r.Files, f)
	return f
}

// Add adds the result of a test and the rules that matched in it.
func (f *FileReport) Add(r Result, matched map[string]bool) {
	f.Results = append(f.Results, r)
	for i := range f.Rules {
		f.Rules[i].Reached = f.Rules[i].Reached || matched[f.Rules[i].Name]
	}
}

// Count computes the totals. A rule of a configuration that several files test is reached if one of them reaches it.
func (r *Report) Count() {
	r.Tests, r.Failed, r.Skipped = 0, 0, 0
	for _, f := range r.Files {
		r.Tests += len(f.Results)
		for i := range f.Results {
			switch {
			case len(f.Results[i].Failures) > 0:
				r.Failed++
			case f.Results[i].Skipped != "":
				r.Skipped++
			}
		}
	}
	total, unreached := r.rules()
	r.Coverage = 100
	if total > 0 {
		r.Coverage = float64(total-len(unreached)) * 100 / float64(total)
	}
}

// Unreached returns the rules that no test reaches.
func (r *Report) Unreached() []string {
	_, unreached := r.rules()
	return unreached
}

func (r *Report) rules() (total int, unreached []string) {
	reached := map[string]bool{}
	var names []string
	for _, f := range r.Files {
		for _, rule := range f.Rules {
			key := f.Config + "\x00" + rule.Name
			if _, known := reached[key]; !known {
				names = append(names, key)
			}
			reached[key] = reached[key] || rule.Reached
		}
	}
	for _, key := range names {
		if !reached[key] {
			config, rule, _ := strings.Cut(key, "\x00")
			if !slices.ContainsFunc(r.Files, func(f *FileReport) bool { return f.Config != config }) {
				config = ""
			}
			unreached = append(unreached, strings.TrimPrefix(config+": "+rule, ": "))
		}
	}
	return len(names), unreached
}

func writeTable(w io.Writer, r *Report) error {
	var b strings.Builder
	for _, f := range r.Files {
		for i := range f.Results {
			t := &f.Results[i]
			switch {
			case len(t.Failures) > 0:
				fmt.Fprintf(&b, "FAIL %s:%d: %s\n", f.Path, t.Line, t.Test)
			case t.Skipped != "":
				fmt.Fprintf(&b, "skip %s:%d: %s: %s\n", f.Path, t.Line, t.Test, t.Skipped)
			}
			for _, fail := range t.Failures {
				fmt.Fprintf(&b, "  %s:%d: step %d: %s\n", f.Path, fail.Line, fail.Step, fail.Message)
			}
		}
	}
	total, unreached := r.rules()
	fmt.Fprintf(&b, "tests: %d, failed: %d", r.Tests, r.Failed)
	if r.Skipped > 0 {
		fmt.Fprintf(&b, ", skipped: %d", r.Skipped)
	}
	fmt.Fprintf(&b, "; rules reached: %d of %d (%.0f %%)\n", total-len(unreached), total, r.Coverage)
	for _, rule := range unreached {
		fmt.Fprintf(&b, "not reached: %s\n", rule)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func writeJSON(w io.Writer, r *Report) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

// The types of a JUnit report.
type (
	junitSuites struct {
		XMLName xml.Name     `xml:"testsuites"`
		Suites  []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Name      string        `xml:"name,attr"`
		ClassName string        `xml:"classname,attr"`
		File      string        `xml:"file,attr"`
		Line      int           `xml:"line,attr"`
		Failure   *junitMessage `xml:"failure"`
		Skipped   *junitMessage `xml:"skipped"`
	}
	junitMessage struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

func writeJUnit(w io.Writer, r *Report) error {
	var out junitSuites
	for _, f := range r.Files {
		s := junitSuite{Name: f.Path, Tests: len(f.Results)}
		for i := range f.Results {
			t := &f.Results[i]
			c := junitCase{Name: t.Test, ClassName: f.Path, File: f.Path, Line: t.Line}
			switch {
			case len(t.Failures) > 0:
				s.Failures++
				var text []string
				for _, fail := range t.Failures {
					text = append(text, fmt.Sprintf("%s:%d: step %d: %s", f.Path, fail.Line, fail.Step, fail.Message))
				}
				c.Failure = &junitMessage{Message: t.Failures[0].Message, Text: strings.Join(text, "\n")}
			case t.Skipped != "":
				s.Skipped++
				c.Skipped = &junitMessage{Message: t.Skipped}
			}
			s.Cases = append(s.Cases, c)
		}
		out.Suites = append(out.Suites, s)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(&out); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}
