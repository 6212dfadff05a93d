package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/protobuf/proto"

	"patchbay/sdk/protocol/pluginpb"
)

// wire changes what an adapter hears and says, to what no adapter that is made with the SDK can do. The functions may
// be nil.
type wire struct {
	asked    func(request any)                                      // changes a request
	said     func(reply any)                                        // changes a reply
	unary    func(ctx context.Context, method string) (bool, error) // takes the place of a call, if it returns true
	received func(recv func() error, message any) error             // takes the place of a stream's RecvMsg
	before   func(ctx context.Context, request any, rpc pluginpb.PluginServiceClient)
	after    func(request any)
}

// options are the dial options of a subject with this wire.
func (w *wire) options() []grpc.DialOption {
	if w == nil {
		return nil
	}
	return []grpc.DialOption{
		grpc.WithUnaryInterceptor(func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn,
			invoke grpc.UnaryInvoker,
			opts ...grpc.CallOption) error {
			if w.unary != nil {
				if done, err := w.unary(ctx, method); done {
					return err
				}
			}
			if w.asked != nil {
				w.asked(req)
			}
			if w.before != nil {
				w.before(ctx, req, pluginpb.NewPluginServiceClient(cc))
			}
			err := invoke(ctx, method, req, reply, cc, opts...)
			if err == nil && w.said != nil {
				w.said(reply)
			}
			if w.after != nil {
				w.after(req)
			}
			return err
		}),
		grpc.WithStreamInterceptor(func(ctx context.Context, d *grpc.StreamDesc, cc *grpc.ClientConn, method string,
			open grpc.Streamer,
			opts ...grpc.CallOption) (grpc.ClientStream, error) {
			s, err := open(ctx, d, cc, method, opts...)
			return &tampered{s, w}, err
		}),
	}
}

type tampered struct {
	grpc.ClientStream
	wire *wire
}

func (t *tampered) SendMsg(m any) error {
	if t.wire.asked != nil {
		t.wire.asked(m)
	}
	return t.ClientStream.SendMsg(m)
}

func (t *tampered) RecvMsg(m any) error {
	if _, ours := m.(proto.Message); !ours {
		return t.ClientStream.RecvMsg(m)
	}
	recv := func() error { return t.ClientStream.RecvMsg(m) }
	var err error
	if t.wire.received != nil {
		err = t.wire.received(recv, m)
	} else {
		err = recv()
	}
	if err == nil && t.wire.said != nil {
		t.wire.said(m)
	}
	return err
}

// says makes a wire that changes replies of a type.
func says[M any](change func(M)) *wire {
	return &wire{said: func(reply any) {
		if m, ok := reply.(M); ok {
			change(m)
		}
	}}
}

// describes makes a wire that replaces a text of the settings schema.
func describes(former, text string) *wire {
	return says(func(d *pluginpb.DescribeResponse) {
		var compact map[string]any
		if json.Unmarshal(d.SettingsSchema, &compact) == nil {
			d.SettingsSchema, _ = json.Marshal(compact)
		}
		if !strings.Contains(string(d.SettingsSchema), former) {
			panic("the schema has no " + former + ": " + string(d.SettingsSchema))
		}
		d.SettingsSchema = []byte(strings.ReplaceAll(string(d.SettingsSchema), former, text))
	})
}

// lax makes a wire that replaces a text of the settings schema, and finds no problems.
func lax(former, text string) *wire {
	w := describes(former, text)
	change := w.said
	w.said = func(reply any) {
		change(reply)
		if v, ok := reply.(*pluginpb.ValidateResponse); ok {
			v.Problems = slices.DeleteFunc(v.GetProblems(), func(p *pluginpb.Problem) bool { return p.GetPath() != "role" })
		}
	}
	return w
}

// cannotOpen takes the ability to open conversations from a description.
func cannotOpen(d *pluginpb.DescribeResponse) {
	d.Abilities = slices.DeleteFunc(d.GetAbilities(), func(a string) bool { return a == "open" })
}

// silent loses what comes on the streams of calls.
func silent(recv func() error, m any) error {
	for {
		err := recv()
		switch m.(type) {
		case *pluginpb.ReceiveResponse, *pluginpb.DeliverResponse:
		default:
			return err
		}
		if err != nil {
			return err
		}
		proto.Reset(m.(proto.Message))
	}
}

// ended ends the streams of calls at once.
func ended(recv func() error, m any) error {
	switch m.(type) {
	case *pluginpb.ReceiveResponse, *pluginpb.DeliverResponse:
		return io.EOF
	}
	return recv()
}

// ignores makes a wire that does not pass on the calls of a method.
func ignores(suffix string) *wire {
	return &wire{unary: func(_ context.Context, method string) (bool, error) {
		return strings.HasSuffix(method, suffix), nil
	}}
}

// slowly makes a wire that delays calls of a method.
func slowly(suffix string, d time.Duration) *wire {
	return &wire{unary: func(_ context.Context, method string) (bool, error) {
		if strings.HasSuffix(method, suffix) {
			time.Sleep(d)
		}
		return false, nil
	}}
}

// undrained makes a wire on which Drain does nothing but wait for the deliveries.
func undrained() *wire {
	var running sync.WaitGroup
	return &wire{
		asked: func(request any) {
			if r, ok := request.(*pluginpb.DeliverRequest); ok {
				running.Add(len(r.GetCalls()))
			}
		},
		said: func(reply any) {
			if r, ok := reply.(*pluginpb.DeliverResponse); ok {
				running.Add(-len(r.GetResults()))
			}
		},
		unary: func(_ context.Context, method string) (bool, error) {
			drain := strings.HasSuffix(method, "/Drain")
			if drain {
				running.Wait()
			}
			return drain, nil
		},
	}
}

// mute hides the metrics, as of an adapter of another language.
var mute = &wire{said: func(reply any) {
	if m, ok := reply.(*pluginpb.CollectMetricsResponse); ok {
		m.Text = nil
	}
}}

// sick reports that an adapter does not serve.
var sick = says(func(h *healthpb.HealthCheckResponse) { h.Status = healthpb.HealthCheckResponse_NOT_SERVING })

// rename changes encoded envelopes.
func rename(list [][]byte, change func(*pluginpb.Envelope)) {
	for i, b := range list {
		var e pluginpb.Envelope
		if err := proto.Unmarshal(b, &e); err != nil {
			panic(err)
		}
		change(&e)
		list[i], _ = proto.Marshal(&e)
	}
}

// envelopes makes a wire that changes envelopes of inbound calls.
func envelopes(change func(*pluginpb.Envelope)) *wire {
	return says(func(r *pluginpb.ReceiveResponse) {
		for _, result := range r.GetResults() {
			rename(result.Envelopes, change)
		}
	})
}

// delivered makes a wire that changes results of deliveries that went well.
func delivered(change func(*pluginpb.DeliverResult)) *wire {
	return says(func(r *pluginpb.DeliverResponse) {
		for _, result := range r.GetResults() {
			if result.GetError() == nil {
				change(result)
			}
		}
	})
}

// replying makes a wire that changes replies.
func replying(change func(*pluginpb.Envelope)) *wire {
	return delivered(func(r *pluginpb.DeliverResult) { rename(r.Replies, change) })
}

// failing makes a wire that changes errors of a kind, in both directions; "" is any kind.
func failing(kind string, change func(*pluginpb.Error)) *wire {
	fail := func(e *pluginpb.Error) {
		if e != nil && (kind == "" || e.GetKind() == kind) {
			change(e)
		}
	}
	return &wire{said: func(reply any) {
		switch r := reply.(type) {
		case *pluginpb.ReceiveResponse:
			for _, result := range r.GetResults() {
				fail(result.GetError())
			}
		case *pluginpb.DeliverResponse:
			for _, result := range r.GetResults() {
				fail(result.GetError())
			}
		}
	}}
}

// sends makes a wire that changes outbound calls.
func sends(change func(*pluginpb.DeliverCall)) *wire {
	return &wire{asked: func(request any) {
		if r, ok := request.(*pluginpb.DeliverRequest); ok {
			for _, c := range r.GetCalls() {
				change(c)
			}
		}
	}}
}

// hears makes a wire that changes inbound calls.
func hears(change func(*pluginpb.ReceiveCall)) *wire {
	return &wire{asked: func(request any) {
		if r, ok := request.(*pluginpb.ReceiveRequest); ok {
			for _, c := range r.GetCalls() {
				change(c)
			}
		}
	}}
}

// authorize gives an inbound call these credentials alone.
func authorize(c *pluginpb.ReceiveCall, value string) {
	c.Header = slices.DeleteFunc(c.GetHeader(), func(h *pluginpb.Header) bool { return h.GetName() == "Authorization" })
	c.Header = append(c.Header, &pluginpb.Header{Name: "Authorization", Value: value})
}

// admits makes a wire that puts good credentials in place of some.
func admits(some func(given []string) bool) *wire {
	return hears(func(c *pluginpb.ReceiveCall) {
		var given []string
		for _, h := range c.GetHeader() {
			if h.GetName() == "Authorization" {
				given = append(given, h.GetValue())
			}
		}
		if some(given) {
			authorize(c, "Bearer conformance-token-1")
		}
	})
}

// refuses makes a wire that breaks the body of some calls.
func refuses(some func(*pluginpb.ReceiveCall) bool) *wire {
	return hears(func(c *pluginpb.ReceiveCall) {
		if some(c) {
			c.Body = []byte("{")
		}
	})
}

// repair completes a body that was cut.
func repair(c *pluginpb.ReceiveCall) {
	for _, end := range []string{`"}`, "}"} {
		if whole := append(bytes.Clone(c.GetBody()), end...); !json.Valid(c.GetBody()) && json.Valid(whole) {
			c.Body = whole
		}
	}
}

// callsHome calls the vendor for each configuration.
var callsHome = &wire{asked: func(request any) {
	if r, ok := request.(*pluginpb.ConfigureRequest); ok {
		var s struct {
			BaseURL string `json:"base_url"`
		}
		if json.Unmarshal(r.GetChannel().GetSettings(), &s) == nil {
			if resp, err := http.Get(s.BaseURL); err == nil {
				_ = resp.Body.Close()
			}
		}
	}
}}

// takingAnything makes a wire on which a refused configuration looks like the one before.
func takingAnything() *wire {
	var good *pluginpb.ConfigureResponse
	return says(func(c *pluginpb.ConfigureResponse) {
		if c.GetError() == nil {
			good = proto.CloneOf(c)
			return
		}
		proto.Reset(c)
		proto.Merge(c, good)
	})
}

// dropping makes a wire on which a request cancels all calls, and gets its response after a while.
func dropping[M any](after time.Duration) *wire {
	var newest atomic.Uint64
	w := sends(func(c *pluginpb.DeliverCall) { newest.Store(c.GetId()) })
	w.before = func(ctx context.Context, request any, rpc pluginpb.PluginServiceClient) {
		if _, ok := request.(M); ok {
			var ids []uint64 // a call that comes later would be canceled too
			for id := range newest.Load() {
				ids = append(ids, id+1)
			}
			_, _ = rpc.Cancel(ctx, &pluginpb.CancelRequest{Deliver: ids})
		}
	}
	w.after = func(request any) {
		if _, ok := request.(M); ok {
			time.Sleep(after)
		}
	}
	return w
}

// repeatingState makes a wire on which a delivery with an odd state fails for a while.
func repeatingState() *wire {
	odd := map[uint64]bool{}
	w := sends(func(c *pluginpb.DeliverCall) { odd[c.GetId()] = string(c.GetSend().GetState()) == "[]" })
	w.said = func(reply any) {
		if r, ok := reply.(*pluginpb.DeliverResponse); ok {
			for _, result := range r.GetResults() {
				if odd[result.GetId()] {
					result.Error = &pluginpb.Error{Kind: "transient"}
				}
			}
		}
	}
	return w
}

// toggling makes a wire on which each second time an id is another.
func toggling() *wire {
	seen := map[string]bool{}
	w := envelopes(func(e *pluginpb.Envelope) {
		if seen[e.GetVendorId()] = !seen[e.GetVendorId()]; !seen[e.GetVendorId()] {
			e.VendorId += "-again"
		}
	})
	change := w.said
	w.said = func(reply any) {
		if _, ok := reply.(*pluginpb.DescribeResponse); ok { // another process
			clear(seen)
		}
		change(reply)
	}
	return w
}

// numbering makes a wire on which ids depend on the process.
func numbering() *wire {
	processes := byte('0')
	w := envelopes(func(e *pluginpb.Envelope) { e.VendorId += string(processes) })
	change := w.said
	w.said = func(reply any) {
		if _, ok := reply.(*pluginpb.DescribeResponse); ok {
			processes++
		}
		change(reply)
	}
	return w
}

// sulking makes a wire on which deliveries fail after an error of a kind.
func sulking(kind string) *wire {
	sulks := false
	return says(func(r *pluginpb.DeliverResponse) {
		for _, result := range r.GetResults() {
			if result.GetError() == nil && sulks {
				result.Error = &pluginpb.Error{Kind: "permanent"}
			}
			sulks = sulks || result.GetError().GetKind() == kind
		}
	})
}

// openingOnce makes a wire on which one conversation can be opened.
func openingOnce() *wire {
	n := 0
	return delivered(func(r *pluginpb.DeliverResult) {
		if n++; n > 1 {
			r.Error = &pluginpb.Error{Kind: "permanent"}
		}
	})
}

// thirdFailing makes a wire on which the third subscription fails for a while.
func thirdFailing() *wire {
	n := 0
	return says(func(s *pluginpb.SubscribeResponse) {
		if s.GetBatch() == 1 {
			if n++; n == 3 {
				s.Error = &pluginpb.Error{Kind: "transient"}
			}
		}
	})
}

// filling makes a wire on which there is no room after some calls.
func filling() *wire {
	n := 0
	return says(func(r *pluginpb.ReceiveResponse) {
		for _, result := range r.GetResults() {
			if n++; n > 1000 {
				result.Error = &pluginpb.Error{Kind: "transient"}
			}
		}
	})
}
