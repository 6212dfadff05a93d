package serve

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
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
		"panic": {medium: &sdk.Medium{Body: body(readerFunc(func([]byte) (int, error) { panic("broken reader") }))}, want: sdk.KindTransient},
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

// A truncated medium is never taken for a complete one, whether its size is known or not.
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

func TestTruncatedDownloadIsAnError(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "half of ") // without Content-Length
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}))
	defer srv.Close()
	_, client := connect(t, &scripted{})
	if _, err := client.Configure(t.Context(), &pluginpb.ConfigureRequest{
		Channel: &pluginpb.ChannelConfig{Name: "c", AllowLinks: []string{"127.0.0.0/8"}}}); err != nil {
		t.Fatal(err)
	}
	_, data, fault := fetch(t, client, &pluginpb.FetchRequest{Channel: "c", Part: &pluginpb.Part{Type: "image", Url: srv.URL + "/a.png"}})
	if fault.GetKind() != string(sdk.KindTransient) {
		t.Errorf("got %q, error %v; want transient", data, fault)
	}
}

func TestMediumPropertiesInAnotherEncodingAreReplaced(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "image/png; name=\"\xb2\xe2\"")
		if r.URL.Path == "/named" {
			w.Header().Set("Content-Disposition", "attachment; filename=\"\xb2\xe2\xca\xd4.png\"") // GBK
		}
		_, _ = io.WriteString(w, "meow")
	}))
	defer srv.Close()
	_, client := connect(t, &fetcher{fetch: func(context.Context, *sdk.FetchRequest) (*sdk.Medium, error) {
		return &sdk.Medium{ContentType: "image/png\xff", Name: "\xb2\xe2\xca\xd4.png", Body: io.NopCloser(strings.NewReader("meow"))}, nil
	}})
	if _, err := client.Configure(t.Context(), &pluginpb.ConfigureRequest{
		Channel: &pluginpb.ChannelConfig{Name: "c", AllowLinks: []string{"127.0.0.0/8"}}}); err != nil {
		t.Fatal(err)
	}
	for name, part := range map[string]*pluginpb.Part{
		"by the adapter": {Type: "image", Ref: "r"}, "in the link": {Type: "image", Url: srv.URL + "/%B2%E2%CA%D4.png"},
		"in a header": {Type: "image", Url: srv.URL + "/named"},
	} {
		t.Run(name, func(t *testing.T) {
			first, data, fault := fetch(t, client, &pluginpb.FetchRequest{Channel: "c", Part: part})
			if fault != nil || string(data) != "meow" || !strings.HasSuffix(first.GetName(), ".png") || !strings.HasPrefix(first.GetContentType(), "image/png") {
				t.Errorf("got %q, %v, error %v", data, first, fault)
			}
		})
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestFetchByLink(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/pics/cat.jpg", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" || r.Header.Get("Cookie") != "" {
			t.Error("a link was read with credentials")
		}
		w.Header().Set("Content-Type", "image/jpeg")
		_, _ = io.WriteString(w, "meow")
	})
	mux.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/pics/cat.jpg", http.StatusFound) })
	mux.HandleFunc("/loop", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/loop", http.StatusFound) })
	mux.HandleFunc("/busy", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	mux.HandleFunc("/private", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) })
	srv := httptest.NewServer(mux)
	defer srv.Close()
	_, client := connect(t, &scripted{})
	for _, c := range []*pluginpb.ChannelConfig{
		{Name: "open", AllowLinks: []string{"127.0.0.0/8"}}, {Name: "guarded"}, {Name: "vendor inside", Allow: []string{"127.0.0.0/8"}},
		{Name: "elsewhere", Allow: []string{"127.0.0.0/8"}, AllowLinks: []string{"10.0.0.0/8"}},
	} {
		r, err := client.Configure(t.Context(), &pluginpb.ConfigureRequest{Channel: c})
		if err != nil || r.GetError() != nil {
			t.Fatal(err, r.GetError())
		}
	}
	for name, tc := range map[string]struct {
		channel, url string
		want         sdk.ErrorKind
	}{
		"link":                {"open", srv.URL + "/pics/cat.jpg", ""},
		"redirect":            {"open", srv.URL + "/moved", ""},
		"redirect loop":       {"open", srv.URL + "/loop", sdk.KindTransient},
		"not allowed":         {"guarded", srv.URL + "/pics/cat.jpg", sdk.KindPermanent},
		"vendor's host":       {"vendor inside", srv.URL + "/pics/cat.jpg", sdk.KindPermanent},
		"elsewhere":           {"elsewhere", srv.URL + "/pics/cat.jpg", sdk.KindPermanent},
		"busy":                {"open", srv.URL + "/busy", sdk.KindTransient},
		"gone":                {"open", srv.URL + "/nothing", sdk.KindPermanent},
		"unauthorized":        {"open", srv.URL + "/private", sdk.KindPermanent},
		"not an http address": {"open", "file:///etc/passwd", sdk.KindUnsupported},
		"no channel":          {"other", srv.URL + "/pics/cat.jpg", sdk.KindTransient},
	} {
		t.Run(name, func(t *testing.T) {
			first, data, fault := fetch(t, client, &pluginpb.FetchRequest{
				Channel: tc.channel, Part: &pluginpb.Part{Type: "image", Url: tc.url}})
			if tc.want != "" {
				if fault.GetKind() != string(tc.want) || strings.Contains(fault.GetText(), srv.URL) {
					t.Errorf("error %v, want %s, and without the link", fault, tc.want)
				}
				if forbidden := tc.channel != "open" && tc.channel != "other"; forbidden && !strings.Contains(fault.GetText(), "allow_links: [127.0.0.1/32]") {
					t.Errorf("error %v does not name the setting", fault)
				}
				return
			}
			if fault != nil || string(data) != "meow" || first.GetContentType() != "image/jpeg" || first.GetName() != "cat.jpg" && name == "link" {
				t.Errorf("got %q, %v, error %v", data, first, fault)
			}
		})
	}
}

// attach sends a medium in chunks.
func attach(t *testing.T, client pluginpb.PluginServiceClient, size int64, first *pluginpb.AttachRequest, more ...string) *pluginpb.Error {
	t.Helper()
	stream, err := client.Attach(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	first.Size = size
	err = stream.Send(first)
	for _, s := range more {
		if err == nil {
			err = stream.Send(&pluginpb.AttachRequest{Data: []byte(s)})
		}
	}
	if err != nil && !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	resp, err := stream.CloseAndRecv()
	if err != nil {
		t.Fatal(err)
	}
	return resp.GetError()
}

func TestAttachmentsArePartOfTheirDelivery(t *testing.T) {
	var got *sdk.Delivery
	svc, client := connect(t, &scripted{deliver: func(_ context.Context, d *sdk.Delivery) (*sdk.Receipt, error) {
		got = d
		return &sdk.Receipt{}, nil
	}})
	two := hello()
	two.Parts = append(two.Parts, envelope.Part{Type: envelope.PartImage, Ref: "r1"}, envelope.Part{Type: envelope.PartFile, Ref: "r2", URL: "https://v.example/x"})
	media := func(more ...*pluginpb.AssignedMedium) *pluginpb.Assigned { return &pluginpb.Assigned{Media: more} }
	put := func(id string) {
		if e := attach(t, client, 6, &pluginpb.AttachRequest{Id: id, ContentType: "image/png", Name: "a.png", Data: []byte("abc")}, "def"); e != nil {
			t.Fatal(e)
		}
	}
	read := func(a *sdk.Attachment) string { b, _ := io.ReadAll(a.Reader()); return string(b) }

	put("m1")
	out := svc.deliver(t.Context(), sendCall(t, 1, two, media(
		&pluginpb.AssignedMedium{Part: 1, Attachment: "m1", ContentType: "image/png", Name: "a.png", Size: 6},
		&pluginpb.AssignedMedium{Part: 2, Url: "https://gateway.example/media/2"})))
	if out.GetError() != nil || len(got.Media) != 2 || got.Media[0] != nil || read(got.Media[1]) != "abcdef" || got.Media[1].Size() != 6 {
		t.Fatalf("error %v, media %v", out.GetError(), got.Media)
	}
	if p := got.Envelope.Parts; p[1].ContentType != "image/png" || p[1].Size != 6 || p[1].Name != "a.png" || p[2].URL != "https://gateway.example/media/2" {
		t.Errorf("parts %+v", p)
	}
	if out := svc.deliver(t.Context(), sendCall(t, 2, two, media(&pluginpb.AssignedMedium{Part: 1, Attachment: "m1"}))); out.GetError().GetKind() != string(sdk.KindTransient) {
		t.Errorf("an attachment was used twice: %v", out)
	}

	put("m2")
	out = svc.deliver(t.Context(), sendCall(t, 3, two, media(&pluginpb.AssignedMedium{Part: 1, Attachment: "m2", Alone: true})))
	if out.GetError() != nil || len(got.Envelope.Parts) != 1 || got.Envelope.Parts[0].Ref != "r1" || len(got.Media) != 1 || read(got.Media[0]) != "abcdef" {
		t.Errorf("error %v, parts %+v, media %v", out.GetError(), got.Envelope.Parts, got.Media)
	}
}

func TestInvalidAttachmentsAreRefused(t *testing.T) {
	_, client := connect(t, &scripted{})
	for name, tc := range map[string]struct {
		size  int64
		first *pluginpb.AttachRequest
		want  sdk.ErrorKind
	}{
		"no id":     {3, &pluginpb.AttachRequest{Data: []byte("abc")}, sdk.KindInvalid},
		"too large": {sdk.MaxMediaBytes + 1, &pluginpb.AttachRequest{Id: "a"}, sdk.KindInvalid},
		"negative":  {-1, &pluginpb.AttachRequest{Id: "a"}, sdk.KindInvalid},
		"longer":    {2, &pluginpb.AttachRequest{Id: "a", Data: []byte("abc")}, sdk.KindInvalid},
		"shorter":   {4, &pluginpb.AttachRequest{Id: "a", Data: []byte("abc")}, sdk.KindTransient},
	} {
		t.Run(name, func(t *testing.T) {
			if e := attach(t, client, tc.size, tc.first); e.GetKind() != string(tc.want) {
				t.Errorf("error %v, want %s", e, tc.want)
			}
		})
	}
}

// Media of cancelled deliveries must not block those of others.
func TestOldestAttachmentsAreDropped(t *testing.T) {
	var s attachments
	now := time.Now()
	half := sdk.NewAttachment("", "", make([]byte, maxAttachedBytes/2))
	for i, id := range []string{"b", "a", "c"} {
		s.put(id, half, now.Add(time.Duration(i)*time.Second))
	}
	for id, want := range map[string]bool{"a": true, "b": false, "c": true} {
		if (s.media[id] != nil) != want {
			t.Errorf("%s is stored: %t, want %t", id, !want, want)
		}
	}
	if s.bytes != maxAttachedBytes {
		t.Errorf("%d bytes", s.bytes)
	}
	s.put("a", sdk.NewAttachment("", "", []byte("x")), now.Add(3*time.Second))
	if len(s.media) != 2 || s.bytes != maxAttachedBytes/2+1 {
		t.Errorf("after a replacement: %d media, %d bytes", len(s.media), s.bytes)
	}
	s.put("d", sdk.NewAttachment("", "", []byte("x")), now.Add(maxAttachedAge+2*time.Second+1))
	if len(s.media) != 2 || s.bytes != 2 || s.media["c"] != nil {
		t.Errorf("abandoned media are still stored: %d media, %d bytes", len(s.media), s.bytes)
	}
}

// The gateway attaches all media of the delivery again.
func TestDeliveryWithAMissingMediumDropsItsOthers(t *testing.T) {
	var s attachments
	for _, id := range []string{"d1/0", "d1/2", "d2/0"} {
		s.put(id, sdk.NewAttachment("", "", []byte("x")), time.Now())
	}
	_, err := s.take([]*pluginpb.AssignedMedium{{Part: 0, Attachment: "d1/0"}, {Part: 1, Attachment: "d1/1"}, {Part: 2, Attachment: "d1/2"}})
	if sdk.KindOf(err) != sdk.KindTransient || err == nil || len(s.media) != 1 || s.bytes != 1 {
		t.Errorf("error %v, %d media, %d bytes; want the one of the other delivery", err, len(s.media), s.bytes)
	}
}

// The gateway fetches again from the next process, which must not wait for a slow medium.
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
