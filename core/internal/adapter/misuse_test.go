package adapter

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
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
