package docs

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"patchbay/test/harness"
)

// rules contains the members of a Prometheus rule file that the test reads.
type rules struct {
	Groups []struct {
		Rules []struct {
			Alert       string            `yaml:"alert"`
			Expr        string            `yaml:"expr"`
			Labels      map[string]string `yaml:"labels"`
			Annotations map[string]string `yaml:"annotations"`
		} `yaml:"rules"`
	} `yaml:"groups"`
}

var (
	seriesSuffix   = regexp.MustCompile(`_(bucket|sum|count)$`)
	byClause       = regexp.MustCompile(`by \(([a-z_, ]+)\)`)
	labelMatcher   = regexp.MustCompile(`([a-z_]+) *(?:=~|!~|!=|=)"`)
	labelReference = regexp.MustCompile(`\$labels\.([a-z_]+)`)
)

// TestAlertsAreConsistent checks that each alert uses existing metrics and labels, and that operations.md has a remedy
// for each alert.
func TestAlertsAreConsistent(t *testing.T) {
	labels := metricLabels(t)
	operations, err := os.ReadFile(filepath.Join(harness.Root(), "docs", "operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(harness.Root(), "docs", "alerts.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var all rules
	if err := yaml.Unmarshal(content, &all); err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for _, group := range all.Groups {
		for _, r := range group.Rules {
			named[r.Alert] = true
			has := map[string]bool{"le": true}
			names := metricName.FindAllString(r.Expr, -1)
			for _, name := range names {
				own, known := labels[seriesSuffix.ReplaceAllString(name, "")]
				if !known {
					t.Errorf("%s uses the unknown metric %s", r.Alert, name)
				}
				for _, l := range own {
					has[l] = true
				}
			}
			used := labelMatcher.FindAllStringSubmatch(r.Expr, -1)
			for _, list := range byClause.FindAllStringSubmatch(r.Expr, -1) {
				for l := range strings.SplitSeq(list[1], ",") {
					used = append(used, []string{"", strings.TrimSpace(l)})
				}
			}
			for _, l := range append(used, labelReference.FindAllStringSubmatch(r.Annotations["summary"], -1)...) {
				if !has[l[1]] {
					t.Errorf("%s uses the label %s, which its metrics do not have", r.Alert, l[1])
				}
			}
			if url := r.Annotations["runbook_url"]; url != "docs/operations.md#alerts" {
				t.Errorf("%s has the runbook_url %q", r.Alert, url)
			}
			if len(names) == 0 || r.Labels["severity"] == "" || r.Annotations["summary"] == "" {
				t.Errorf("%s has no metric, severity or summary: %+v", r.Alert, r)
			}
			if !strings.Contains(string(operations), "\n| `"+r.Alert+"` | ") {
				t.Errorf("operations.md has no remedy for %s", r.Alert)
			}
		}
	}
	if len(named) < 10 {
		t.Errorf("%d alerts, want at least 10", len(named))
	}
	for _, name := range regexp.MustCompile("(?m)^\\| `(Patchbay[A-Za-z]+)` \\|").FindAllStringSubmatch(string(operations), -1) {
		if !named[name[1]] {
			t.Errorf("operations.md has the alert %s, which is not in alerts.yaml", name[1])
		}
	}
}

// TestAlertsFireOncePerCause runs the cases of alerts_test.yaml in promtool.
func TestAlertsFireOncePerCause(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not installed")
	}
	if out, err := exec.Command(promtool, "test", "rules", "testdata/alerts_test.yaml").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// metricLabels returns the names of the labels of the gateway's metrics, by metric.
func metricLabels(t *testing.T) map[string][]string {
	t.Helper()
	golden, err := os.ReadFile(filepath.Join(harness.Root(), "core", "internal", "telemetry", "testdata", "metrics.golden"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]string{}
	for line := range strings.Lines(string(golden)) {
		f := strings.Fields(line)
		out[f[0]] = nil
		if len(f) > 2 {
			out[f[0]] = strings.Split(f[2], ",")
		}
	}
	return out
}
