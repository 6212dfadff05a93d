package serve

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
	"patchbay/sdk/httpclient"
	"patchbay/sdk/protocol"
	"patchbay/sdk/protocol/pluginpb"
)

// fetcher is an adapter whose media need credentials.
type fetcher struct {
	scripted
	fetch func(context.Context, *sdk.FetchRequest) (*sdk.Medium, error)
}

func (a *fetcher) Fetch(ctx context.Context, f *sdk.FetchRequest) (*sdk.Medium, error) {
	return a.fetch(ctx, f)
}

// fetch reads a medium to its end.
func fetch(t *testing.T, client pluginpb.PluginServiceClient, req *pluginpb.FetchRequest) (*pluginpb.FetchResponse, []byte, *pluginpb.Error) {
	t.Helper()
	stream, err := client.Fetch(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	var first *pluginpb.FetchResponse
	var data []byte
	for {
		m, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return first, data, nil
		}
		if err != nil {
			t.Fatal(err)
		}
		if m.GetError() != nil {
			return first, data, m.GetError()
		}
		if len(m.GetData()) > protocol.MaxChunkBytes {
			t.Errorf("a chunk has %d bytes", len(m.GetData()))
		}
		if first == nil {
			first = m
		}
		data = append(data, m.GetData()...)
	}
}

func TestFetchByTheAdapter(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789"), 70_000) // three chunks
	var got *sdk.FetchRequest
	_, client := connect(t, &fetcher{fetch: func(_ context.Context, f *sdk.FetchRequest) (*sdk.Medium, error) {
		got = f
		return &sdk.Medium{ContentType: "image/png", Name: "a.png", Body: io.NopCloser(bytes.NewReader(content))}, nil
	}})
	first, data, fault := fetch(t, client, &pluginpb.FetchRequest{
		Channel: "c", Thread: "t", State: []byte("s"), Part: protocol.PartToProto(&envelope.Part{Type: envelope.PartImage, Ref: "r1"}),
	})
	if fault != nil || first.GetContentType() != "image/png" || first.GetName() != "a.png" || !bytes.Equal(data, content) {
		t.Errorf("got %d bytes, first %v %v, error %v", len(data), first.GetContentType(), first.GetName(), fault)
	}
	want := &sdk.FetchRequest{Channel: "c", Thread: "t", State: []byte("s"), Part: envelope.Part{Type: envelope.PartImage, Ref: "r1"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestFetchFailures(t *testing.T) {
	body := func(r io.Reader) io.ReadCloser { return io.NopCloser(r) }
	for name, tc := range map[string]struct {
		medium *sdk.Medium
		err    error
		want   sdk.ErrorKind
	}{
		"refused":          {err: &sdk.Error{Kind: sdk.KindGone, Text: "expired"}, want: sdk.KindGone},
		"untyped":          {err: errors.New("oops"), want: sdk.KindTransient},
		"no result":        {want: sdk.KindTransient},
		"announced larger": {medium: &sdk.Medium{Size: 2 << 10, Body: body(strings.NewReader("x"))}, want: sdk.KindUnsupported},
		"larger":           {medium: &sdk.Medium{Body: body(strings.NewReader(strings.Repeat("x", 2<<10)))}, want: sdk.KindUnsupported},
		"truncated":        {medium: &sdk.Medium{Size: 100, Body: body(strings.NewReader("x"))}, want: sdk.KindTransient},
		"read error": {medium: &sdk.Medium{Body: body(io.MultiReader(strings.NewReader("x"), readerFunc(func([]byte) (int, error) {
			return 0, errors.New("reset")
		})))}, want: sdk.KindTransient},
		"panic": {medium: &sdk.Medium{Body: body(readerFunc(func([]byte) (int, error) { panic("broken reader") }))}, want: sdk.KindPanicked},
	} {
		t.Run(name, func(t *testing.T) {
			_, client := connect(t, &fetcher{fetch: func(context.Context, *sdk.FetchRequest) (*sdk.Medium, error) { return tc.medium, tc.err }})
			_, _, fault := fetch(t, client, &pluginpb.FetchRequest{Channel: "c", Ref: "r", MaxBytes: 1 << 10})
			if fault.GetKind() != string(tc.want) {
				t.Errorf("error %v, want %s", fault, tc.want)
			}
		})
	}
}

// A truncated medium is an error, whether its size is known or not.
func TestTruncatedMediumIsAnError(t *testing.T) {
	part := bytes.Repeat([]byte("x"), protocol.MaxChunkBytes)
	cut := func(err error) io.ReadCloser {
		return io.NopCloser(io.MultiReader(bytes.NewReader(part[:1000]), readerFunc(func([]byte) (int, error) { return 0, err })))
	}
	for name, m := range map[string]*sdk.Medium{
		"at the end of a chunk":      {Size: 2 * protocol.MaxChunkBytes, Body: io.NopCloser(bytes.NewReader(part))},
		"without any byte":           {Size: 10, Body: io.NopCloser(strings.NewReader(""))},
		"by the vendor's transport":  {Body: cut(io.ErrUnexpectedEOF)},
		"a file that became shorter": {Size: 2000, Body: cut(io.EOF)},
	} {
		t.Run(name, func(t *testing.T) {
			_, client := connect(t, &fetcher{fetch: func(context.Context, *sdk.FetchRequest) (*sdk.Medium, error) { return m, nil }})
			if _, data, fault := fetch(t, client, &pluginpb.FetchRequest{Channel: "c", Ref: "r"}); fault.GetKind() != string(sdk.KindTransient) {
				t.Errorf("%d bytes, error %v; want transient", len(data), fault)
			}
		})
	}
}

// Fetch has a client for media up to the maximum size. The error for a larger medium contains the limit.
func TestFetchLimits(t *testing.T) {
	const large = httpclient.MaxResponseBytes + 1
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, large)) }))
	defer srv.Close()
	var host sdk.Host
	a := &fetcher{fetch: func(ctx context.Context, f *sdk.FetchRequest) (*sdk.Medium, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, srv.URL, nil)
		if err != nil {
			return nil, err
		}
		resp, err := map[string]*http.Client{"media": host.Media, "http": host.HTTP}[f.Part.Ref].Do(req)
		if err != nil {
			return nil, err
		}
		return &sdk.Medium{Body: resp.Body}, nil
	}}
	a.configure = func(ch sdk.Channel) (sdk.Endpoint, error) {
		host = ch.Host
		return sdk.Endpoint{}, nil
	}
	svc, client := connect(t, a)
	_, err := svc.Configure(t.Context(), &pluginpb.ConfigureRequest{Channel: &pluginpb.ChannelConfig{Name: "c", Allow: []string{"127.0.0.0/8"}}})
	if err != nil {
		t.Fatal(err)
	}
	defer host.HTTP.CloseIdleConnections()
	for name, tc := range map[string]struct {
		client string
		limit  int64  // of the gateway
		want   string // of the error; "" is success
	}{
		"large":              {"media", sdk.MaxMediaBytes, ""},
		"too large":          {"media", large - 1, "more than 8388608 bytes"},
		"client for calls":   {"http", sdk.MaxMediaBytes, "more than 8388608 bytes"},
		"much lower limit":   {"http", 1000, "more than 1000 bytes"},
		"maximum by default": {"media", 0, ""},
	} {
		_, data, fault := fetch(t, client, &pluginpb.FetchRequest{Channel: "c", Ref: tc.client, MaxBytes: tc.limit})
		if tc.want == "" && (fault != nil || len(data) != large) ||
			tc.want != "" && (fault.GetKind() != string(sdk.KindUnsupported) || !strings.Contains(fault.GetText(), tc.want)) {
			t.Errorf("%s: %d bytes, %v; want %q", name, len(data), fault, tc.want)
		}
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestCancelEndsAFetch(t *testing.T) {
	started := make(chan struct{})
	_, client := connect(t, &fetcher{fetch: func(ctx context.Context, _ *sdk.FetchRequest) (*sdk.Medium, error) {
		close(started)
		<-ctx.Done()
		return nil, ctx.Err()
	}})
	d, err := client.Describe(t.Context(), &pluginpb.DescribeRequest{})
	if err != nil || !d.GetCancelsFetch() {
		t.Errorf("description %v, %v", d, err)
	}
	var canceling sync.WaitGroup
	canceling.Go(func() {
		<-started
		if _, err := client.Cancel(t.Context(), &pluginpb.CancelRequest{Fetch: []uint64{7, 8}}); err != nil {
			t.Error(err)
		}
	})
	if _, _, fault := fetch(t, client, &pluginpb.FetchRequest{Id: 7, Channel: "c", Ref: "r"}); fault == nil {
		t.Error("the fetch has ended without an error")
	}
	canceling.Wait()
}

// A drain ends fetches. The gateway then fetches from the next process, which must not wait for a slow medium.
func TestDrainEndsFetches(t *testing.T) {
	started, drained := make(chan struct{}), make(chan struct{})
	svc, client := connect(t, &fetcher{fetch: func(ctx context.Context, _ *sdk.FetchRequest) (*sdk.Medium, error) {
		close(started)
		return &sdk.Medium{Body: io.NopCloser(readerFunc(func([]byte) (int, error) {
			select {
			case <-ctx.Done():
				return 0, ctx.Err()
			case <-drained:
				return 0, io.EOF
			}
		}))}, nil
	}})
	left := -1
	go func() {
		defer close(drained)
		<-started
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		left = svc.drain(ctx)
	}()
	_, _, fault := fetch(t, client, &pluginpb.FetchRequest{Channel: "c", Ref: "r"})
	if <-drained; fault.GetKind() != string(sdk.KindTransient) || left != 0 {
		t.Errorf("error %v, %d left; want transient and 0", fault, left)
	}
	if _, _, fault := fetch(t, client, &pluginpb.FetchRequest{Channel: "c", Ref: "r"}); fault.GetKind() != string(sdk.KindTransient) {
		t.Errorf("a fetch after that: %v", fault)
	}
}
