package serve

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol"
	"patchbay/sdk/protocol/pluginpb"
)

// subscriber is an adapter. The test sets its Subscribe.
type subscriber struct {
	scripted
	subscribe func(context.Context, *sdk.Subscription, sdk.Emit) error
}

func (a *subscriber) Subscribe(ctx context.Context, l *sdk.Subscription, emit sdk.Emit) error {
	return a.subscribe(ctx, l, emit)
}

// gatewaySide is the gateway's side of one Subscribe.
type gatewaySide struct {
	t      *testing.T
	stream pluginpb.PluginService_SubscribeClient
	cancel context.CancelFunc
}

func subscribe(t *testing.T, client pluginpb.PluginServiceClient, first ...*pluginpb.SubscribeRequest) *gatewaySide {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	stream, err := client.Subscribe(ctx)
	if err != nil {
		t.Fatal(err)
	}
	g := &gatewaySide{t, stream, cancel}
	for _, m := range first {
		g.send(m)
	}
	return g
}

func (g *gatewaySide) send(m *pluginpb.SubscribeRequest) {
	g.t.Helper()
	if err := g.stream.Send(m); err != nil {
		g.t.Fatal(err)
	}
}

func (g *gatewaySide) batch() *pluginpb.SubscribeResponse {
	g.t.Helper()
	m, err := g.stream.Recv()
	if err != nil {
		g.t.Fatalf("no batch: %v", err)
	}
	return m
}

// end returns the error of the last message, or nil if the stream ended without one.
func (g *gatewaySide) end() *pluginpb.Error {
	g.t.Helper()
	m, err := g.stream.Recv()
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err != nil || m.GetError() == nil {
		g.t.Fatalf("got %v, %v, want the end", m, err)
	}
	if _, err := g.stream.Recv(); !errors.Is(err, io.EOF) {
		g.t.Fatalf("after the last message: %v", err)
	}
	return m.GetError()
}

func TestEmitReturnsWhenItsBatchIsStored(t *testing.T) {
	emitted := make(chan error, 1)
	var began *sdk.Subscription
	_, client := connect(t, &subscriber{subscribe: func(ctx context.Context, l *sdk.Subscription, emit sdk.Emit) error {
		began = l
		for i := range 2 {
			emitted <- emit(ctx, []*envelope.Envelope{hello(), hello()}, fmt.Append(nil, "cursor ", i))
		}
		emitted <- emit(ctx, nil, []byte("cursor alone"))
		emitted <- emit(ctx, nil, nil)
		<-ctx.Done()
		return ctx.Err()
	}})
	g := subscribe(t, client,
		&pluginpb.SubscribeRequest{Channel: "c", Cursor: []byte("from"), Threads: []*pluginpb.LiveThread{{Thread: "a", State: []byte("s")}}, MoreThreads: true},
		&pluginpb.SubscribeRequest{Threads: []*pluginpb.LiveThread{{Thread: "b"}}})
	for i := range uint64(3) {
		b := g.batch()
		if b.GetBatch() != i+1 || len(b.GetEnvelopes()) != 2 && i < 2 || !strings.HasPrefix(string(b.GetCursor()), "cursor ") {
			t.Fatalf("batch %d: %v", i, b)
		}
		for _, data := range b.GetEnvelopes() {
			if e, err := protocol.DecodeEnvelope(data); err != nil || e.Text() != "hello" {
				t.Errorf("envelope %v, %v", e, err)
			}
		}
		select {
		case err := <-emitted:
			t.Fatalf("emit returned %v before the batch was stored", err)
		default:
		}
		g.send(&pluginpb.SubscribeRequest{Stored: i}) // an old number has no effect
		g.send(&pluginpb.SubscribeRequest{Stored: i + 1})
		if err := <-emitted; err != nil {
			t.Fatal(err)
		}
	}
	if err := <-emitted; err != nil { // nothing to store
		t.Fatal(err)
	}
	want := &sdk.Subscription{Channel: "c", Cursor: []byte("from"), Threads: []sdk.LiveThread{{Thread: "a", State: []byte("s")}, {Thread: "b"}}}
	if diff := cmp.Diff(want, began); diff != "" {
		t.Error(diff)
	}
	if err := g.stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
	if e := g.end(); e != nil {
		t.Errorf("ended with %v, want no error: the gateway closed the stream", e)
	}
}

func TestEmitWorksAfterAStop(t *testing.T) {
	emitted := make(chan error, 1)
	_, client := connect(t, &subscriber{subscribe: func(ctx context.Context, _ *sdk.Subscription, emit sdk.Emit) error {
		<-ctx.Done()
		emitted <- emit(context.WithoutCancel(ctx), []*envelope.Envelope{hello()}, nil)
		return ctx.Err()
	}})
	g := subscribe(t, client, &pluginpb.SubscribeRequest{Channel: "c"})
	g.send(&pluginpb.SubscribeRequest{Stop: true})
	g.batch()
	g.send(&pluginpb.SubscribeRequest{Stored: 1})
	if err := <-emitted; err != nil {
		t.Errorf("emit = %v, want nil before the end of the stream", err)
	}
	if e := g.end(); e != nil {
		t.Errorf("ended with %v", e)
	}
}

func TestEmitRefusesInvalidBatches(t *testing.T) {
	other, odd, large := hello(), hello(), hello()
	other.Channel = "d"
	odd.Kind = "nonsense"
	for range envelope.MaxParts {
		large.Parts = append(large.Parts[:len(large.Parts):len(large.Parts)], envelope.TextPart(strings.Repeat("x", envelope.MaxTextBytes)))
	}
	large.Parts = large.Parts[1:]
	for name, tc := range map[string]struct {
		list   []*envelope.Envelope
		cursor []byte
		text   string
	}{
		"another channel": {[]*envelope.Envelope{other}, nil, `channel: "d", must be "c"`},
		"invalid":         {[]*envelope.Envelope{hello(), odd}, nil, "invalid envelope 1: kind: unknown"},
		"nil":             {[]*envelope.Envelope{nil}, nil, "envelope 0: nil"},
		"large batch":     {[]*envelope.Envelope{large, large}, nil, "emit fewer envelopes per batch"},
		"large cursor":    {nil, make([]byte, sdk.MaxCursorBytes+1), "the cursor has 65537 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			var first error
			_, client := connect(t, &subscriber{subscribe: func(ctx context.Context, _ *sdk.Subscription, emit sdk.Emit) error {
				if first = emit(ctx, tc.list, tc.cursor); first != nil { // a valid batch is still possible
					return errors.Join(first, emit(ctx, []*envelope.Envelope{hello()}, nil))
				}
				return nil
			}})
			g := subscribe(t, client, &pluginpb.SubscribeRequest{Channel: "c"})
			if b := g.batch(); len(b.GetEnvelopes()) != 1 {
				t.Errorf("batch %v", b)
			}
			g.send(&pluginpb.SubscribeRequest{Stored: 1})
			e := g.end()
			if sdk.KindOf(first) != sdk.KindInvalid || !strings.Contains(first.Error(), tc.text) {
				t.Errorf("emit = %v", first)
			}
			if e.GetKind() != string(sdk.KindInvalid) || !strings.Contains(e.GetText(), tc.text) {
				t.Errorf("the gateway got %v", e)
			}
		})
	}
}

func TestErrorOfSubscribeIsSent(t *testing.T) {
	for name, tc := range map[string]struct {
		subscribe func() error
		kind      sdk.ErrorKind
		text      string
	}{
		"typed":   {func() error { return &sdk.Error{Kind: sdk.KindUnauthorized, Text: "token refused"} }, sdk.KindUnauthorized, "token refused"},
		"untyped": {func() error { return errors.New("no route") }, sdk.KindTransient, "no route"},
		"panic":   {func() error { panic("oops") }, sdk.KindPanicked, "panicked: oops"},
		"nothing": {func() error { return nil }, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, client := connect(t, &subscriber{subscribe: func(context.Context, *sdk.Subscription, sdk.Emit) error { return tc.subscribe() }})
			e := subscribe(t, client, &pluginpb.SubscribeRequest{Channel: "c"}).end()
			if e.GetKind() != string(tc.kind) || !strings.Contains(e.GetText(), tc.text) {
				t.Errorf("error %v", e)
			}
		})
	}
}

func TestEmitFailsAfterTheEndOfTheStream(t *testing.T) {
	emitted := make(chan error, 1)
	_, client := connect(t, &subscriber{subscribe: func(ctx context.Context, _ *sdk.Subscription, emit sdk.Emit) error {
		err := emit(ctx, []*envelope.Envelope{hello()}, nil)
		emitted <- err
		return err
	}})
	g := subscribe(t, client, &pluginpb.SubscribeRequest{Channel: "c"})
	g.batch()
	g.cancel()
	if err := <-emitted; err == nil {
		t.Error("emit = nil although the batch was not stored")
	}
}

// A drain waits until the batch in flight is stored. Otherwise the batch would be emitted again.
func TestDrainEndsSubscriptions(t *testing.T) {
	emitted, drained := make(chan error, 1), make(chan int, 1)
	svc, client := connect(t, &subscriber{subscribe: func(ctx context.Context, _ *sdk.Subscription, emit sdk.Emit) error {
		emitted <- emit(ctx, []*envelope.Envelope{hello()}, nil)
		<-ctx.Done()
		return ctx.Err()
	}})
	g := subscribe(t, client, &pluginpb.SubscribeRequest{Channel: "c"})
	g.batch()
	go func() { drained <- svc.drain(g.stream.Context()) }()
	for !svc.subscriptions.isStopped() {
		if g.stream.Context().Err() != nil {
			t.Fatal("the drain did not start")
		}
	}
	select {
	case n := <-drained:
		t.Fatalf("drained with %d running while a batch is on its way", n)
	default:
	}
	g.send(&pluginpb.SubscribeRequest{Stored: 1})
	if err := <-emitted; err != nil {
		t.Errorf("emit = %v, want nil: the batch was stored", err)
	}
	if n := <-drained; n != 0 {
		t.Errorf("%d calls run after the drain", n)
	}
	if e := g.end(); e != nil {
		t.Errorf("ended with %v", e)
	}
	e := subscribe(t, client, &pluginpb.SubscribeRequest{Channel: "c"}).end()
	if e.GetKind() != string(sdk.KindTransient) {
		t.Errorf("a Subscribe after the drain ended with %v", e)
	}
}

func (s *subscriptions) isStopped() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stopped
}

func TestAChannelHasOneSubscriptionAtATime(t *testing.T) {
	running, release := make(chan string, 3), make(chan struct{})
	_, client := connect(t, &subscriber{subscribe: func(ctx context.Context, l *sdk.Subscription, _ sdk.Emit) error {
		running <- l.Channel
		<-ctx.Done()
		<-release // a slow adapter
		return nil
	}})
	first := subscribe(t, client, &pluginpb.SubscribeRequest{Channel: "c"})
	if got := <-running; got != "c" {
		t.Fatal(got)
	}
	first.cancel()
	second := subscribe(t, client, &pluginpb.SubscribeRequest{Channel: "c"})
	subscribe(t, client, &pluginpb.SubscribeRequest{Channel: "d"})
	if got := <-running; got != "d" {
		t.Fatalf("%s has started, want d: the first subscription of c has not ended", got)
	}
	close(release)
	if got := <-running; got != "c" {
		t.Fatal(got)
	}
	second.cancel()
}

func TestSubscribeIsAnAbility(t *testing.T) {
	_, client := connect(t, &scripted{})
	d, err := client.Describe(t.Context(), &pluginpb.DescribeRequest{})
	if err != nil || strings.Contains(strings.Join(d.GetAbilities(), " "), "subscribe") {
		t.Errorf("abilities %v, %v", d.GetAbilities(), err)
	}
	g := subscribe(t, client)
	if _, err := g.stream.Recv(); status.Code(err) != codes.Unimplemented {
		t.Errorf("Subscribe = %v", err)
	}
	_, client = connect(t, &subscriber{})
	if d, err = client.Describe(t.Context(), &pluginpb.DescribeRequest{}); err != nil || !strings.Contains(strings.Join(d.GetAbilities(), " "), "subscribe") {
		t.Errorf("abilities %v, %v", d.GetAbilities(), err)
	}
}
