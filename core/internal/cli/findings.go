package cli

import (
	"errors"
	"fmt"
	"slices"

	"patchbay/core/internal/app"
	"patchbay/core/internal/config"
)

// findingsJSON is the output of `patchbay check -o json`.
type findingsJSON struct {
	File     string        `json:"file"`
	Errors   int           `json:"errors"`
	Warnings int           `json:"warnings"`
	Findings []findingJSON `json:"findings"` // sorted by position
}

type findingJSON struct {
	Severity   string `json:"severity"` // error or warning
	Code       string `json:"code"`
	File       string `json:"file"`
	Line       int    `json:"line,omitempty"`   // from 1
	Column     int    `json:"column,omitempty"` // from 1, in characters
	Path       string `json:"path,omitempty"`
	Message    string `json:"message"`
	Suggestion string `json:"suggestion,omitempty"`
	Source     string `json:"source,omitempty"` // the line, without its indentation and without values of settings
	Caret      int    `json:"caret,omitempty"`  // column of the place in Source
}

// printJSON prints findings as JSON.
func (o *options) printJSON(errs, warnings []config.Problem) error {
	out := findingsJSON{File: o.config, Errors: len(errs), Warnings: len(warnings), Findings: []findingJSON{}}
	all := append(slices.Clone(errs), warnings...)
	config.SortProblems(all)
	for _, p := range all {
		severity := "error"
		if p.Code.IsWarning() {
			severity = "warning"
		}
		out.Findings = append(out.Findings, findingJSON{
			Severity: severity, Code: string(p.Code), File: p.File, Line: p.Line, Column: p.Column, Path: p.Path,
			Message: p.Message, Suggestion: p.Suggestion, Source: p.Excerpt.Line, Caret: p.Excerpt.Caret,
		})
	}
	return o.print(out)
}

// report prints a finding, with its line and a caret below the place.
func (o *options) report(prefix string, p config.Problem) {
	fmt.Fprintf(o.process.Stderr, "%s%s\n", prefix, p)
	if p.Excerpt.Line != "" {
		fmt.Fprintf(o.process.Stderr, "    %s\n    %s\n", p.Excerpt.Line, p.Excerpt.Marker())
	}
}

// warn prints warnings.
func (o *options) warn(warnings []config.Problem) {
	for _, w := range warnings {
		o.report("warning: ", w)
	}
}

// joinProblems returns the problems of loading, with advice about the attributes that the adapters declare, and the
// problems of the adapters.
func joinProblems(loading []config.Problem, found app.Findings) []config.Problem {
	list := slices.Clone(loading)
	for i := range list {
		if p := &list[i]; p.Variable != "" && found.Declared.Attributes != nil {
			p.Message, p.Suggestion = found.Declared.UnknownVariable(p.Variable)
		}
	}
	return append(list, found.Problems...)
}

// invalid prints the problems of err and of the adapters, and returns the error that ends the command.
func (o *options) invalid(code int, err error, found app.Findings) error {
	problems, ok := errors.AsType[*config.Problems](err)
	if !ok {
		return &exitError{code: code, err: err}
	}
	o.warn(found.Warnings)
	list := joinProblems(problems.List, found)
	config.SortProblems(list)
	for _, p := range list {
		o.report("", p)
	}
	fmt.Fprintf(o.process.Stderr, "patchbay: %s in %s\n", count(len(list), "problem"), o.config)
	return &exitError{code: code, printed: true, err: err}
}
