package serve

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"reflect"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"patchbay/sdk"
	"patchbay/sdk/protocol/pluginpb"
)

// service is the adapter's side of the plugin protocol.
type service struct {
	pluginpb.UnimplementedPluginServiceServer

	adapter     sdk.Adapter
	receiver    sdk.Receiver  // nil without the ability
	deliverer   sdk.Deliverer // nil without the ability
	opener      sdk.Opener    // nil without the ability
	description *pluginpb.DescribeResponse
	describeErr error
	settings    reflect.Type // the adapter's settings struct, or nil
	log         *slog.Logger
	registry    *prometheus.Registry

	calls         *calls
	fetches       atomic.Uint64 // number of ids made for Fetch calls that have no id
	attached      attachments
	subscriptions subscriptions
	stopped       chan struct{} // closed to end the streams
	stopOnce      sync.Once

	mu       sync.Mutex
	channels map[string]*channel
}

// channel is the SDK's state of a configured channel.
type channel struct {
	client *http.Client
	allow  []netip.Prefix // for calls to the vendor
	links  []netip.Prefix // for links to media
}

func newService(a sdk.Adapter, log *slog.Logger) *service {
	s := &service{
		adapter: a, log: log, registry: prometheus.NewRegistry(), calls: newCalls(),
		stopped: make(chan struct{}), channels: map[string]*channel{},
	}
	s.receiver, _ = a.(sdk.Receiver)
	s.deliverer, _ = a.(sdk.Deliverer)
	s.opener, _ = a.(sdk.Opener)
	s.describeErr = s.catchPanic("describe", func() (err error) {
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
	if _, ok := s.adapter.(sdk.Subscriber); ok {
		out = append(out, "subscribe")
	}
	if s.receiver != nil || s.deliverer != nil { // the SDK reads the links in envelopes
		out = append(out, "fetch")
	}
	return out
}

// Describe implements pluginpb.PluginServiceServer.
func (s *service) Describe(context.Context, *pluginpb.DescribeRequest) (*pluginpb.DescribeResponse, error) {
	if s.describeErr != nil {
		return nil, status.Error(codes.Internal, s.describeErr.Error())
	}
	return s.description, nil
}

// panicError is the error of a call that panicked.
type panicError struct{ value any }

// Error returns the value of the panic, cut to 300 characters.
func (e *panicError) Error() string { return fmt.Sprintf("the adapter panicked: %.300v", e.value) }

// catchPanic calls f and returns a *panicError if f panics. It logs the stack.
func (s *service) catchPanic(call string, f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			s.log.Error("panic in a call", "call", call, "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
			err = &panicError{v}
		}
	}()
	return f()
}
