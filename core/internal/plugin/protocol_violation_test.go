package plugin

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"patchbay/sdk"
	"patchbay/sdk/protocol/pluginpb"
)

// fetchScript is an adapter without the SDK. It responds to Fetch with the given messages.
type fetchScript struct {
	pluginpb.PluginServiceClient
	grpc.ClientStream
	messages []*pluginpb.FetchResponse
	end      error
	before   func() // called before each message
}

func (f *fetchScript) Fetch(context.Context, *pluginpb.FetchRequest, ...grpc.CallOption) (pluginpb.PluginService_FetchClient, error) {
	return f, nil
}

func (f *fetchScript) Recv() (*pluginpb.FetchResponse, error) {
	if f.before != nil {
		f.before()
	}
	if len(f.messages) == 0 {
		return nil, f.end
	}
	m := f.messages[0]
	f.messages = f.messages[1:]
	return m, nil
}

func (f *fetchScript) Attach(context.Context, ...grpc.CallOption) (pluginpb.PluginService_AttachClient, error) {
	return nil, f.end
}

// For all messages of the adapter, head is called first and once, nothing follows an error, and the size of the error
// is limited.
func TestFetchFromAnAdapterThatBreaksTheProtocol(t *testing.T) {
	data := func(s string) *pluginpb.FetchResponse { return &pluginpb.FetchResponse{Data: []byte(s)} }
	fails := func(e *pluginpb.Error) *pluginpb.FetchResponse {
		return &pluginpb.FetchResponse{Error: e, Data: []byte("x")}
	}
	long := strings.Repeat("é", 1<<20)
	for name, tc := range map[string]struct {
		messages []*pluginpb.FetchResponse
		end      error
		data     string
		head     bool
		kind     sdk.ErrorKind // "" is none
		fail     bool
	}{
		"no message":                  {end: io.EOF, fail: true},
		"an empty head":               {messages: []*pluginpb.FetchResponse{{}}, end: io.EOF, head: true},
		"an invalid head":             {messages: []*pluginpb.FetchResponse{{Size: -1, Name: "\x00/../x", ContentType: "\r\n"}}, end: io.EOF, head: true},
		"a second head":               {messages: []*pluginpb.FetchResponse{{Name: "a", Data: []byte("1")}, {Name: "b", Size: 9, Data: []byte("2")}}, end: io.EOF, head: true, data: "12"},
		"data with and after errors":  {messages: []*pluginpb.FetchResponse{data("1"), fails(&pluginpb.Error{Kind: "gone"}), data("2")}, end: io.EOF, head: true, data: "1", kind: sdk.KindGone},
		"an error without a kind":     {messages: []*pluginpb.FetchResponse{fails(&pluginpb.Error{})}, end: io.EOF, kind: sdk.KindTransient},
		"an error of an unknown kind": {messages: []*pluginpb.FetchResponse{fails(&pluginpb.Error{Kind: "bored"})}, end: io.EOF, kind: "bored"},
		"an oversized error": {messages: []*pluginpb.FetchResponse{fails(&pluginpb.Error{Kind: "permanent", Text: long, Op: long, Code: long, Reason: long, Field: long,
			After: &durationpb.Duration{Seconds: 1 << 60}})}, end: io.EOF, kind: sdk.KindPermanent},
		"a negative After":     {messages: []*pluginpb.FetchResponse{fails(&pluginpb.Error{Kind: "throttled", After: &durationpb.Duration{Seconds: -1 << 60}})}, end: io.EOF, kind: sdk.KindThrottled},
		"call not implemented": {end: status.Error(codes.Unimplemented, "unknown method Fetch"), kind: sdk.KindUnsupported},
		"a gRPC error":         {messages: []*pluginpb.FetchResponse{data("1")}, end: status.Error(codes.Internal, "oops"), head: true, data: "1", fail: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := &session{rpc: &fetchScript{messages: tc.messages, end: tc.end}}
			heads, got := 0, ""
			err := s.fetch(t.Context(), &pluginpb.FetchRequest{}, func(m *pluginpb.FetchResponse) error {
				if heads++; len(m.GetData()) > 0 || got != "" {
					t.Error("the head has data, or follows data")
				}
				return nil
			}, func(b []byte) error { got += string(b); return nil })
			e, typed := errors.AsType[*sdk.Error](err)
			if (heads == 1) != tc.head || heads > 1 || got != tc.data || typed != (tc.kind != "") || (err != nil) != (tc.fail || tc.kind != "") {
				t.Fatalf("%d heads, data %q, error %.300v", heads, got, err)
			}
			if typed && (e.Kind != tc.kind || len(e.Error()) > 8<<10 || !utf8.ValidString(e.Error()) || e.After < 0 || e.After > time.Hour) {
				t.Errorf("error of kind %q with %d bytes, after %v", e.Kind, len(e.Error()), e.After)
			}
		})
	}
}

func TestAttachToAnAdapterWithoutAttach(t *testing.T) {
	s := &session{rpc: &fetchScript{end: status.Error(codes.Unimplemented, "unknown method Attach")}}
	err := s.attach(t.Context(), &pluginpb.AttachRequest{Id: "m"}, strings.NewReader(""))
	if e, ok := errors.AsType[*sdk.Error](err); !ok || e.Kind != sdk.KindUnsupported {
		t.Errorf("error %v, want unsupported", err)
	}
}

// subscribeScript records the messages of a subscription and sends none.
type subscribeScript struct {
	pluginpb.PluginServiceClient
	grpc.ClientStream
	ctx  context.Context
	mu   sync.Mutex
	sent []*pluginpb.SubscribeRequest
}

func (l *subscribeScript) Subscribe(ctx context.Context, _ ...grpc.CallOption) (pluginpb.PluginService_SubscribeClient, error) {
	l.ctx = ctx
	return l, nil
}

func (l *subscribeScript) Send(m *pluginpb.SubscribeRequest) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sent = append(l.sent, m)
	return nil
}

func (l *subscribeScript) Recv() (*pluginpb.SubscribeResponse, error) {
	<-l.ctx.Done()
	return nil, status.FromContextError(l.ctx.Err()).Err()
}

// The first message contains the channel, so that a stop must not precede it. An adapter that does not stop is
// abandoned after stopGrace.
func TestSubscribeStopsAfterItsStart(t *testing.T) {
	for _, when := range []time.Duration{0, time.Nanosecond, time.Second} {
		synctest.Test(t, func(t *testing.T) {
			all, end := context.WithCancel(t.Context())
			defer end()
			l := &subscribeScript{}
			s := &session{rpc: l, ctx: all, retired: make(chan struct{})}
			ctx, cancel := context.WithTimeout(all, when)
			defer cancel()
			began := time.Now()
			from := &pluginpb.SubscribeRequest{Channel: "c"}
			for range 40 { // more than one message
				from.Threads = append(from.Threads, &pluginpb.LiveThread{Thread: "t", State: make([]byte, 100<<10)})
			}
			err := s.subscribe(ctx, from, func(context.Context, [][]byte, []byte) error { return nil })
			if took := time.Since(began); err != nil || took > when+stopGrace {
				t.Errorf("ended after %v: error %v after %v", when, err, took)
			}
			synctest.Wait() // the stop may be about to be sent
			l.mu.Lock()
			defer l.mu.Unlock()
			for i, m := range l.sent {
				if first := i == 0; m.GetStop() && first || (m.GetChannel() != "") != first || m.GetStop() && i < len(l.sent)-1 {
					t.Errorf("ended after %v: message %d of %d: channel %q, %d threads, stop %t", when, i+1, len(l.sent), m.GetChannel(), len(m.GetThreads()), m.GetStop())
				}
			}
		})
	}
}
