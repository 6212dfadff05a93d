package harness

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"patchbay/sandbox/gateway"
)

// Types of the API for operators.
type (
	Entry           = gateway.Entry
	PendingDelivery = gateway.PendingDelivery
	Trail           = gateway.Trail
)

// Get calls the admin listener and returns the status and the body of the response. If there was no response, the
// status is 0 and the body is the text of the error.
func (g *Gateway) Get(path string) (int, string) {
	status, body, err := gateway.Get(context.Background(), g.Admin+path)
	if err != nil {
		return 0, err.Error()
	}
	return status, string(body)
}

// Ready returns the response of /readyz with all checks.
func (g *Gateway) Ready() (status int, body string) { return g.Get("/readyz?verbose") }

// Trace returns the trails that contain these ids, with the texts of messages. It returns none if no id is known.
func (g *Gateway) Trace(t testing.TB, ids ...string) []Trail {
	t.Helper()
	query := url.Values{"id": ids, "text": {"1"}}
	found, err := gateway.Trace(context.Background(), g.child.Admin, query)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TraceOne returns the trail that contains id. It fails the test unless there is exactly one.
func (g *Gateway) TraceOne(t testing.TB, id string) *Trail {
	t.Helper()
	found := g.Trace(t, id)
	if len(found) != 1 {
		t.Fatalf("trace of %s: %d conversations, want 1", id, len(found))
	}
	return &found[0]
}

// Scrape returns all metrics by name.
func (g *Gateway) Scrape(t testing.TB) map[string]*dto.MetricFamily {
	t.Helper()
	status, body := g.Get("/metrics")
	if status != http.StatusOK {
		t.Fatalf("metrics: status %d: %s", status, body)
	}
	p := expfmt.NewTextParser(model.UTF8Validation)
	found, err := p.TextToMetricFamilies(strings.NewReader(body))
	if err != nil {
		t.Fatalf("metrics: %v", err)
	}
	return found
}

// Metric returns the sum over the series of a counter or gauge that have these labels: name, value, name, value. For a
// histogram it sums the numbers of observations. A missing metric is 0.
func (g *Gateway) Metric(t testing.TB, name string, labels ...string) float64 {
	t.Helper()
	return Sum(g.Scrape(t)[name], labels...)
}

// Sum returns the sum over the series of a metric that have these labels, as Metric does.
func Sum(f *dto.MetricFamily, labels ...string) float64 {
	sum := 0.0
	for _, m := range f.GetMetric() {
		matches := true
		for i := 0; i+1 < len(labels); i += 2 {
			matches = matches && slices.ContainsFunc(m.GetLabel(), func(l *dto.LabelPair) bool {
				return l.GetName() == labels[i] && l.GetValue() == labels[i+1]
			})
		}
		if matches {
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return sum
}

// Reload is the result of a reload of the configuration.
type Reload struct {
	Result   string   `json:"result"`
	Revision uint64   `json:"revision"`
	Problems []string `json:"problems"`
	Replaced []string `json:"replaced_processes"`
}

// Reload makes the gateway read its configuration file again, or return to the previous revision.
func (g *Gateway) Reload(t testing.TB, previous bool) Reload {
	t.Helper()
	const path, content = "/api/config/reload", `{"user": "test", "previous": %t}`
	status, body, err := gateway.Call(TestContext(t), http.MethodPost, g.Admin+path, fmt.Sprintf(content, previous))
	var out Reload
	if err != nil || status != http.StatusOK || json.Unmarshal(body, &out) != nil {
		t.Fatalf("reload: status %d: %s, %v", status, body, err)
	}
	return out
}

// Result is the result of a command of the gateway.
type Result struct {
	Code           int
	Stdout, Stderr string
}

// Run runs a command of the gateway with the gateway's environment, which contains the path of the configuration.
func (g *Gateway) Run(t testing.TB, args ...string) Result {
	t.Helper()
	return Run(t, g.child.Env, args...)
}

// Run runs a command of the gateway in the given environment.
func Run(t testing.TB, environment []string, args ...string) Result {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(TestContext(t), Binary("patchbay"), args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = environment, &out, &errs
	err := cmd.Run()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited || cmd.ProcessState.ExitCode() < 0 {
		t.Fatalf("patchbay %v: %v", args, err)
	}
	return Result{Code: cmd.ProcessState.ExitCode(), Stdout: out.String(), Stderr: errs.String()}
}
