package scenario_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"patchbay/core/conversationtest"
	"patchbay/core/internal/app"
	"patchbay/core/internal/config"
	"patchbay/core/internal/recorded"
	"patchbay/core/internal/route"
	"patchbay/core/internal/scenario"
)

// routing is the folder of the conversation tests whose names are sentences of docs/routing.md.
const routing = "testdata/routing"

// runFile runs the conversation tests of a file.
func runFile(t *testing.T, path string) *conversationtest.FileReport {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	file, problems := conversationtest.Parse(path, data)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	cfg, err := config.Load(config.Options{Path: file.Config, NoSecrets: true})
	if err != nil {
		t.Fatal(err)
	}
	var rules []string
	for _, r := range cfg.Routes {
		rules = append(rules, r.Name)
	}
	policy, giveUp := app.AssumedPolicy(cfg)
	report := (&conversationtest.Report{}).File(path, file.Config, rules)
	for i := range file.Tests {
		w := scenario.New(scenario.Options{Policy: policy, GiveUp: giveUp}, file.Tests[i].Start)
		report.Add(conversationtest.Run(t.Context(), &file.Tests[i], w), w.Matched())
		checkDecisions(t, w, policy.Routes)
		checkExports(t, w, scenario.Options{Policy: policy, GiveUp: giveUp})
	}
	return report
}

// checkDecisions checks that the recorded facts have the recorded decisions, also after they are encoded as JSON and
// decoded, and that the explanations have the same rules.
func checkDecisions(t *testing.T, w *scenario.World, table *route.Table) {
	t.Helper()
	for _, d := range w.Decisions() {
		data, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		read := &recorded.Decision{}
		if err := json.Unmarshal(data, read); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(d.Rules, read.Facts.Decide(table)); diff != "" {
			t.Errorf("record %d: recorded rules and those of the recorded facts %s:\n%s", d.Seq, data, diff)
		}
		matching := []string{}
		for _, e := range table.Explain(read.Facts.RouteFacts(table)) {
			if e.Matches && e.Reached {
				matching = append(matching, e.Rule)
			}
		}
		if diff := cmp.Diff(d.Rules, matching); diff != "" {
			t.Errorf("record %d: recorded and explained rules:\n%s", d.Seq, diff)
		}
	}
}

// usesPatterns reports whether a rule has a regular expression. A regular expression can fail to match placeholders.
func usesPatterns(table *route.Table) bool {
	for i := range table.Rules() {
		if strings.Contains(table.Rule(i).When, "matches(") {
			return true
		}
	}
	return false
}

// checkExports checks that each conversation of a World can be exported to a test, with texts and with placeholders.
// The test must succeed, or contain a note about the events that it does not repeat.
func checkExports(t *testing.T, w *scenario.World, o scenario.Options) {
	t.Helper()
	for i := 0; ; i++ {
		for _, texts := range []bool{true, false} {
			if !texts && usesPatterns(o.Policy.Routes) {
				continue
			}
			x := &recorded.Export{Texts: texts}
			if !w.Export(i, x) {
				return
			}
			data, err := x.YAML("config.yaml")
			if err != nil {
				t.Fatal(err)
			}
			file, problems := conversationtest.Parse("exported_test.yaml", data)
			if len(problems) > 0 {
				t.Fatalf("exported test: %v\n%s", problems, data)
			}
			if strings.Contains(string(data), recorded.OmittedPrefix) {
				continue
			}
			again := scenario.New(o, file.Tests[0].Start)
			for _, f := range conversationtest.Run(t.Context(), &file.Tests[0], again).Failures {
				t.Errorf("exported test, line %d: %s\n%s", f.Line, f.Message, data)
			}
		}
	}
}

// TestConversations runs the conversation tests in testdata, the tests of the repository's config.yaml and those of the
// examples. The tests of a file must reach all its rules.
func TestConversations(t *testing.T) {
	paths := []string{"../../../config_test.yaml"}
	for _, folder := range []string{"testdata", routing, "../../../docs/examples"} {
		files, err := filepath.Glob(folder + "/*_test.yaml")
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: no files: %v", folder, err)
		}
		paths = append(paths, files...)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			report := runFile(t, path)
			for _, r := range report.Results {
				for _, f := range r.Failures {
					t.Errorf("%s:%d: %s: step %d: %s", path, f.Line, r.Test, f.Step, f.Message)
				}
				if r.Skipped != "" {
					t.Errorf("%s: %s: %s", path, r.Test, r.Skipped)
				}
			}
			for _, rule := range report.Rules {
				if !rule.Reached {
					t.Errorf("%s: no test reaches the rule %s", path, rule.Name)
				}
			}
		})
	}
}
