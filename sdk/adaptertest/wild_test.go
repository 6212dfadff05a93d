package adaptertest

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"

	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol"
	"patchbay/sdk/protocol/pluginpb"
)

// wild changes what an adapter says on the wire, to what no adapter that is made with the SDK can say.
type wild struct {
	pluginpb.PluginServiceClient
	validate  func(*pluginpb.ValidateResponse)
	configure func(*pluginpb.ConfigureResponse)
	drain     func() *pluginpb.DrainResponse // nil asks the adapter
	mute      bool                           // it has neither metrics nor health
	generous  bool                           // it forgets how large a medium may be
}

func (w *wild) CollectMetrics(ctx context.Context, in *pluginpb.CollectMetricsRequest,
	o ...grpc.CallOption) (*pluginpb.CollectMetricsResponse, error) {
	if w.mute {
		return &pluginpb.CollectMetricsResponse{}, nil
	}
	return w.PluginServiceClient.CollectMetrics(ctx, in, o...)
}

func (w *wild) Validate(ctx context.Context, in *pluginpb.ValidateRequest,
	o ...grpc.CallOption) (*pluginpb.ValidateResponse, error) {
	out, err := w.PluginServiceClient.Validate(ctx, in, o...)
	if err == nil && w.validate != nil {
		w.validate(out)
	}
	return out, err
}

func (w *wild) Configure(ctx context.Context, in *pluginpb.ConfigureRequest,
	o ...grpc.CallOption) (*pluginpb.ConfigureResponse, error) {
	out, err := w.PluginServiceClient.Configure(ctx, in, o...)
	if err == nil && w.configure != nil {
		w.configure(out)
	}
	return out, err
}

func (w *wild) WatchHealth(ctx context.Context, in *pluginpb.WatchHealthRequest,
	o ...grpc.CallOption) (grpc.ServerStreamingClient[pluginpb.WatchHealthResponse], error) {
	if w.mute {
		return nil, errors.New("unimplemented")
	}
	return w.PluginServiceClient.WatchHealth(ctx, in, o...)
}

func (w *wild) Fetch(ctx context.Context, in *pluginpb.FetchRequest,
	o ...grpc.CallOption) (grpc.ServerStreamingClient[pluginpb.FetchResponse], error) {
	if w.generous {
		in.MaxBytes = 0
	}
	return w.PluginServiceClient.Fetch(ctx, in, o...)
}

func (w *wild) Drain(ctx context.Context, in *pluginpb.DrainRequest, o ...grpc.CallOption) (*pluginpb.DrainResponse, error) {
	if w.drain != nil {
		return w.drain(), nil
	}
	return w.PluginServiceClient.Drain(ctx, in, o...)
}

// receives puts f in the place of the adapter's Receive.
func receives(x *exam, f func(*pluginpb.ReceiveCall) *pluginpb.ReceiveResult) {
	x.prog.receive = newCalls[*pluginpb.ReceiveCall](nil, (*pluginpb.ReceiveResult).GetId)
	x.prog.receive.send = func(list []*pluginpb.ReceiveCall) error {
		for _, c := range list {
			r := f(c)
			r.Id = c.GetId()
			x.prog.receive.take(r)
		}
		return nil
	}
}

// delivers puts f in the place of the adapter's Deliver.
func delivers(x *exam, f func(*pluginpb.DeliverCall) *pluginpb.DeliverResult) {
	x.prog.deliver = newCalls[*pluginpb.DeliverCall](nil, (*pluginpb.DeliverResult).GetId)
	x.prog.deliver.send = func(list []*pluginpb.DeliverCall) error {
		for _, c := range list {
			r := f(c)
			r.Id = c.GetId()
			x.prog.deliver.take(r)
		}
		return nil
	}
}

// encoded is an envelope as it travels.
func encoded(e *envelope.Envelope) []byte {
	b, err := protocol.EncodeEnvelope(e)
	if err != nil {
		panic(err)
	}
	return b
}

var mute = func(x *exam) {
	x.prog.rpc = &wild{PluginServiceClient: x.prog.rpc, validate: func(r *pluginpb.ValidateResponse) { r.Problems = nil }}
	x.schema.compiled = nil // as if it allowed everything
}

// wilds are what no adapter of the SDK does wrong, and others can.
var wilds = []struct {
	name, section string
	change        func(x *exam)
	want          []string
}{
	{"finds nothing in settings", "settings", mute,
		[]string{"settings.unknown", "settings.types", "settings.required", "settings.role"}},
	{"finds fault with good settings", "settings", func(x *exam) {
		x.prog.rpc = &wild{PluginServiceClient: x.prog.rpc, validate: func(r *pluginpb.ValidateResponse) {
			r.Problems = append(r.Problems, &pluginpb.Problem{Path: "", Message: "I do not like them"})
		}}
	}, []string{"settings.good"}},
	{"changes its endpoint", "configure", func(x *exam) {
		n := 0
		x.prog.rpc = &wild{PluginServiceClient: x.prog.rpc, configure: func(r *pluginpb.ConfigureResponse) {
			if n++; r.GetError() == nil {
				r.Paths[0].MaxBody += int64(n)
			}
		}}
	}, []string{"configure.same"}},
	{"refuses its settings", "configure", func(x *exam) {
		x.endpoint = &pluginpb.ConfigureResponse{Error: &pluginpb.Error{Kind: "invalid", Field: "token"}}
	}, []string{"configure.accepts"}},
	{"refuses its settings", "hostile", func(x *exam) {
		x.endpoint = &pluginpb.ConfigureResponse{Error: &pluginpb.Error{Kind: "invalid", Field: "token"}}
	}, nil},
	{"has no schema, and knows abilities that nobody else does", "describe", func(x *exam) {
		x.badly, x.desc.Abilities = errors.New("not a JSON Schema"), append(x.desc.Abilities, "fly")
	}, []string{"describe.schema", "describe.abilities"}},
	{"does not say how it is", "describe", func(x *exam) {
		x.prog.rpc = &wild{PluginServiceClient: x.prog.rpc, mute: true}
	}, []string{"describe.life"}},
	{"sends all of a medium", "media", func(x *exam) {
		x.prog.rpc = &wild{PluginServiceClient: x.prog.rpc, generous: true}
	}, []string{"media.limit"}},
	{"ends calls to drain", "drain", func(x *exam) {
		rpc := x.prog.rpc
		x.prog.rpc = &wild{PluginServiceClient: rpc, drain: func() *pluginpb.DrainResponse {
			_, _ = rpc.Cancel(context.Background(), &pluginpb.CancelRequest{Deliver: []uint64{1, 2, 3}})
			return &pluginpb.DrainResponse{}
		}}
	}, []string{"drain.finishes", "drain.refuses", "drain.reports"}},
	{"does not drain", "drain", func(x *exam) {
		x.prog.rpc = &wild{PluginServiceClient: x.prog.rpc,
			drain: func() *pluginpb.DrainResponse { return &pluginpb.DrainResponse{Running: 1} }}
	}, []string{"drain.refuses", "drain.reports"}},
	{"makes invalid envelopes", "hostile", func(x *exam) {
		receives(x, func(*pluginpb.ReceiveCall) *pluginpb.ReceiveResult {
			return &pluginpb.ReceiveResult{Envelopes: [][]byte{encoded(&envelope.Envelope{Channel: "bot", Kind: "nonsense"})}}
		})
	}, []string{"hostile.valid"}},
	{"speaks for another channel", "in", func(x *exam) {
		receives(x, func(*pluginpb.ReceiveCall) *pluginpb.ReceiveResult {
			return &pluginpb.ReceiveResult{Envelopes: [][]byte{encoded(&envelope.Envelope{
				Channel: "other", Thread: "t", Kind: envelope.KindTyping, Sender: envelope.Sender{Role: envelope.RoleBot},
			})}}
		})
	}, []string{"in.golden"}},
	{"listens where nobody calls", "in", func(x *exam) { x.endpoint.Paths[0].Pattern = "/elsewhere" },
		[]string{"in.reachable"}},
	{"refuses in a form of its own", "credentials", func(x *exam) {
		receives(x, func(c *pluginpb.ReceiveCall) *pluginpb.ReceiveResult {
			for _, h := range c.GetHeader() {
				if h.GetName() == "Authorization" && h.GetValue() == "Bearer exam-inbound-token" && len(c.GetHeader()) == 2 {
					return &pluginpb.ReceiveResult{}
				}
			}
			return &pluginpb.ReceiveResult{Error: &pluginpb.Error{Kind: "unauthorized", Body: []byte("<p>no</p>")}}
		})
	}, []string{"credentials.shape"}},
	{"has credentials that nobody lists", "credentials", func(x *exam) { x.data.Credentials = nil }, []string{"credentials.missing"}},
	{"makes up receipts", "out", func(x *exam) {
		delivers(x, func(*pluginpb.DeliverCall) *pluginpb.DeliverResult {
			return &pluginpb.DeliverResult{VendorId: "surely"}
		})
	}, []string{"out.requests", "out.golden"}},
	{"opens though it can't", "open", func(x *exam) {
		x.desc.Abilities = slices.DeleteFunc(slices.Clone(x.desc.GetAbilities()), func(a string) bool { return a == "open" })
	}, []string{"open.unable"}},
	{"answers twice", "memory", func(x *exam) {
		send := x.prog.receive.send
		x.prog.receive.send = func(list []*pluginpb.ReceiveCall) error {
			x.prog.receive.take(&pluginpb.ReceiveResult{Id: 1 << 60})
			return send(list)
		}
	}, []string{"memory.works"}},
}

func TestWildAdaptersAreFound(t *testing.T) {
	for _, tc := range wilds {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			done := runSection(t, "none", tc.section, 200, tc.change)
			var got []string
			for _, a := range done.Assertions {
				if a.Status == Fail {
					got = append(got, a.ID)
				}
			}
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Errorf("assertions that failed (-want +got):\n%s", d)
				for _, a := range done.Assertions {
					t.Logf("%s: %s %q", a.ID, a.Status, a.Findings)
				}
			}
		})
	}
}
