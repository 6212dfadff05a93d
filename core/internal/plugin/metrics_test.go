package plugin

import (
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// metricValues returns the values of counters, gauges and histogram counts that are not zero, by name and labels.
func metricValues(t *testing.T, r prometheus.Gatherer) map[string]float64 {
	t.Helper()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := f.GetName()
			for _, l := range m.GetLabel() {
				name += " " + l.GetName() + "=" + l.GetValue()
			}
			v := map[dto.MetricType]float64{
				dto.MetricType_COUNTER: m.GetCounter().GetValue(), dto.MetricType_GAUGE: m.GetGauge().GetValue(),
				dto.MetricType_HISTOGRAM: float64(m.GetHistogram().GetSampleCount()),
			}[f.GetType()]
			if v != 0 {
				out[name] = v
			}
		}
	}
	return out
}

func TestMetrics(t *testing.T) {
	reg := prometheus.NewRegistry()
	m, err := NewMetrics(reg)
	if err != nil {
		t.Fatal(err)
	}
	r := run(t, "", func(o *Options) { o.Metrics = m })
	if _, err := r.receiveAt(r.ctx(), "/x", ""); err != nil {
		t.Fatal(err)
	}
	if _, err := r.receiveAt(r.ctx(), "/refuse", ""); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Deliver(r.ctx(), send(t, "/exit", "k")); err == nil {
		t.Fatal("the process is running")
	}
	r.waitFor("ready again", func(s Status) bool { return s.Instance == 2 && s.AcceptsCalls() })
	want := map[string]float64{
		"patchbay_adapter_up adapter=hostile":                                           1,
		"patchbay_adapter_info adapter=hostile version=6.6.6":                           1,
		"patchbay_adapter_restarts_total adapter=hostile reason=exited":                 1,
		"patchbay_adapter_calls_total adapter=hostile call=receive result=ok":           1,
		"patchbay_adapter_calls_total adapter=hostile call=receive result=unauthorized": 1,
		"patchbay_adapter_calls_total adapter=hostile call=deliver result=died":         1,
		"patchbay_adapter_call_duration_seconds adapter=hostile call=receive":           2,
		"patchbay_adapter_call_duration_seconds adapter=hostile call=deliver":           1,
	}
	if diff := cmp.Diff(want, metricValues(t, reg)); diff != "" {
		t.Error(diff)
	}
	r.stop()
	if metricValues(t, reg)["patchbay_adapter_up adapter=hostile"] != 0 {
		t.Error("a stopped adapter is up")
	}
	if _, err := NewMetrics(reg); err == nil {
		t.Error("registering twice is no error")
	}
}

func TestUnknownResultsAreOther(t *testing.T) {
	m, err := NewMetrics(nil)
	if err != nil {
		t.Fatal(err)
	}
	reg := prometheus.NewRegistry()
	reg.MustRegister(m.calls)
	m.of("a").receive.observe(time.Now(), "made up by an adapter")
	want := map[string]float64{"patchbay_adapter_calls_total adapter=a call=receive result=other": 1}
	if diff := cmp.Diff(want, metricValues(t, reg)); diff != "" {
		t.Error(diff)
	}
}

func TestMetricsOfACandidateAndOfARemovedAdapter(t *testing.T) {
	reg := prometheus.NewRegistry()
	m, err := NewMetrics(reg)
	if err != nil {
		t.Fatal(err)
	}
	adapters := func() (out []string) {
		families, err := reg.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			for _, metric := range f.GetMetric() {
				if f.GetName() == "patchbay_adapter_up" {
					out = append(out, metric.GetLabel()[0].GetValue())
				}
			}
		}
		return out
	}
	o := Options{Name: "first", Logger: slog.New(slog.DiscardHandler), Metrics: m}
	New(o)
	o.Name, o.Candidate = "next", true
	next := New(o)
	if diff := cmp.Diff([]string{"first"}, adapters()); diff != "" {
		t.Errorf("adapters with a candidate (-want +got):\n%s", diff)
	}
	next.Represent(true)
	if diff := cmp.Diff([]string{"first", "next"}, adapters()); diff != "" {
		t.Errorf("adapters after a reload (-want +got):\n%s", diff)
	}
	next.Represent(false)
	m.Remove("next")
	if diff := cmp.Diff([]string{"first"}, adapters()); diff != "" {
		t.Errorf("adapters after another reload (-want +got):\n%s", diff)
	}
}
