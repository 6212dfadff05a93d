package telemetry_test

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"

	"patchbay/core/internal/admin"
	"patchbay/core/internal/attempt"
	"patchbay/core/internal/config"
	"patchbay/core/internal/conversation"
	"patchbay/core/internal/journal"
	"patchbay/core/internal/plugin"
	"patchbay/core/internal/state"
	"patchbay/core/internal/store/memory"
	"patchbay/core/internal/telemetry"
	"patchbay/core/internal/writer"
)

var update = flag.Bool("update", false, "write the golden files")

// recorder registers collectors and records their names, types and labels.
type recorder struct {
	*prometheus.Registry
	lines []string
}

var descForm = regexp.MustCompile(`fqName: "([^"]*)".*variableLabels: \{([^}]*)\}`)

func (r *recorder) Register(c prometheus.Collector) error {
	r.describe(c)
	return r.Registry.Register(c)
}

func (r *recorder) MustRegister(cs ...prometheus.Collector) {
	for _, c := range cs {
		r.describe(c)
	}
	r.Registry.MustRegister(cs...)
}

func (r *recorder) describe(c prometheus.Collector) {
	kind := strings.ToLower(strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%T", c), "*prometheus."), "Vec"))
	descs := make(chan *prometheus.Desc, 16)
	c.Describe(descs)
	close(descs)
	for d := range descs {
		m := descForm.FindStringSubmatch(d.String())
		r.lines = append(r.lines, strings.TrimSpace(m[1]+" "+kind+" "+m[2]))
	}
}

// registerAll registers every metric, gives each at least one value, and returns their descriptions and samples.
func registerAll(t *testing.T) (lines []string, families []*dto.MetricFamily) {
	t.Helper()
	reg := &recorder{Registry: telemetry.NewRegistry("1.2.3")}
	m := telemetry.NewMetrics(reg, []string{"web", "faq"}, []string{"greet", "never-failed"})
	telemetry.NewConfig(reg).Started("0123456789ab", 1, time.Unix(0, 0), false)
	kept := telemetry.NewMedia(reg, []string{"web", "faq"})
	kept.Served(200)
	kept.Stored(100, 1)
	calls, err := plugin.NewMetrics(reg)
	if err != nil {
		t.Fatal(err)
	}
	bot := plugin.New(plugin.Options{
		Name: "bot", Command: "/bin/true", Logger: slog.New(slog.DiscardHandler), Metrics: calls,
	})
	st := state.New()
	if err := st.FoldRecord(1, &journal.Record{Changes: []*journal.Change{deadLettered()}}); err != nil {
		t.Fatal(err)
	}
	admin.New(admin.Options{
		Registry: reg.Registry, Writer: stateWriter{st}, Logger: slog.New(slog.DiscardHandler),
		Running: func() *admin.Running {
			return &admin.Running{
				Config: &config.Config{Channels: []config.Channel{{Name: "web"}}}, Hosts: map[string]*plugin.Host{"bot": bot},
			}
		},
		Log: memory.NewDisk(0).Open(), Lanes: idleLanes{},
	})
	m.Refused("bot", "method")
	m.Subscribed("web", true)
	m.Responded("bot", 200, time.Second)
	m.Attempted("faq", "delivered", time.Second, 2*time.Second)
	m.Committed(writer.Commit{Record: allChanges()})
	families, err = reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, l := range reg.lines {
		name, _, _ := strings.Cut(l, " ")
		known[name] = true
	}
	lines = reg.lines
	for _, f := range families { // registered without the recorder
		if name := f.GetName(); strings.HasPrefix(name, "patchbay_") && !known[name] {
			var labels []string
			for _, l := range f.GetMetric()[0].GetLabel() {
				labels = append(labels, l.GetName())
			}
			lines = append(lines, strings.TrimSpace(name+" "+strings.ToLower(f.GetType().String())+" "+strings.Join(labels, ",")))
		}
	}
	slices.Sort(lines)
	return lines, families
}

type stateWriter struct{ state *state.State }

func (w stateWriter) View(_ context.Context, f func(*state.State)) error            { f(w.state); return nil }
func (stateWriter) Do(context.Context, func(*conversation.Transaction) error) error { return nil }

// idleLanes are lanes without calls.
type idleLanes struct{}

func (idleLanes) State(string) attempt.ChannelState { return attempt.ChannelState{} }

func (idleLanes) CallTime(string) (time.Duration, bool) { return 0, false }

func (stateWriter) Drain()                    {}
func (stateWriter) Draining() <-chan struct{} { return nil }
func (stateWriter) Writable() error           { return nil }

func change(conv string, kind any) *journal.Change {
	ch := &journal.Change{Conversation: conv}
	journal.SetKind(ch, kind)
	return ch
}

func deadLettered() *journal.Change {
	return change("c1", &journal.Change_DeadLettered{DeadLettered: &journal.DeadLettered{
		Delivery: &journal.Delivery{Id: "d1", Channel: "faq", Kind: state.KindSend}, Error: "permanent",
	}})
}

// allChanges returns a record with one change of each kind that a metric counts.
func allChanges() *journal.Record {
	return &journal.Record{Changes: []*journal.Change{
		change("c1", &journal.Change_Opened{Opened: &journal.Opened{Channel: "web"}}),
		change("c2", &journal.Change_Opened{Opened: &journal.Opened{Channel: "web"}}),
		change("c1", &journal.Change_Accepted{Accepted: &journal.Accepted{Channel: "faq"}}),
		change("c1", &journal.Change_Answered{Answered: &journal.Answered{Channel: "faq", After: 2e9}}),
		change("c1", &journal.Change_Accepted{Accepted: &journal.Accepted{Channel: "faq"}}),
		change("c1", &journal.Change_Duplicate{Duplicate: &journal.Duplicate{Channel: "web"}}),
		change("c1", &journal.Change_Disposed{Disposed: &journal.Disposed{Channel: "faq", Status: state.StatusFenced}}),
		change("c1", &journal.Change_Disposed{Disposed: &journal.Disposed{Channel: "faq", Status: state.StatusUnrouted}}),
		change("c1", &journal.Change_Disposed{Disposed: &journal.Disposed{Channel: "web", Status: state.StatusBlank}}),
		change("c1", &journal.Change_Passed{Passed: &journal.Passed{Owner: "faq"}}),
		change("c1", &journal.Change_Routed{Routed: &journal.Routed{
			Event: "message", Rules: []string{"greet"}, Errors: []string{"greet: no"},
		}}),
		change("c1", &journal.Change_Queued{Queued: &journal.Queued{Delivery: &journal.Delivery{Channel: "faq"}}}),
		change("c1", &journal.Change_Queued{Queued: &journal.Queued{Delivery: &journal.Delivery{Channel: "faq"}}}),
		change("c1", &journal.Change_Ended{Ended: &journal.Ended{Channel: "faq", Status: state.StatusDead}}),
		change("c1", &journal.Change_Queued{Queued: &journal.Queued{Delivery: &journal.Delivery{Channel: "faq"}}}),
		change("c1", &journal.Change_Ended{Ended: &journal.Ended{Channel: "faq", Status: state.StatusMerged}}),
		deadLettered(),
		change("c1", &journal.Change_OfferEnded{OfferEnded: &journal.OfferEnded{Target: "faq", Outcome: "declined"}}),
		change("c2", &journal.Change_Closing{Closing: &journal.Closing{Rule: state.ReasonCloseAfter}}),
		change("c2", &journal.Change_Closed{Closed: &journal.Closed{Reason: state.ReasonArchived}}),
	}}
}

// Users' dashboards and alerts contain these names and labels.
func TestMetricNamesAndLabelsMatchTheGoldenFile(t *testing.T) {
	lines, _ := registerAll(t)
	got := strings.Join(lines, "\n") + "\n"
	const path = "testdata/metrics.golden"
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("metrics differ (-want +got):\n%s", diff)
	}
}

func TestMetricsFollowPrometheusConventions(t *testing.T) {
	_, families := registerAll(t)
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestHistogramsAreClassicAndNative(t *testing.T) {
	_, families := registerAll(t)
	n := 0
	for _, f := range families {
		if f.GetType() == dto.MetricType_HISTOGRAM && strings.HasPrefix(f.GetName(), "patchbay_commit") {
			n++
			if h := f.GetMetric()[0].GetHistogram(); len(h.GetBucket()) == 0 || h.Schema == nil {
				t.Errorf("%s is not both classic and native", f.GetName())
			}
		}
	}
	if n == 0 {
		t.Error("no histogram found")
	}
}

// value returns a counter's or gauge's value, or a histogram's number of observations.
func value(t *testing.T, families []*dto.MetricFamily, name string, labels ...string) float64 {
	t.Helper()
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			var have []string
			for _, l := range m.GetLabel() {
				have = append(have, l.GetValue())
			}
			if slices.Equal(have, labels) {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	t.Errorf("no %s%v", name, labels)
	return -1
}

func TestEachChangeIsCounted(t *testing.T) {
	_, families := registerAll(t)
	for _, tc := range []struct {
		name   string
		labels []string
		want   float64
	}{
		{"patchbay_conversations", nil, 1},
		{"patchbay_duplicates_total", []string{"web"}, 1},
		{"patchbay_fenced_total", []string{"faq"}, 1},
		{"patchbay_fenced_total", []string{"web"}, 0},
		{"patchbay_unrouted_total", []string{"faq"}, 1},
		{"patchbay_unrouted_total", []string{"web"}, 0},
		{"patchbay_blank_total", []string{"web"}, 1},
		{"patchbay_handovers_total", []string{"faq"}, 1},
		{"patchbay_answer_duration_seconds", []string{"faq"}, 1},
		{"patchbay_route_matches_total", []string{"greet"}, 1},
		{"patchbay_route_errors_total", []string{"greet"}, 1},
		{"patchbay_route_errors_total", []string{"never-failed"}, 0},
		{"patchbay_conversations_opened_total", []string{"web"}, 2},
		{"patchbay_conversations_closed_total", []string{"close_after"}, 1},
		{"patchbay_conversations_closed_total", []string{"rule"}, 0},
		{"patchbay_offers_total", []string{"faq", "declined"}, 1},
		{"patchbay_offers_total", []string{"faq", "accepted"}, 0},
		{"patchbay_deliveries_pending", []string{"faq"}, 1},
		{"patchbay_deliveries_total", []string{"faq", "dead"}, 1},
		{"patchbay_deliveries_total", []string{"faq", "merged"}, 1},
		{"patchbay_deliveries_total", []string{"faq", "delivered"}, 0},
		{"patchbay_dead_letters_total", []string{"faq", "permanent"}, 1},
		{"patchbay_dead_letters", []string{"faq", "permanent"}, 1},
		{"patchbay_delivery_attempts_total", []string{"faq", "delivered"}, 1},
		{"patchbay_end_to_end_duration_seconds", []string{"faq"}, 1},
		{"patchbay_http_requests_refused_total", []string{"bot", "method"}, 1},
		{"patchbay_http_requests_total", []string{"bot", "200"}, 1},
	} {
		if got := value(t, families, tc.name, tc.labels...); got != tc.want {
			t.Errorf("%s%v = %v, want %v", tc.name, tc.labels, got, tc.want)
		}
	}
}

func TestGaugesAfterARestart(t *testing.T) {
	reg := prometheus.NewRegistry()
	m := telemetry.NewMetrics(reg, []string{"faq"}, nil)
	m.Restored(7, map[string]int{"faq": 3, "unconfigured": 1})
	for state, want := range map[string]float64{"open": 2, "half-open": 1, "closed": 0} {
		m.Breaker("faq", state)
		families, err := reg.Gather()
		if err != nil {
			t.Fatal(err)
		}
		if got := value(t, families, "patchbay_breaker_state", "faq"); got != want {
			t.Errorf("breaker %s = %v, want %v", state, got, want)
		}
		if value(t, families, "patchbay_conversations") != 7 || value(t, families, "patchbay_deliveries_pending", "faq") != 3 {
			t.Error("restored conversations and pending deliveries are not shown")
		}
	}
	m.Received("unconfigured") // has no label
	m.Attempted("faq", "transient", time.Second, time.Second)
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	if got := value(t, families, "patchbay_end_to_end_duration_seconds", "faq"); got != 0 {
		t.Errorf("failed attempts counted as end to end: %v, want 0", got)
	}
}

func TestRemovedChannelHasNoState(t *testing.T) {
	reg := prometheus.NewRegistry()
	m := telemetry.NewMetrics(reg, []string{"faq", "web"}, nil)
	m.Breaker("faq", "open")
	m.Subscribed("faq", false)
	m.Unsubscribed("faq")
	m.Configure([]string{"web"}, nil)
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if n := f.GetName(); n != "patchbay_breaker_state" && n != "patchbay_subscription_up" {
			continue
		}
		for _, metric := range f.GetMetric() {
			if channel := metric.GetLabel()[0].GetValue(); channel != "web" {
				t.Errorf("%s has the removed channel %s", f.GetName(), channel)
			}
		}
	}
}
