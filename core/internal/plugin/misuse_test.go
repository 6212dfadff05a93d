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

// fetchScript answers Fetch with what an adapter sends that was not made with the SDK.
type fetchScript struct {
	pluginpb.PluginServiceClient
	grpc.ClientStream
	says   []*pluginpb.FetchResponse
	end    error
	before func() // called before it says something
}

func (f *fetchScript) Fetch(context.Context, *pluginpb.FetchRequest, ...grpc.CallOption) (pluginpb.PluginService_FetchClient, error) {
	return f, nil
}

func (f *fetchScript) Recv() (*pluginpb.FetchResponse, error) {
	if f.before != nil {
		f.before()
	}
	if len(f.says) == 0 {
		return nil, f.end
	}
	m := f.says[0]
	f.says = f.says[1:]
	return m, nil
}

func (f *fetchScript) Attach(context.Context, ...grpc.CallOption) (pluginpb.PluginService_AttachClient, error) {
	return nil, f.end
}

// TestFetchFromAnAdapterThatBreaksTheProtocol: whatever it sends, head comes once and first, nothing comes after an error, and the
// error is one that can be kept.
func TestFetchFromAnAdapterThatBreaksTheProtocol(t *testing.T) {
	data := func(s string) *pluginpb.FetchResponse { return &pluginpb.FetchResponse{Data: []byte(s)} }
	fails := func(e *pluginpb.Error) *pluginpb.FetchResponse {
		return &pluginpb.FetchResponse{Error: e, Data: []byte("x")}
	}
	long := strings.Repeat("é", 1<<20)
	for name, tc := range map[string]struct {
		says []*pluginpb.FetchResponse
		end  error
		data string
		head bool
		kind sdk.ErrorKind // "" is none
		fail bool
	}{
		"nothing at all":             {end: io.EOF, fail: true},
		"an empty head":              {says: []*pluginpb.FetchResponse{{}}, end: io.EOF, head: true},
		"a head without sense":       {says: []*pluginpb.FetchResponse{{Size: -1, Name: "\x00/../x", ContentType: "\r\n"}}, end: io.EOF, head: true},
		"a second head":              {says: []*pluginpb.FetchResponse{{Name: "a", Data: []byte("1")}, {Name: "b", Size: 9, Data: []byte("2")}}, end: io.EOF, head: true, data: "12"},
		"data with and after errors": {says: []*pluginpb.FetchResponse{data("1"), fails(&pluginpb.Error{Kind: "gone"}), data("2")}, end: io.EOF, head: true, data: "1", kind: sdk.KindGone},
		"an error without a kind":    {says: []*pluginpb.FetchResponse{fails(&pluginpb.Error{})}, end: io.EOF, kind: sdk.KindTransient},
		"an error of another age":    {says: []*pluginpb.FetchResponse{fails(&pluginpb.Error{Kind: "bored"})}, end: io.EOF, kind: "bored"},
		"an endless error": {says: []*pluginpb.FetchResponse{fails(&pluginpb.Error{Kind: "permanent", Text: long, Op: long, Code: long, Reason: long, Field: long,
			After: &durationpb.Duration{Seconds: 1 << 60}})}, end: io.EOF, kind: sdk.KindPermanent},
		"an error before now": {says: []*pluginpb.FetchResponse{fails(&pluginpb.Error{Kind: "throttled", After: &durationpb.Duration{Seconds: -1 << 60}})}, end: io.EOF, kind: sdk.KindThrottled},
		"another protocol":    {end: status.Error(codes.Unimplemented, "unknown method Fetch"), kind: sdk.KindUnsupported},
		"an error of gRPC":    {says: []*pluginpb.FetchResponse{data("1")}, end: status.Error(codes.Internal, "oops"), head: true, data: "1", fail: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := &session{rpc: &fetchScript{says: tc.says, end: tc.end}}
			heads, got := 0, ""
			err := s.fetch(t.Context(), &pluginpb.FetchRequest{}, func(m *pluginpb.FetchResponse) error {
				if heads++; len(m.GetData()) > 0 || got != "" {
					t.Error("the head has data, or comes after some")
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

func TestAttachToAnAdapterThatDoesNotKnowIt(t *testing.T) {
	s := &session{rpc: &fetchScript{end: status.Error(codes.Unimplemented, "unknown method Attach")}}
	err := s.attach(t.Context(), &pluginpb.AttachRequest{Id: "m"}, strings.NewReader(""))
	if e, ok := errors.AsType[*sdk.Error](err); !ok || e.Kind != sdk.KindUnsupported {
		t.Errorf("error %v, want one that stays", err)
	}
}

// subscribeScript records the messages of a subscription and sends none.
type subscribeScript struct {
	pluginpb.PluginServiceClient
	grpc.ClientStream
	ctx  context.Context
	mu   sync.Mutex
	told []*pluginpb.SubscribeRequest
}

func (l *subscribeScript) Subscribe(ctx context.Context, _ ...grpc.CallOption) (pluginpb.PluginService_SubscribeClient, error) {
	l.ctx = ctx
	return l, nil
}

func (l *subscribeScript) Send(m *pluginpb.SubscribeRequest) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.told = append(l.told, m)
	return nil
}

func (l *subscribeScript) Recv() (*pluginpb.SubscribeResponse, error) {
	<-l.ctx.Done()
	return nil, status.FromContextError(l.ctx.Err()).Err()
}

// TestSubscribeStopsAfterItsStart: an adapter that is told to stop first would subscribe a channel without a name. And one that does
// not end is left as soon as its time is over.
func TestSubscribeStopsAfterItsStart(t *testing.T) {
	for _, when := range []time.Duration{0, time.Nanosecond, time.Second} {
		synctest.Test(t, func(t *testing.T) {
			all, end := context.WithCancel(t.Context())
			defer end()
			l := &subscribeScript{}
			s := &session{rpc: l, ctx: all, over: make(chan struct{})}
			ctx, cancel := context.WithTimeout(all, when)
			defer cancel()
			began := time.Now()
			from := &pluginpb.SubscribeRequest{Channel: "c"}
			for range 40 { // of several messages
				from.Threads = append(from.Threads, &pluginpb.LiveThread{Thread: "t", State: make([]byte, 100<<10)})
			}
			err := s.subscribe(ctx, from, func(context.Context, [][]byte, []byte) error { return nil })
			if took := time.Since(began); err != nil || took > when+subscribeGrace {
				t.Errorf("ended after %v: error %v after %v", when, err, took)
			}
			synctest.Wait() // it may just be told
			l.mu.Lock()
			defer l.mu.Unlock()
			for i, m := range l.told {
				if first := i == 0; m.GetStop() && first || (m.GetChannel() != "") != first || m.GetStop() && i < len(l.told)-1 {
					t.Errorf("ended after %v: message %d of %d: channel %q, %d threads, stop %t", when, i+1, len(l.told), m.GetChannel(), len(m.GetThreads()), m.GetStop())
				}
			}
		})
	}
}
