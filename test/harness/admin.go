package harness

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"patchbay/sandbox/gateway"
)

// Entry is one step of a trail, from the operators' API.
type Entry struct {
	At       time.Time `json:"at"`
	Seq      uint64    `json:"seq"`
	Step     string    `json:"step"`
	Channel  string    `json:"channel"`
	Envelope string    `json:"envelope"`
	VendorID string    `json:"vendor_id"`
	Kind     string    `json:"kind"`
	Role     string    `json:"role"`
	Delivery string    `json:"delivery"`
	Rule     string    `json:"rule"`
	Detail   string    `json:"detail"`
	Text     string    `json:"text"`
}

// PendingDelivery is a delivery that has not ended, or a held message.
type PendingDelivery struct {
	Delivery string `json:"delivery"`
	Channel  string `json:"channel"`
	Kind     string `json:"kind"`
	Status   string `json:"status"`
	Attempts int    `json:"attempts"`
	Reason   string `json:"reason"`
}

// Trail is one conversation's trail. State is empty if the conversation has ended.
type Trail struct {
	ID      string  `json:"id"`
	Live    bool    `json:"live"`
	Entries []Entry `json:"entries"`
	State   struct {
		Channel  string `json:"channel"`
		Customer string `json:"customer"`
		Owner    string `json:"owner"`
		Epoch    uint64 `json:"epoch"`
		Offer    string `json:"offer"`
	} `json:"state"`
	Pending []PendingDelivery `json:"pending"`
}

// Get calls the operators' listener and returns the status and the body. If there was no answer, the status is 0 and
// the body is the text of the error.
func (g *Gateway) Get(path string) (int, string) {
	status, body, err := gateway.Get(context.Background(), g.Admin+path)
	if err != nil {
		return 0, err.Error()
	}
	return status, string(body)
}

// Ready returns the answer of /readyz with all checks.
func (g *Gateway) Ready() (status int, body string) { return g.Get("/readyz?verbose") }

// Trace returns the trails that these ids belong to, with the texts; none if no id is known.
func (g *Gateway) Trace(t testing.TB, ids ...string) []Trail {
	t.Helper()
	status, body := g.Get("/api/trace?" + url.Values{"id": ids, "text": {"1"}}.Encode())
	if status == http.StatusNotFound {
		return nil
	}
	var answer struct {
		Conversations []Trail `json:"conversations"`
	}
	if status != http.StatusOK {
		t.Fatalf("trace of %d ids: status %d: %s", len(ids), status, body)
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		t.Fatalf("trace of %d ids: %v", len(ids), err)
	}
	return answer.Conversations
}

// Only returns the one trail that id belongs to.
func (g *Gateway) Only(t testing.TB, id string) *Trail {
	t.Helper()
	found := g.Trace(t, id)
	if len(found) != 1 {
		t.Fatalf("trace of %s: %d conversations, want 1", id, len(found))
	}
	return &found[0]
}

// Find returns the entries of the trail with this step, in order.
func (tr *Trail) Find(step string) []Entry {
	var out []Entry
	for _, e := range tr.Entries {
		if e.Step == step {
			out = append(out, e)
		}
	}
	return out
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

// Metric returns the sum of a counter's or gauge's series that have these labels: name, value, name, value. For a
// histogram it returns the number of observations. A missing metric is 0.
func (g *Gateway) Metric(t testing.TB, name string, labels ...string) float64 {
	t.Helper()
	return Sum(g.Scrape(t)[name], labels...)
}

// Sum adds up the series of a metric that have these labels.
func Sum(f *dto.MetricFamily, labels ...string) float64 {
	sum := 0.0
	for _, m := range f.GetMetric() {
		has := true
		for i := 0; i+1 < len(labels); i += 2 {
			has = has && slices.ContainsFunc(m.GetLabel(), func(l *dto.LabelPair) bool {
				return l.GetName() == labels[i] && l.GetValue() == labels[i+1]
			})
		}
		if has {
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return sum
}
