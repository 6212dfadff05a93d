package plugin

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"patchbay/sdk"
	"patchbay/sdk/protocol/pluginpb"
)

// Metrics are the metrics of all adapters. Use one set per registerer.
type Metrics struct {
	up       *prometheus.GaugeVec
	restarts *prometheus.CounterVec
	info     *prometheus.GaugeVec
	calls    *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

// NewMetrics registers the metrics with r, unless r is nil.
func NewMetrics(r prometheus.Registerer) (*Metrics, error) {
	m := &Metrics{
		up: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "patchbay_adapter_up", Help: "Whether the adapter accepts calls.",
		}, []string{"adapter"}),
		restarts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "patchbay_adapter_restarts_total", Help: "Plugin processes that ended or failed to start, by reason.",
		}, []string{"adapter", "reason"}),
		info: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "patchbay_adapter_info", Help: "Version of the running adapter; always 1.",
		}, []string{"adapter", "version"}),
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "patchbay_adapter_calls_total",
			Help: "Calls to the adapter, by result: ok, the kind of an error, or another reason.",
		}, []string{"adapter", "call", "result"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "patchbay_adapter_call_duration_seconds", Help: "Time of one call to the adapter.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"adapter", "call"}),
	}
	if r == nil {
		return m, nil
	}
	var errs []error
	for _, c := range []prometheus.Collector{m.up, m.restarts, m.info, m.calls, m.seconds} {
		errs = append(errs, r.Register(c))
	}
	return m, errors.Join(errs...)
}

// Values of the label call.
const (
	callReceive = "receive"
	callDeliver = "deliver"
	callOpen    = "open"
	callFetch   = "fetch"
)

// Values of the label result, in addition to the error kinds.
const (
	resultOK       = "ok"
	resultTimeout  = "timeout"
	resultNotReady = "not_ready"
	resultTooLarge = "too_large"
	resultGivenUp  = "given_up" // the adapter was not called again
	resultOther    = "other"
)

var callResults = []string{
	resultOK, string(FaultDied), string(FaultHung), string(FaultPanicked), resultTimeout, resultNotReady, resultTooLarge,
	resultGivenUp, resultOther,
	string(sdk.KindInvalid), string(sdk.KindUnauthorized), string(sdk.KindUnsupported), string(sdk.KindPermanent),
	string(sdk.KindTransient), string(sdk.KindThrottled), string(sdk.KindDeclined), string(sdk.KindGone),
	string(sdk.KindUnknown),
}

// hostMetrics are the metrics of one adapter.
type hostMetrics struct {
	restarts map[string]prometheus.Counter
	adapter  string
	up, info *prometheus.GaugeVec // of all adapters
	receive  *callMetrics
	deliver  *callMetrics
	open     *callMetrics
	fetch    *callMetrics
}

// setVersion sets the version of the running adapter.
func (m *hostMetrics) setVersion(version string) {
	m.info.DeletePartialMatch(prometheus.Labels{"adapter": m.adapter})
	m.info.WithLabelValues(m.adapter, version).Set(1)
}

// setUp sets whether the adapter accepts calls.
func (m *hostMetrics) setUp(serving bool) {
	up := 0.0
	if serving {
		up = 1
	}
	m.up.WithLabelValues(m.adapter).Set(up)
}

// Remove removes the metrics up and info of an adapter that is not configured any more. No Host may represent it.
func (m *Metrics) Remove(adapter string) {
	m.up.DeleteLabelValues(adapter)
	m.info.DeletePartialMatch(prometheus.Labels{"adapter": adapter})
}

type callMetrics struct {
	results map[string]prometheus.Counter
	seconds prometheus.Observer
}

func (m *Metrics) of(adapter string) *hostMetrics {
	h := &hostMetrics{
		up: m.up, adapter: adapter, info: m.info, restarts: map[string]prometheus.Counter{},
		receive: m.call(adapter, callReceive), deliver: m.call(adapter, callDeliver), open: m.call(adapter, callOpen),
		fetch: m.call(adapter, callFetch),
	}
	for _, r := range restartReasons {
		h.restarts[r] = m.restarts.WithLabelValues(adapter, r)
	}
	return h
}

func (m *Metrics) call(adapter, call string) *callMetrics {
	c := &callMetrics{results: map[string]prometheus.Counter{}, seconds: m.seconds.WithLabelValues(adapter, call)}
	for _, r := range callResults {
		c.results[r] = m.calls.WithLabelValues(adapter, call, r)
	}
	return c
}

// observe counts a call. An unknown result counts as other.
func (c *callMetrics) observe(start time.Time, result string) {
	counter := c.results[result]
	if counter == nil {
		counter = c.results[resultOther]
	}
	counter.Inc()
	c.seconds.Observe(time.Since(start).Seconds())
}

func resultOf(err error) string {
	if broke, ok := errors.AsType[*BrokeError](err); ok {
		return string(broke.Fault)
	}
	if _, ok := errors.AsType[*TooLargeError](err); ok {
		return resultTooLarge
	}
	if _, ok := errors.AsType[*GivenUpError](err); ok {
		return resultGivenUp
	}
	if errors.Is(err, ErrNotReady) {
		return resultNotReady
	}
	return resultTimeout
}

func kindOrOK(e *pluginpb.Error) string {
	if e == nil {
		return resultOK
	}
	return e.GetKind()
}
