package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/types/known/durationpb"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
	"patchbay/sdk/httpclient"
	"patchbay/sdk/protocol"
	"patchbay/sdk/protocol/pluginpb"
)

// scripted is an adapter whose methods are the test's.
type scripted struct {
	description sdk.Description
	configure   func(sdk.Channel) (sdk.Endpoint, error)
	receive     func(context.Context, *sdk.Request) (*sdk.Reception, error)
	deliver     func(context.Context, *sdk.Delivery) (*sdk.Receipt, error)
	open        func(context.Context, *sdk.OpenRequest) (*sdk.OpenResult, error)
	drain       func(context.Context) error
	health      func(string) error
	validate    func(sdk.Channel) []sdk.Problem
}

func (a *scripted) Describe() sdk.Description { return a.description }
func (a *scripted) Configure(_ context.Context, ch sdk.Channel) (sdk.Endpoint, error) {
	if a.configure == nil {
		return sdk.Endpoint{}, nil
	}
	return a.configure(ch)
}
func (a *scripted) Receive(ctx context.Context, r *sdk.Request) (*sdk.Reception, error) {
	return a.receive(ctx, r)
}
func (a *scripted) Deliver(ctx context.Context, d *sdk.Delivery) (*sdk.Receipt, error) {
	return a.deliver(ctx, d)
}
func (a *scripted) Open(ctx context.Context, o *sdk.OpenRequest) (*sdk.OpenResult, error) {
	return a.open(ctx, o)
}
func (a *scripted) Validate(ch sdk.Channel) []sdk.Problem { return a.validate(ch) }
func (a *scripted) Drain(ctx context.Context) error {
	if a.drain == nil {
		return nil
	}
	return a.drain(ctx)
}
func (a *scripted) Health(_ context.Context, ch string) error {
	if a.health == nil {
		return nil
	}
	return a.health(ch)
}

var quiet = slog.New(slog.DiscardHandler)

// connect serves an adapter in this process and returns a client.
func connect(t *testing.T, a sdk.Adapter) (*service, pluginpb.PluginServiceClient) {
	t.Helper()
	svc := newService(a, quiet)
	lis := bufconn.Listen(1 << 20)
	srv := grpc.NewServer()
	pluginpb.RegisterPluginServiceServer(srv, svc)
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = srv.Serve(lis)
	}()
	conn, err := grpc.NewClient("passthrough:///x", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return lis.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = conn.Close()
		srv.Stop()
		<-served
	})
	return svc, pluginpb.NewPluginServiceClient(conn)
}

func sendCall(t *testing.T, id uint64, e *envelope.Envelope, a *pluginpb.Assigned) *pluginpb.DeliverCall {
	t.Helper()
	b, err := protocol.EncodeEnvelope(e)
	if err != nil {
		t.Fatal(err)
	}
	return &pluginpb.DeliverCall{Id: id, Channel: "c", Key: "k", Attempt: 2, Action: &pluginpb.DeliverCall_Send{
		Send: &pluginpb.SendAction{Thread: "t", State: []byte("s"), Envelope: b, Assigned: a, History: [][]byte{b}}}}
}

func hello() *envelope.Envelope {
	return &envelope.Envelope{
		Channel: "c", Thread: "t", Kind: envelope.KindMessage, Sender: envelope.Sender{Role: envelope.RoleBot},
		Parts: []envelope.Part{envelope.TextPart("hello")}, Attributes: map[string]string{"a": "1"},
	}
}

func TestDeliveryIsBuiltFromLogAndAssignment(t *testing.T) {
	var got *sdk.Delivery
	svc := newService(&scripted{deliver: func(_ context.Context, d *sdk.Delivery) (*sdk.Receipt, error) {
		got = d
		return &sdk.Receipt{VendorID: "v", State: []byte{}, Degraded: "no pictures"}, nil
	}}, quiet)
	out := svc.deliver(t.Context(), sendCall(t, 5, hello(), &pluginpb.Assigned{
		Id: "id", Epoch: 3, Text: "hel", Attributes: map[string]string{"b": "2"}}))
	if out.GetId() != 5 || out.GetError() != nil || out.GetVendorId() != "v" || !out.GetHasState() || out.GetDegraded() != "no pictures" {
		t.Errorf("result %v", out)
	}
	e := hello()
	e.ID, e.Epoch, e.Parts, e.Attributes = "id", 3, []envelope.Part{envelope.TextPart("hel")}, map[string]string{"a": "1", "b": "2"}
	want := &sdk.Delivery{Channel: "c", Key: "k", Attempt: 2, Thread: "t", State: []byte("s"), Envelope: e, History: []*envelope.Envelope{hello()}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestOutcomesOfDeliver(t *testing.T) {
	for name, tc := range map[string]struct {
		receipt *sdk.Receipt
		err     error
		kind    sdk.ErrorKind
		text    string
	}{
		"typed":         {nil, &sdk.Error{Kind: sdk.KindThrottled, Text: "slow down", After: time.Second, Scope: sdk.ScopeLane}, sdk.KindThrottled, "slow down"},
		"wrapped":       {nil, fmt.Errorf("outer: %w", &sdk.Error{Kind: sdk.KindGone}), sdk.KindGone, ""},
		"with cause":    {nil, &sdk.Error{Kind: sdk.KindPermanent, Text: "no", Err: errors.New("why")}, sdk.KindPermanent, "no: why"},
		"untyped":       {nil, errors.New("a\nb"), sdk.KindTransient, "a; b"},
		"kindless":      {nil, &sdk.Error{Text: "x"}, sdk.KindTransient, "x"},
		"nothing":       {nil, nil, sdk.KindUnknown, "neither a receipt nor an error"},
		"large state":   {&sdk.Receipt{State: make([]byte, sdk.MaxStateBytes+1)}, nil, sdk.KindUnknown, "thread state of 4097 bytes"},
		"invalid reply": {&sdk.Receipt{Replies: []*envelope.Envelope{{Channel: "c", Kind: "message"}}}, nil, sdk.KindUnknown, "thread: missing"},
		"nil reply":     {&sdk.Receipt{Replies: []*envelope.Envelope{nil}}, nil, sdk.KindUnknown, "reply 0: nil"},
		"other channel": {&sdk.Receipt{Replies: []*envelope.Envelope{func() *envelope.Envelope { e := hello(); e.Channel = "x"; return e }()}},
			nil, sdk.KindUnknown, `must be "c"`},
	} {
		t.Run(name, func(t *testing.T) {
			svc := newService(&scripted{deliver: func(context.Context, *sdk.Delivery) (*sdk.Receipt, error) { return tc.receipt, tc.err }}, quiet)
			e := svc.deliver(t.Context(), sendCall(t, 1, hello(), nil)).GetError()
			if e.GetKind() != string(tc.kind) || !strings.Contains(e.GetText(), tc.text) {
				t.Errorf("error %v", e)
			}
		})
	}
}

func TestUntypedErrorAfterTheDeadlineIsUnknown(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	svc := newService(&scripted{deliver: func(ctx context.Context, _ *sdk.Delivery) (*sdk.Receipt, error) { return nil, ctx.Err() }}, quiet)
	if e := svc.deliver(ctx, sendCall(t, 1, hello(), nil)).GetError(); e.GetKind() != string(sdk.KindUnknown) {
		t.Errorf("error %v", e)
	}
}

func TestRequestArrivesWhole(t *testing.T) {
	var got *sdk.Request
	svc := newService(&scripted{receive: func(_ context.Context, r *sdk.Request) (*sdk.Reception, error) {
		got = r
		return &sdk.Reception{Answer: sdk.Response{Status: 202, ContentType: "a/b", Body: []byte("x"), Header: map[string]string{"H": "v"}}}, nil
	}}, quiet)
	res := svc.receive(t.Context(), &pluginpb.ReceiveCall{
		Id: 3, Channels: []string{"c", "d"}, Method: "POST", Host: "h", Path: "/p", FullPath: "/x/p", Query: "q=1",
		Header: []*pluginpb.Header{{Name: "x-a", Value: "1"}, {Name: "X-A", Value: "2"}}, Body: []byte("body"), Remote: "1.2.3.4:5",
	})
	want := &sdk.Request{
		Channels: []string{"c", "d"}, Method: "POST", Host: "h", Path: "/p", FullPath: "/x/p", Query: "q=1",
		Header: http.Header{"X-A": {"1", "2"}}, Body: []byte("body"), Remote: "1.2.3.4:5",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	a := res.GetAnswer()
	if res.GetId() != 3 || a.GetStatus() != 202 || string(a.GetBody()) != "x" || a.GetHeader()[0].GetValue() != "v" {
		t.Errorf("result %v", res)
	}
}

func TestEnvelopeForAnotherChannelIsAnError(t *testing.T) {
	svc := newService(&scripted{receive: func(context.Context, *sdk.Request) (*sdk.Reception, error) {
		return &sdk.Reception{Envelopes: []*envelope.Envelope{hello()}}, nil
	}}, quiet)
	e := svc.receive(t.Context(), &pluginpb.ReceiveCall{Channels: []string{"other"}}).GetError()
	if e.GetStatus() != 500 || !strings.Contains(e.GetText(), `channel: "c" did not get this call`) {
		t.Errorf("error %v", e)
	}
}

func TestMistakeInSettingsFailsDescribe(t *testing.T) {
	_, client := connect(t, &scripted{description: sdk.Description{Name: "x", Settings: &struct{ A int }{}}})
	_, err := client.Describe(t.Context(), &pluginpb.DescribeRequest{})
	if status.Code(err) != codes.Internal || !strings.Contains(err.Error(), "field A: needs a json tag") {
		t.Errorf("error %v", err)
	}
}

func TestConfigureKeepsConnectionsUnlessAllowChanges(t *testing.T) {
	var clients []*http.Client
	svc := newService(&scripted{configure: func(ch sdk.Channel) (sdk.Endpoint, error) {
		clients = append(clients, ch.Host.HTTP)
		return sdk.Endpoint{}, nil
	}}, quiet)
	for _, allow := range [][]string{{"10.0.0.0/8"}, {"10.0.0.0/8"}, {"10.0.0.0/9"}} {
		r, err := svc.Configure(t.Context(), &pluginpb.ConfigureRequest{Channel: &pluginpb.ChannelConfig{Name: "c", Allow: allow}})
		if err != nil || r.GetError() != nil || r.GetThreads() != "per_conversation" {
			t.Fatal(err, r)
		}
	}
	if clients[0] != clients[1] || clients[1] == clients[2] {
		t.Error("clients are not kept as they should")
	}
	for field, c := range map[string]*pluginpb.ChannelConfig{
		"allow": {Name: "c", Allow: []string{"x"}}, "allow_links": {Name: "c", AllowLinks: []string{"10.0.0.0"}},
	} {
		r, err := svc.Configure(t.Context(), &pluginpb.ConfigureRequest{Channel: c})
		if err != nil || r.GetError().GetKind() != string(sdk.KindInvalid) || r.GetError().GetField() != field {
			t.Errorf("a bad CIDR in %s: %v %v", field, r, err)
		}
	}
}

func TestValidateDecodesAndAsks(t *testing.T) {
	a := &scripted{
		description: sdk.Description{Settings: &struct {
			A string `json:"a"`
		}{}},
		validate: func(sdk.Channel) []sdk.Problem { return []sdk.Problem{{Path: "a", Message: "odd", Warning: true}} },
	}
	svc := newService(a, quiet)
	ask := func(settings string) []*pluginpb.Problem {
		r, err := svc.Validate(t.Context(), &pluginpb.ValidateRequest{Channel: &pluginpb.ChannelConfig{Settings: []byte(settings)}})
		if err != nil {
			t.Fatal(err)
		}
		return r.GetProblems()
	}
	if p := ask(`{"b":1}`); len(p) != 1 || p[0].GetPath() != "b" || !strings.HasPrefix(p[0].GetMessage(), "unknown") {
		t.Errorf("problems %v", p)
	}
	if p := ask(`{"a":"x"}`); len(p) != 1 || p[0].GetPath() != "a" || !p[0].GetWarning() {
		t.Errorf("problems %v", p)
	}
	a.validate = func(sdk.Channel) []sdk.Problem { panic("oops") }
	if p := ask(`{"a":"x"}`); len(p) != 1 || !strings.Contains(p[0].GetMessage(), "oops") {
		t.Errorf("problems %v", p)
	}
}

func TestMetricsOfTheAdapter(t *testing.T) {
	_, client := connect(t, &scripted{configure: func(ch sdk.Channel) (sdk.Endpoint, error) {
		c := prometheus.NewCounter(prometheus.CounterOpts{Name: "my_total", Help: "x"})
		c.Add(3)
		return sdk.Endpoint{}, ch.Host.Registry.Register(c)
	}})
	if _, err := client.Configure(t.Context(), &pluginpb.ConfigureRequest{Channel: &pluginpb.ChannelConfig{Name: "c"}}); err != nil {
		t.Fatal(err)
	}
	m, err := client.CollectMetrics(t.Context(), &pluginpb.CollectMetricsRequest{})
	if err != nil || !strings.Contains(string(m.GetText()), "my_total 3") {
		t.Errorf("%s, %v", m.GetText(), err)
	}
}

func TestUnimplementedAbilities(t *testing.T) {
	type bare struct{ sdk.Adapter }
	_, client := connect(t, bare{&scripted{}})
	d, err := client.Describe(t.Context(), &pluginpb.DescribeRequest{})
	if err != nil || len(d.GetAbilities()) != 0 {
		t.Errorf("abilities %v, %v", d.GetAbilities(), err)
	}
	receive, err := client.Receive(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := receive.Recv(); status.Code(err) != codes.Unimplemented {
		t.Errorf("receive: %v", err)
	}
	fetch, err := client.Fetch(t.Context(), &pluginpb.FetchRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := fetch.Recv(); err != nil || got.GetError().GetKind() != string(sdk.KindUnsupported) {
		t.Errorf("fetch: %v, %v; want unsupported", got, err)
	}
}

func TestSlowCallDoesNotHoldOthers(t *testing.T) {
	release := make(chan struct{})
	_, client := connect(t, &scripted{deliver: func(ctx context.Context, d *sdk.Delivery) (*sdk.Receipt, error) {
		if d.Envelope.ID == "slow" {
			<-release
		}
		return &sdk.Receipt{}, nil
	}})
	stream, err := client.Deliver(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	err = stream.Send(&pluginpb.DeliverRequest{Calls: []*pluginpb.DeliverCall{
		sendCall(t, 1, hello(), &pluginpb.Assigned{Id: "slow"}), sendCall(t, 2, hello(), nil)}})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []uint64{2, 1} {
		f, err := stream.Recv()
		if err != nil || len(f.GetResults()) != 1 || f.GetResults()[0].GetId() != want {
			t.Fatalf("%v, %v", f, err)
		}
		if want == 2 {
			close(release)
		}
	}
	if err := stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); !errors.Is(err, io.EOF) {
		t.Errorf("end: %v", err)
	}
}

func TestTimeoutAndCancelReachTheCall(t *testing.T) {
	started := make(chan struct{}, 2)
	_, client := connect(t, &scripted{deliver: func(ctx context.Context, d *sdk.Delivery) (*sdk.Receipt, error) {
		started <- struct{}{}
		<-ctx.Done()
		return nil, &sdk.Error{Kind: sdk.KindUnknown, Text: ctx.Err().Error()}
	}})
	stream, err := client.Deliver(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	timed := sendCall(t, 1, hello(), nil)
	timed.Timeout = durationpb.New(time.Millisecond)
	if err := stream.Send(&pluginpb.DeliverRequest{Calls: []*pluginpb.DeliverCall{timed}}); err != nil {
		t.Fatal(err)
	}
	f, err := stream.Recv()
	if err != nil || !strings.Contains(f.GetResults()[0].GetError().GetText(), "deadline") {
		t.Fatalf("%v, %v", f, err)
	}
	if err := stream.Send(&pluginpb.DeliverRequest{Calls: []*pluginpb.DeliverCall{sendCall(t, 2, hello(), nil)}}); err != nil {
		t.Fatal(err)
	}
	<-started
	<-started
	if _, err := client.Cancel(t.Context(), &pluginpb.CancelRequest{Receive: []uint64{2}, Deliver: []uint64{2, 99}}); err != nil {
		t.Fatal(err)
	}
	f, err = stream.Recv()
	if err != nil || !strings.Contains(f.GetResults()[0].GetError().GetText(), "canceled") {
		t.Fatalf("%v, %v", f, err)
	}
}

func TestDrainWaitsRefusesAndAsksTheAdapter(t *testing.T) {
	release, drained := make(chan struct{}), make(chan struct{})
	svc, client := connect(t, &scripted{
		deliver: func(context.Context, *sdk.Delivery) (*sdk.Receipt, error) { <-release; return &sdk.Receipt{}, nil },
		drain:   func(context.Context) error { close(drained); return nil },
	})
	stream, err := client.Deliver(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	deliver := func(id uint64) {
		if err := stream.Send(&pluginpb.DeliverRequest{Calls: []*pluginpb.DeliverCall{sendCall(t, id, hello(), nil)}}); err != nil {
			t.Fatal(err)
		}
	}
	deliver(1)
	until(t, "the call runs", func() bool { return svc.calls.count() == 1 })
	result := make(chan *pluginpb.DrainResponse, 1)
	go func() {
		r, err := client.Drain(t.Context(), &pluginpb.DrainRequest{Timeout: durationpb.New(time.Minute)})
		if err != nil {
			t.Error(err)
		}
		result <- r
	}()
	until(t, "calls are refused", svc.calls.refusing)
	deliver(2)
	f, err := stream.Recv()
	if err != nil || f.GetResults()[0].GetId() != 2 || f.GetResults()[0].GetError().GetKind() != string(sdk.KindTransient) {
		t.Fatalf("%v, %v", f, err)
	}
	close(release)
	if f, err = stream.Recv(); err != nil || f.GetResults()[0].GetError() != nil {
		t.Fatalf("%v, %v", f, err)
	}
	if r := <-result; r.GetRunning() != 0 {
		t.Errorf("running %d", r.GetRunning())
	}
	<-drained
}

func (c *calls) refusing() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.draining
}

// until polls a condition that nothing announces.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	limit := time.After(30 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

func TestStopEndsStreamsAfterTheLastResult(t *testing.T) {
	svc, client := connect(t, &scripted{deliver: func(context.Context, *sdk.Delivery) (*sdk.Receipt, error) { return &sdk.Receipt{VendorID: "last"}, nil }})
	stream, err := client.Deliver(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Send(&pluginpb.DeliverRequest{Calls: []*pluginpb.DeliverCall{sendCall(t, 1, hello(), nil)}}); err != nil {
		t.Fatal(err)
	}
	if f, err := stream.Recv(); err != nil || f.GetResults()[0].GetVendorId() != "last" {
		t.Fatalf("%v, %v", f, err)
	}
	svc.stop(time.Minute)
	if _, err := stream.Recv(); !errors.Is(err, io.EOF) {
		t.Errorf("end: %v", err)
	}
}

// healthStream collects what WatchHealth sends.
type healthStream struct {
	grpc.ServerStream
	ctx  context.Context
	mu   sync.Mutex
	sent []string
}

func (s *healthStream) Context() context.Context { return s.ctx }
func (s *healthStream) Send(r *pluginpb.WatchHealthResponse) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var words []string
	for _, c := range r.GetSick() {
		words = append(words, c.GetChannel()+": "+c.GetText())
	}
	s.sent = append(s.sent, strings.Join(words, ", "))
	return nil
}

func TestWatchHealthSendsOnceAndThenChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		trouble := map[string]error{}
		svc := newService(&scripted{health: func(ch string) error {
			mu.Lock()
			defer mu.Unlock()
			if ch == "b" && trouble[ch] != nil {
				panic(trouble[ch])
			}
			return trouble[ch]
		}}, quiet)
		for _, name := range []string{"b", "a"} {
			if _, err := svc.Configure(t.Context(), &pluginpb.ConfigureRequest{Channel: &pluginpb.ChannelConfig{Name: name}}); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		stream := &healthStream{ctx: ctx}
		ended := make(chan error, 1)
		go func() { ended <- svc.WatchHealth(nil, stream) }()
		set := func(ch string, err error) {
			mu.Lock()
			trouble[ch] = err
			mu.Unlock()
			time.Sleep(3 * healthInterval) // virtual
		}
		set("a", nil)
		set("a", errors.New("ill"))
		set("b", errors.New("worse"))
		set("a", nil)
		cancel()
		<-ended
		want := []string{"", "a: ill", "a: ill, b: the adapter panicked: worse", "b: the adapter panicked: worse"}
		if diff := cmp.Diff(want, stream.sent); diff != "" {
			t.Error(diff)
		}
	})
}

func TestResultsThatWaitShareFramesWithinLimits(t *testing.T) {
	var frames [][]int
	w := newResultWriter(func(n int) int { return n }, func(f []int) error {
		frames = append(frames, append([]int(nil), f...))
		return nil
	})
	for _, n := range []int{1, protocol.MaxFrameBytes, 5, 6, 7 << 20} {
		w.put(n)
	}
	for range protocol.MaxFrameCalls + 1 {
		w.put(0)
	}
	w.close()
	if err := w.run(); err != nil {
		t.Fatal(err)
	}
	var sizes []int
	for _, f := range frames {
		sizes = append(sizes, len(f))
	}
	if diff := cmp.Diff([]int{1, 1, 2, 1, protocol.MaxFrameCalls, 1}, sizes); diff != "" {
		t.Error(diff)
	}
}

func TestWorkersRunAtOnceAndAreReused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorkers()
		release := make(chan struct{})
		var ran atomic.Int64
		for range 2 * maxIdleWorkers {
			w.run(func() { ran.Add(1); <-release })
		}
		synctest.Wait()
		if ran.Load() != 2*maxIdleWorkers {
			t.Errorf("only %d run at once", ran.Load())
		}
		close(release)
		synctest.Wait()
		if w.idle.Load() != maxIdleWorkers {
			t.Errorf("%d workers wait", w.idle.Load())
		}
		for range 10 {
			w.run(func() { ran.Add(1) })
		}
		synctest.Wait()
		if w.idle.Load() != maxIdleWorkers || ran.Load() != 2*maxIdleWorkers+10 {
			t.Errorf("%d workers wait after %d functions", w.idle.Load(), ran.Load())
		}
		w.wait()
	})
}

func TestForbiddenTargetIsPermanentAndNamesTheSetting(t *testing.T) {
	c := httpclient.New(nil)
	_, err := c.Get("http://127.0.0.1:1/")
	e := sdk.FromTransport("send message", err)
	if e.Kind != sdk.KindPermanent || !strings.Contains(errorToProto(e).GetText(), "allow: [127.0.0.1/32]") {
		t.Errorf("error %v", e)
	}
}

func TestLoggerWritesWhatTheGatewayReads(t *testing.T) {
	var out bytes.Buffer
	l := newLogger(&out, "warn")
	l.Info("quiet")
	l.Warn("loud", "n", 1)
	var rec map[string]any
	if err := json.Unmarshal(out.Bytes(), &rec); err != nil || rec["msg"] != "loud" || rec["level"] != "WARN" {
		t.Errorf("%s, %v", out.String(), err)
	}
}

func TestParentWatch(t *testing.T) {
	t.Setenv(protocol.ParentEnv, fmt.Sprint(os.Getppid()))
	w := newParentWatch()
	select {
	case <-w.gone:
		t.Error("the parent lives")
	default:
	}
	w.stop()
	t.Setenv(protocol.ParentEnv, "1999999999")
	w = newParentWatch()
	<-w.gone
	w.stop()
}
