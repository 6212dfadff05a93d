package docs

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"patchbay/sandbox/native"
	"patchbay/test/harness"
)

var (
	metricName = regexp.MustCompile(`patchbay_[a-z0-9_]+`)
	bucket     = regexp.MustCompile(`_bucket\b`)
)

// TestMetricsTableIsComplete compares the names in operations.md with the golden file of the metrics, and with the
// metrics of a gateway after one message, its answer and one refused webhook.
func TestMetricsTableIsComplete(t *testing.T) {
	w := harness.NewWorld(t, harness.Vendors{})
	g := harness.NewGateway(t, w, harness.Config{})
	ctx := harness.TestContext(t)
	if err := harness.Say(ctx, w.Livechat, "reader", "hello"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Livechat.Answers("reader").Next(ctx, 0); err != nil {
		t.Fatal(err)
	}
	resp, err := http.Post(g.Public+native.MessagesPath, "application/json", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	live := map[string]bool{}
	harness.Eventually(t, 30*time.Second, "the call's result is counted", func() string {
		for name := range g.Scrape(t) {
			if metricName.MatchString(name) {
				live[name] = true
			}
		}
		if !live["patchbay_delivery_attempts_total"] {
			return "no patchbay_delivery_attempts_total"
		}
		return ""
	})
	content, err := os.ReadFile(filepath.Join(harness.Root(), "docs", "operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	documented := metricName.FindAllString(bucket.ReplaceAllString(string(content), ""), -1)
	for name := range live {
		if adapter, ok := adapterOfMetric(name); ok {
			if readme := filepath.Join(harness.Root(), "plugins", adapter, "README.md"); !mentions(t, readme, name) {
				t.Errorf("%s is not in %s", name, readme)
			}
		} else if !slices.Contains(documented, name) {
			t.Errorf("%s is not in operations.md", name)
		}
	}
	// A scrape does not show metrics without samples, such as those of errors.
	golden, err := os.ReadFile(filepath.Join(harness.Root(), "core", "internal", "telemetry", "testdata", "metrics.golden"))
	if err != nil {
		t.Fatal(err)
	}
	known := metricName.FindAllString(string(golden), -1)
	for _, name := range documented {
		isPrefix := strings.HasSuffix(name, "_")
		if !live[name] && !slices.Contains(known, name) && !isPrefix {
			t.Errorf("operations.md has %s, which is not a metric of the gateway", name)
		}
	}
	for _, name := range known {
		if !slices.Contains(documented, name) {
			t.Errorf("%s is not in operations.md", name)
		}
	}
}

// adapterOfMetric returns the adapter that registers a metric, and false if the gateway registers it.
func adapterOfMetric(name string) (adapter string, ok bool) {
	rest, ok := strings.CutPrefix(name, "patchbay_plugin_")
	adapter, _, _ = strings.Cut(rest, "_")
	return adapter, ok && adapter != "scrape"
}

func mentions(t *testing.T, file, word string) bool {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(string(content), word)
}
