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

// wire changes the messages between the suite and an adapter, so that the adapter has flaws that the SDK prevents. The
// functions may be nil.
type wire struct {
	changeRequest func(request any)                                      // changes a request
	changeReply   func(reply any)                                        // changes a reply
	replaceCall   func(ctx context.Context, method string) (bool, error) // takes the place of a call, if it returns true
	replaceRecv   func(recv func() error, message any) error             // takes the place of a stream's RecvMsg
	before        func(ctx context.Context, request any, rpc pluginpb.PluginServiceClient)
	after         func(request any)
}

// options returns the dial options of a subject with this wire.
func (w *wire) options() []grpc.DialOption {
	if w == nil {
		return nil
	}
	return []grpc.DialOption{
		grpc.WithUnaryInterceptor(func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn,
			invoke grpc.UnaryInvoker,
			opts ...grpc.CallOption) error {
			if w.replaceCall != nil {
				if done, err := w.replaceCall(ctx, method); done {
					return err
				}
			}
			if w.changeRequest != nil {
				w.changeRequest(req)
			}
			if w.before != nil {
				w.before(ctx, req, pluginpb.NewPluginServiceClient(cc))
			}
			err := invoke(ctx, method, req, reply, cc, opts...)
			if err == nil && w.changeReply != nil {
				w.changeReply(reply)
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
	if t.wire.changeRequest != nil {
		t.wire.changeRequest(m)
	}
	return t.ClientStream.SendMsg(m)
}

func (t *tampered) RecvMsg(m any) error {
	if _, ours := m.(proto.Message); !ours {
		return t.ClientStream.RecvMsg(m)
	}
	recv := func() error { return t.ClientStream.RecvMsg(m) }
	var err error
	if t.wire.replaceRecv != nil {
		err = t.wire.replaceRecv(recv, m)
	} else {
		err = recv()
	}
	if err == nil && t.wire.changeReply != nil {
		t.wire.changeReply(m)
	}
	return err
}

// onReply returns a wire that changes the replies of type M.
func onReply[M any](change func(M)) *wire {
	return &wire{changeReply: func(reply any) {
		if m, ok := reply.(M); ok {
			change(m)
		}
	}}
}

// changeSchema returns a wire that replaces a text of the settings schema.
func changeSchema(former, text string) *wire {
	return onReply(func(d *pluginpb.DescribeResponse) {
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

// anySettings returns a wire that replaces a text of the settings schema, and that removes all problems except
// those of the role.
func anySettings(former, text string) *wire {
	w := changeSchema(former, text)
	change := w.changeReply
	w.changeReply = func(reply any) {
		change(reply)
		if v, ok := reply.(*pluginpb.ValidateResponse); ok {
			v.Problems = slices.DeleteFunc(v.GetProblems(), func(p *pluginpb.Problem) bool { return p.GetPath() != "role" })
		}
	}
	return w
}

// cannotOpen removes the ability open from a description.
func cannotOpen(d *pluginpb.DescribeResponse) {
	d.Abilities = slices.DeleteFunc(d.GetAbilities(), func(a string) bool { return a == "open" })
}

// dropResults discards all messages on the streams of calls.
func dropResults(recv func() error, m any) error {
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

// endStream ends the streams of calls immediately.
func endStream(recv func() error, m any) error {
	switch m.(type) {
	case *pluginpb.ReceiveResponse, *pluginpb.DeliverResponse:
		return io.EOF
	}
	return recv()
}

// ignoreCalls returns a wire that does not make the calls of a method.
func ignoreCalls(suffix string) *wire {
	return &wire{replaceCall: func(_ context.Context, method string) (bool, error) {
		return strings.HasSuffix(method, suffix), nil
	}}
}

// delayCalls returns a wire that delays the calls of a method.
func delayCalls(suffix string, d time.Duration) *wire {
	return &wire{replaceCall: func(_ context.Context, method string) (bool, error) {
		if strings.HasSuffix(method, suffix) {
			time.Sleep(d)
		}
		return false, nil
	}}
}

// ignoreDrain returns a wire on which Drain only waits for the deliveries.
func ignoreDrain() *wire {
	var running sync.WaitGroup
	return &wire{
		changeRequest: func(request any) {
			if r, ok := request.(*pluginpb.DeliverRequest); ok {
				running.Add(len(r.GetCalls()))
			}
		},
		changeReply: func(reply any) {
			if r, ok := reply.(*pluginpb.DeliverResponse); ok {
				running.Add(-len(r.GetResults()))
			}
		},
		replaceCall: func(_ context.Context, method string) (bool, error) {
			drain := strings.HasSuffix(method, "/Drain")
			if drain {
				running.Wait()
			}
			return drain, nil
		},
	}
}

// hideMetrics removes the metrics, as if the adapter had none.
var hideMetrics = &wire{changeReply: func(reply any) {
	if m, ok := reply.(*pluginpb.CollectMetricsResponse); ok {
		m.Text = nil
	}
}}

// reportNotServing reports that an adapter does not serve.
var reportNotServing = onReply(func(h *healthpb.HealthCheckResponse) {
	h.Status = healthpb.HealthCheckResponse_NOT_SERVING
})

// changeEncoded changes encoded envelopes.
func changeEncoded(list [][]byte, change func(*pluginpb.Envelope)) {
	for i, b := range list {
		var e pluginpb.Envelope
		if err := proto.Unmarshal(b, &e); err != nil {
			panic(err)
		}
		change(&e)
		list[i], _ = proto.Marshal(&e)
	}
}

// changeEnvelopes returns a wire that changes the envelopes of inbound calls.
func changeEnvelopes(change func(*pluginpb.Envelope)) *wire {
	return onReply(func(r *pluginpb.ReceiveResponse) {
		for _, result := range r.GetResults() {
			changeEncoded(result.Envelopes, change)
		}
	})
}

// changeResults returns a wire that changes the results of successful deliveries.
func changeResults(change func(*pluginpb.DeliverResult)) *wire {
	return onReply(func(r *pluginpb.DeliverResponse) {
		for _, result := range r.GetResults() {
			if result.GetError() == nil {
				change(result)
			}
		}
	})
}

// onReplies returns a wire that changes the replies in receipts.
func onReplies(change func(*pluginpb.Envelope)) *wire {
	return changeResults(func(r *pluginpb.DeliverResult) { changeEncoded(r.Replies, change) })
}

// onError returns a wire that changes the errors of a kind in the results of calls. "" means any kind.
func onError(kind string, change func(*pluginpb.Error)) *wire {
	fail := func(e *pluginpb.Error) {
		if e != nil && (kind == "" || e.GetKind() == kind) {
			change(e)
		}
	}
	return &wire{changeReply: func(reply any) {
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

// onDeliver returns a wire that changes outbound calls.
func onDeliver(change func(*pluginpb.DeliverCall)) *wire {
	return &wire{changeRequest: func(request any) {
		if r, ok := request.(*pluginpb.DeliverRequest); ok {
			for _, c := range r.GetCalls() {
				change(c)
			}
		}
	}}
}

// onReceive returns a wire that changes inbound calls.
func onReceive(change func(*pluginpb.ReceiveCall)) *wire {
	return &wire{changeRequest: func(request any) {
		if r, ok := request.(*pluginpb.ReceiveRequest); ok {
			for _, c := range r.GetCalls() {
				change(c)
			}
		}
	}}
}

// setCredentials replaces the credentials of an inbound call.
func setCredentials(c *pluginpb.ReceiveCall, value string) {
	c.Header = slices.DeleteFunc(c.GetHeader(), func(h *pluginpb.Header) bool { return h.GetName() == "Authorization" })
	c.Header = append(c.Header, &pluginpb.Header{Name: "Authorization", Value: value})
}

// admit returns a wire that replaces the credentials of a call by valid ones if some returns true for them.
func admit(some func(given []string) bool) *wire {
	return onReceive(func(c *pluginpb.ReceiveCall) {
		var given []string
		for _, h := range c.GetHeader() {
			if h.GetName() == "Authorization" {
				given = append(given, h.GetValue())
			}
		}
		if some(given) {
			setCredentials(c, "Bearer conformance-token-1")
		}
	})
}

// breakBodies returns a wire that makes the body of a call invalid if some returns true for the call.
func breakBodies(some func(*pluginpb.ReceiveCall) bool) *wire {
	return onReceive(func(c *pluginpb.ReceiveCall) {
		if some(c) {
			c.Body = []byte("{")
		}
	})
}

// completeBody completes a truncated body.
func completeBody(c *pluginpb.ReceiveCall) {
	for _, end := range []string{`"}`, "}"} {
		if whole := append(bytes.Clone(c.GetBody()), end...); !json.Valid(c.GetBody()) && json.Valid(whole) {
			c.Body = whole
		}
	}
}

// callVendorInConfigure calls the vendor for each configuration.
var callVendorInConfigure = &wire{changeRequest: func(request any) {
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

// acceptRefusedConfiguration returns a wire that replaces the refusal of a configuration by the previous response.
func acceptRefusedConfiguration() *wire {
	var good *pluginpb.ConfigureResponse
	return onReply(func(c *pluginpb.ConfigureResponse) {
		if c.GetError() == nil {
			good = proto.CloneOf(c)
			return
		}
		proto.Reset(c)
		proto.Merge(c, good)
	})
}

// cancelAllCalls returns a wire on which a request of type M cancels all deliveries so far. Its response is delayed.
func cancelAllCalls[M any](after time.Duration) *wire {
	var newest atomic.Uint64
	w := onDeliver(func(c *pluginpb.DeliverCall) { newest.Store(c.GetId()) })
	w.before = func(ctx context.Context, request any, rpc pluginpb.PluginServiceClient) {
		if _, ok := request.(M); ok {
			var ids []uint64 // the ids so far: the cancellation of an unused id would cancel a later call
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

// failOnOddState returns a wire on which deliveries with the state "[]" fail with a transient error.
func failOnOddState() *wire {
	odd := map[uint64]bool{}
	w := onDeliver(func(c *pluginpb.DeliverCall) { odd[c.GetId()] = string(c.GetSend().GetState()) == "[]" })
	w.changeReply = func(reply any) {
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

// alternateIDs returns a wire on which each second envelope with the same id gets another id.
func alternateIDs() *wire {
	seen := map[string]bool{}
	w := changeEnvelopes(func(e *pluginpb.Envelope) {
		if seen[e.GetVendorId()] = !seen[e.GetVendorId()]; !seen[e.GetVendorId()] {
			e.VendorId += "-again"
		}
	})
	change := w.changeReply
	w.changeReply = func(reply any) {
		if _, ok := reply.(*pluginpb.DescribeResponse); ok { // the start of another process
			clear(seen)
		}
		change(reply)
	}
	return w
}

// numberIDsByProcess returns a wire on which the ids of envelopes depend on the process.
func numberIDsByProcess() *wire {
	processes := byte('0')
	w := changeEnvelopes(func(e *pluginpb.Envelope) { e.VendorId += string(processes) })
	change := w.changeReply
	w.changeReply = func(reply any) {
		if _, ok := reply.(*pluginpb.DescribeResponse); ok {
			processes++
		}
		change(reply)
	}
	return w
}

// failAfterError returns a wire on which all deliveries after an error of a kind fail.
func failAfterError(kind string) *wire {
	failing := false
	return onReply(func(r *pluginpb.DeliverResponse) {
		for _, result := range r.GetResults() {
			if result.GetError() == nil && failing {
				result.Error = &pluginpb.Error{Kind: "permanent"}
			}
			failing = failing || result.GetError().GetKind() == kind
		}
	})
}

// openOnlyOnce returns a wire on which only one conversation can be opened.
func openOnlyOnce() *wire {
	n := 0
	return changeResults(func(r *pluginpb.DeliverResult) {
		if n++; n > 1 {
			r.Error = &pluginpb.Error{Kind: "permanent"}
		}
	})
}

// failThirdSubscription returns a wire on which the third subscription fails with a transient error.
func failThirdSubscription() *wire {
	n := 0
	return onReply(func(s *pluginpb.SubscribeResponse) {
		if s.GetBatch() == 1 {
			if n++; n == 3 {
				s.Error = &pluginpb.Error{Kind: "transient"}
			}
		}
	})
}

// refuseAfterCalls returns a wire on which inbound calls fail with a transient error after 1,000 calls.
func refuseAfterCalls() *wire {
	n := 0
	return onReply(func(r *pluginpb.ReceiveResponse) {
		for _, result := range r.GetResults() {
			if n++; n > 1000 {
				result.Error = &pluginpb.Error{Kind: "transient"}
			}
		}
	})
}
