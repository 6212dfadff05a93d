package docs

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"patchbay/test/harness"
)

// sections is the folder with a file of conversation tests for each section of docs/routing.md. The name of a test is
// one or more sentences of the section.
const sections = "core/internal/scenario/testdata/routing"

func readFile(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(harness.Root(), path))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// readTrace returns the tests of each sentence in routing.trace. A sentence has one or more lines. After it, there is a
// line "= test" for each test.
func readTrace(t *testing.T) map[string][]string {
	t.Helper()
	trace, text := map[string][]string{}, ""
	for line := range strings.Lines(readFile(t, "test/docs/testdata/routing.trace")) {
		line = strings.TrimSpace(line)
		ref, isRef := strings.CutPrefix(line, "= ")
		switch {
		case isRef:
			trace[text] = append(trace[text], ref)
		case line == "" || line[0] == '#':
			text = ""
		default:
			text = strings.TrimSpace(text + " " + line)
		}
	}
	return trace
}

// testsOfSection returns the sentences that are names of a section's conversation tests with expectations, and the
// rules of these tests.
func testsOfSection(t *testing.T, section string) (names map[string]bool, rules []map[string]any) {
	t.Helper()
	var file struct {
		Routes []map[string]any
		Tests  []struct {
			Name  string
			Steps []map[string]any
		}
	}
	names = map[string]bool{}
	for _, end := range []string{"_test.yaml", ".yaml"} {
		data, err := os.ReadFile(filepath.Join(harness.Root(), sections, section+end))
		if err == nil {
			err = yaml.Unmarshal(data, &file)
		}
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(section, err)
		}
	}
	for _, test := range file.Tests {
		if slices.ContainsFunc(test.Steps, func(step map[string]any) bool { return step["expect"] != nil }) {
			for _, s := range split(test.Name) {
				names[s] = true
			}
		}
	}
	return names, file.Routes
}

// testExists reports whether a Go test exists. ref is folder.Test or folder.Test/subtest. The name of a subtest must be
// a string in the test, or the name of a file in a folder of testdata.
func testExists(t *testing.T, ref string) bool {
	t.Helper()
	dir, test, _ := strings.Cut(ref, ".")
	test, sub, hasSub := strings.Cut(test, "/")
	dir = filepath.Join(harness.Root(), dir)
	data, _ := filepath.Glob(filepath.Join(dir, "testdata", "*", sub+".*"))
	sources, _ := filepath.Glob(filepath.Join(dir, "*_test.go"))
	for _, path := range sources {
		if _, body, found := strings.Cut(readFile(t, relativePath(path)), "\nfunc "+test+"("); found {
			body, _, _ = strings.Cut(body, "\n}\n")
			return !hasSub || len(data) > 0 || strings.Contains(body, fmt.Sprintf("%q", sub))
		}
	}
	return false
}

// TestEachSentenceOfRoutingHasATest checks that each sentence of docs/routing.md is the name of a conversation test of
// its section, or has tests in testdata/routing.trace. There, "orientation" marks sentences that state no behavior.
func TestEachSentenceOfRoutingHasATest(t *testing.T) {
	trace, names, count := readTrace(t), map[string]map[string]bool{}, map[string]int{}
	unused := maps.Clone(trace)
	for _, s := range sentencesOf(readFile(t, "docs/routing.md")) {
		if names[s.section] == nil {
			names[s.section], _ = testsOfSection(t, s.section)
		}
		_, isNamed := names[s.section][s.text]
		switch refs := trace[s.text]; {
		case isNamed:
			count["conversation"]++
			names[s.section][s.text] = false
		case len(refs) == 0:
			t.Errorf("docs/routing.md:%d: no test in %s/%s_test.yaml has this name, and routing.trace does not have it:\n%s",
				s.line, sections, s.section, s.text)
		case refs[0] == "orientation":
			count["orientation"]++
		default:
			count["Go"]++
		}
		delete(unused, s.text)
	}
	for text, refs := range trace {
		for _, ref := range refs {
			if ref != "orientation" && !testExists(t, ref) {
				t.Errorf("routing.trace: the test %s of %q does not exist", ref, text)
			}
		}
	}
	for text := range unused {
		t.Errorf("routing.trace: docs/routing.md does not contain %q", text)
	}
	for section, unused := range names {
		for text, isUnused := range unused {
			if isUnused {
				t.Errorf("%s/%s_test.yaml: the section does not contain %q", sections, section, text)
			}
		}
	}
	files, _ := filepath.Glob(filepath.Join(harness.Root(), sections, "*_test.yaml"))
	for _, path := range files {
		if section := strings.TrimSuffix(filepath.Base(path), "_test.yaml"); names[section] == nil {
			t.Errorf("%s: docs/routing.md has no section %s", relativePath(path), section)
		}
	}
	t.Logf("sentences with conversation tests, Go tests and without behavior: %v", count)
}

// TestExamplesOfRoutingAreTested checks that the conversation tests of a section use the rules of its examples.
func TestExamplesOfRoutingAreTested(t *testing.T) {
	page := readFile(t, "docs/routing.md")
	for _, part := range strings.Split(page, "\n## ")[1:] {
		section, _, _ := strings.Cut(strings.ReplaceAll(strings.ToLower(part), " ", "-"), "\n")
		_, rules := testsOfSection(t, section)
		for _, block := range strings.Split(part, "```yaml fragment\n")[1:] {
			block, _, _ = strings.Cut(block, "```")
			var example struct{ Routes []map[string]any }
			if err := yaml.Unmarshal([]byte(block), &example); err != nil {
				t.Fatal(section, err)
			}
			for _, rule := range example.Routes {
				if !slices.ContainsFunc(rules, func(r map[string]any) bool { return reflect.DeepEqual(r, rule) }) {
					t.Errorf("%s/%s.yaml does not contain the rule %v", sections, section, rule["name"])
				}
			}
		}
	}
	tour, _, _ := strings.Cut(page, "\n## Events")
	if words := len(strings.Fields(tour)); words > 2000 {
		t.Errorf("the tour has %d words; ten minutes are enough for 2,000", words)
	}
}
