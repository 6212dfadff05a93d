package serve

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"reflect"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
	"patchbay/sdk/httpclient"
	"patchbay/sdk/protocol/pluginpb"
	"patchbay/sdk/settings"
)

// service is the adapter's end of the wire: it finds the adapter's abilities by type, keeps the channels'
// clients, and makes sure that a panic fails one call only.
type service struct {
	pluginpb.UnimplementedPluginServiceServer

	adapter     sdk.Adapter
	receiver    sdk.Receiver
	deliverer   sdk.Deliverer
	opener      sdk.Opener
	description *pluginpb.DescribeResponse
	descriptErr error
	settings    reflect.Type // the author's struct, or nil
	log         *slog.Logger
	registry    *prometheus.Registry
	calls       *calls
	stopped     chan struct{} // closed when streams are to end
	stopOnce    sync.Once

	attached attachments
	fetches  atomic.Uint64 // numbers calls that have no number on the wire

	subscriptions subscriptions

	mu       sync.Mutex
	channels map[string]*channelHost
}

// channelHost is what a configured channel got from the SDK.
type channelHost struct {
	client *http.Client
	allow  []netip.Prefix // of calls to the vendor
	links  []netip.Prefix // of links to media
}

func newService(a sdk.Adapter, log *slog.Logger) *service {
	s := &service{
		adapter: a, log: log, registry: prometheus.NewRegistry(), calls: newCalls(),
		stopped: make(chan struct{}), channels: map[string]*channelHost{},
	}
	s.receiver, _ = a.(sdk.Receiver)
	s.deliverer, _ = a.(sdk.Deliverer)
	s.opener, _ = a.(sdk.Opener)
	s.descriptErr = s.guard("describe", func() (err error) {
		d := a.Describe()
		if t := reflect.TypeOf(d.Settings); t != nil && t.Kind() == reflect.Pointer {
			s.settings = t.Elem()
		}
		s.description, err = descriptionToProto(d, s.abilities())
		return err
	})
	return s
}

func (s *service) abilities() []string {
	var out []string
	if s.receiver != nil {
		out = append(out, "receive")
	}
	if s.deliverer != nil {
		out = append(out, "deliver")
	}
	if s.opener != nil {
		out = append(out, "open")
	}
	if _, subscribes := s.adapter.(sdk.Subscriber); subscribes {
		out = append(out, "subscribe")
	}
	if s.receiver != nil || s.deliverer != nil { // links that its envelopes carry
		out = append(out, "fetch")
	}
	return out
}

// panicError is the error of a call that panicked.
type panicError struct{ value any }

// Error names the panic on one line.
func (e *panicError) Error() string { return fmt.Sprintf("the adapter panicked: %.300v", e.value) }

// guard runs f and turns a panic into a *panicError. The stack goes to the log.
func (s *service) guard(call string, f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			s.log.Error("panic in a call", "call", call, "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
			err = &panicError{v}
		}
	}()
	return f()
}

// Describe implements pluginpb.PluginServiceServer.
func (s *service) Describe(context.Context, *pluginpb.DescribeRequest) (*pluginpb.DescribeResponse, error) {
	if s.descriptErr != nil {
		return nil, status.Error(codes.Internal, s.descriptErr.Error())
	}
	return s.description, nil
}

// Validate implements pluginpb.PluginServiceServer.
func (s *service) Validate(_ context.Context, req *pluginpb.ValidateRequest) (*pluginpb.ValidateResponse, error) {
	ch, err := s.channel(req.GetChannel(), httpclient.New)
	if err != nil {
		return &pluginpb.ValidateResponse{Problems: []*pluginpb.Problem{{Message: err.Error()}}}, nil
	}
	defer ch.Host.HTTP.CloseIdleConnections()
	out := &pluginpb.ValidateResponse{}
	if s.settings != nil && s.settings.Kind() == reflect.Struct {
		if err := ch.Settings.Decode(reflect.New(s.settings).Interface()); err != nil {
			p := &pluginpb.Problem{Message: err.Error()}
			if e, ok := errors.AsType[*settings.Error](err); ok {
				p.Path, p.Message = e.Path, e.Err.Error()
			}
			out.Problems = append(out.Problems, p)
			return out, nil
		}
	}
	v, ok := s.adapter.(sdk.Validator)
	if !ok {
		return out, nil
	}
	err = s.guard("validate", func() error {
		for _, p := range v.Validate(ch) {
			out.Problems = append(out.Problems, &pluginpb.Problem{Path: p.Path, Message: p.Message, Warning: p.Warning})
		}
		return nil
	})
	if err != nil {
		out.Problems = append(out.Problems, &pluginpb.Problem{Message: err.Error()})
	}
	return out, nil
}

// Configure implements pluginpb.PluginServiceServer.
func (s *service) Configure(ctx context.Context, req *pluginpb.ConfigureRequest) (*pluginpb.ConfigureResponse, error) {
	name := req.GetChannel().GetName()
	s.mu.Lock()
	former := s.channels[name]
	s.mu.Unlock()
	links, err := prefixes("allow_links", req.GetChannel().GetAllowLinks())
	if err != nil {
		return &pluginpb.ConfigureResponse{Error: errorToProto(err)}, nil
	}
	ch, err := s.channel(req.GetChannel(), func(allow []netip.Prefix) *http.Client {
		if former != nil && slices.Equal(former.allow, allow) {
			return former.client // keeps its connections
		}
		return httpclient.New(allow)
	})
	var ep sdk.Endpoint
	if err == nil {
		err = s.guard("configure", func() (err error) {
			ep, err = s.adapter.Configure(ctx, ch)
			return err
		})
	}
	if err != nil {
		e := errorToProto(err)
		if _, typed := errors.AsType[*sdk.Error](err); !typed {
			e.Kind = string(sdk.KindInvalid)
		}
		return &pluginpb.ConfigureResponse{Error: e}, nil
	}
	s.mu.Lock()
	s.channels[name] = &channelHost{client: ch.Host.HTTP, allow: ch.Host.Allow, links: links}
	s.mu.Unlock()
	if former != nil && former.client != ch.Host.HTTP {
		former.client.CloseIdleConnections()
	}
	return endpointToProto(ep), nil
}

// channel builds what the adapter is given for one channel.
func (s *service) channel(c *pluginpb.ChannelConfig, client func([]netip.Prefix) *http.Client) (sdk.Channel, error) {
	allow, err := prefixes("allow", c.GetAllow())
	if err != nil {
		return sdk.Channel{}, err
	}
	return sdk.Channel{
		Name: c.GetName(), Role: envelope.Role(c.GetRole()), Prefix: c.GetPrefix(),
		Settings: sdk.NewSettings(c.GetSettings()),
		Host: sdk.Host{
			Logger: s.log.With("channel", c.GetName()), HTTP: client(allow), Allow: allow, Registry: s.registry,
		},
	}, nil
}

// prefixes reads the networks of a setting.
func prefixes(setting string, list []string) ([]netip.Prefix, error) {
	out := make([]netip.Prefix, 0, len(list))
	for _, s := range list {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return nil, sdk.Invalid(setting, "%q is not a CIDR like 10.0.0.0/8", s)
		}
		out = append(out, p)
	}
	return out, nil
}

// Cancel implements pluginpb.PluginServiceServer.
func (s *service) Cancel(_ context.Context, req *pluginpb.CancelRequest) (*pluginpb.CancelResponse, error) {
	s.calls.cancel(callReceive, req.GetReceive())
	s.calls.cancel(callDeliver, req.GetDeliver())
	return &pluginpb.CancelResponse{}, nil
}

// Drain implements pluginpb.PluginServiceServer.
func (s *service) Drain(ctx context.Context, req *pluginpb.DrainRequest) (*pluginpb.DrainResponse, error) {
	if d := req.GetTimeout().AsDuration(); d > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, d)
		defer cancel()
	}
	return &pluginpb.DrainResponse{Running: int32(s.drain(ctx))}, nil
}

// drain refuses new calls, waits for the running ones and then for the adapter's own work, and returns how
// many calls are left when ctx ends.
func (s *service) drain(ctx context.Context) int {
	unsubscribed := make(chan struct{})
	go func() { defer close(unsubscribed); s.subscriptions.stop(ctx) }()
	s.calls.drain(ctx)
	<-unsubscribed
	if d, ok := s.adapter.(sdk.Drainer); ok {
		if err := s.guard("drain", func() error { return d.Drain(ctx) }); err != nil {
			s.log.Warn("drain failed", "error", err.Error())
		}
	}
	return s.calls.count() + s.subscriptions.count()
}

// stop drains, cancels what is left and ends the streams after their last result.
func (s *service) stop(limit time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	s.drain(ctx)
	s.stopOnce.Do(func() { close(s.stopped) })
}

// The metrics by which the exam finds what calls leave behind: goroutines, and what the last collection left of the heap, in
// bytes. The gateway does not show them.
const (
	goroutines = "go_goroutines"
	liveHeap   = "go_gc_heap_live_bytes"
)

// has reports whether a metric is among those gathered.
func has(families []*dto.MetricFamily, name string) bool {
	return slices.ContainsFunc(families, func(f *dto.MetricFamily) bool { return f.GetName() == name })
}

// CollectMetrics implements pluginpb.PluginServiceServer.
func (s *service) CollectMetrics(context.Context, *pluginpb.CollectMetricsRequest) (*pluginpb.CollectMetricsResponse, error) {
	families, err := s.registry.Gather()
	if err != nil {
		return nil, status.Error(codes.Internal, "gather metrics: "+err.Error())
	}
	var b bytes.Buffer
	enc := expfmt.NewEncoder(&b, expfmt.NewFormat(expfmt.TypeTextPlain))
	for _, f := range families {
		if err := enc.Encode(f); err != nil {
			return nil, status.Error(codes.Internal, "encode metrics: "+err.Error())
		}
	}
	if !has(families, goroutines) {
		fmt.Fprintf(&b, "# TYPE %s gauge\n%s %d\n", goroutines, goroutines, runtime.NumGoroutine())
	}
	if live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}; !has(families, liveHeap) {
		metrics.Read(live)
		fmt.Fprintf(&b, "# TYPE %s gauge\n%s %d\n", liveHeap, liveHeap, live[0].Value.Uint64())
	}
	return &pluginpb.CollectMetricsResponse{Text: b.Bytes()}, nil
}
