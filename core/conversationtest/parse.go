package conversationtest

import (
	"bytes"
	"path/filepath"
	"strings"
	"time"

	"patchbay/core/internal/config"
)

// defaultStart is a Monday. The time is in the zone of the file.
var defaultStart = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// Suffix is the end of the name of a file of conversation tests.
const Suffix = "_test.yaml"

// parser reads one file.
type parser struct {
	decoder
	zone  *time.Location
	start time.Time
}

// Parse reads a file of conversation tests. If there are problems, the File is incomplete. Check reports unknown names
// of channels and rules.
func Parse(path string, data []byte) (*File, []config.Problem) {
	root, problems := config.ReadYAML(path, data)
	p := &parser{decoder: decoder{problems}, zone: time.UTC}
	f := &File{Path: path, Lines: bytes.Count(bytes.TrimSuffix(data, []byte("\n")), []byte("\n")) + 1, node: root}
	configPath, start, zone := "", "", "UTC"
	var tests config.Value
	var hasTests bool
	var startAt config.Value
	p.fields(root, map[string]func(config.Value){
		"config": p.setNonEmpty(&configPath),
		"zone": func(v config.Value) {
			var err error
			zone = p.text(v)
			if p.zone, err = time.LoadLocation(zone); err != nil || zone == "Local" {
				p.zone = time.UTC
				p.bad(v, "is not a time zone; write a name such as Europe/Berlin")
			}
		},
		"start": func(v config.Value) { start, startAt = p.text(v), v },
		"tests": func(v config.Value) { tests, hasTests = v, true },
	})
	p.start = time.Date(2026, 3, 2, 9, 0, 0, 0, p.zone)
	if start != "" {
		p.start = p.startTime(startAt, start)
	}
	if hasTests {
		p.list(tests, func(v config.Value) { f.Tests = append(f.Tests, p.test(v)) })
	}
	p.checkNames(f)
	f.Config = configFile(path, configPath)
	config.SortProblems(p.problems)
	return f, p.problems
}

// configFile returns the path of the configuration: as given, from the folder of the test file, or the file whose name
// is that of the test file without _test.
func configFile(path, given string) string {
	switch {
	case given == "":
		return strings.TrimSuffix(path, Suffix) + ".yaml"
	case filepath.IsAbs(given):
		return given
	}
	return filepath.Join(filepath.Dir(path), given)
}

// startTime parses the time at which a test starts. It must have a date.
func (p *parser) startTime(v config.Value, s string) time.Time {
	c, err := parseClock(s, p.zone)
	if err != nil || c.exact.IsZero() {
		p.bad(v, `must be a date with a time, such as "2026-03-02 18:00" or 2026-03-02T18:00:00Z`)
		return defaultStart
	}
	return c.exact
}

// checkNames reports tests without a name, names that are used twice, and a file without tests.
func (p *parser) checkNames(f *File) {
	if len(f.Tests) == 0 && len(p.problems) == 0 {
		p.bad(f.node, "has no tests")
	}
	seen := map[string]bool{}
	for i := range f.Tests {
		t := &f.Tests[i]
		switch {
		case t.Name == "":
			p.bad(t.node, "the key name is missing")
		case seen[t.Name]:
			p.bad(t.node, "a test with the name %q exists already", t.Name)
		}
		seen[t.Name] = true
	}
}

func (p *parser) test(v config.Value) Test {
	t := Test{Start: p.start, node: v}
	p.fields(v, map[string]func(config.Value){
		"name":  p.setNonEmpty(&t.Name),
		"start": func(v config.Value) { t.Start = p.startTime(v, p.text(v)) },
		"steps": func(v config.Value) {
			p.list(v, func(v config.Value) { t.Steps = append(t.Steps, p.step(v)) })
		},
	})
	if v.IsMapping() && len(t.Steps) == 0 {
		p.bad(v, "has no steps")
	}
	return t
}
