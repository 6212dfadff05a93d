package serve

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strings"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
	"patchbay/sdk/httpclient"
	"patchbay/sdk/protocol"
	"patchbay/sdk/protocol/pluginpb"
)

const opFetch = "fetch medium"

// Fetch implements pluginpb.PluginServiceServer: the SDK reads links, the adapter whatever needs credentials.
func (s *service) Fetch(req *pluginpb.FetchRequest, stream pluginpb.PluginService_FetchServer) error {
	id := s.fetches.Add(1)
	ctx, ok := s.calls.begin(stream.Context(), callFetch, id, 0)
	if !ok {
		return stream.Send(&pluginpb.FetchResponse{Error: errorToProto(errStopping)})
	}
	defer s.calls.end(callFetch, id)
	var sent error // of the stream: nobody is there to be told
	err := s.guard("fetch", func() error {
		m, err := s.openMedium(ctx, req)
		if err != nil {
			return err
		}
		defer m.Body.Close()
		limit := req.GetMaxBytes()
		if limit <= 0 || limit > sdk.MaxMediaBytes {
			limit = sdk.MaxMediaBytes
		}
		if m.Size > limit {
			return tooLargeMedium(limit)
		}
		sent = sendChunks(m, limit, stream.Send)
		return sent
	})
	if _, ours := errors.AsType[*sdk.Error](err); err != nil && (sent == nil || ours) {
		return stream.Send(&pluginpb.FetchResponse{Error: deliverError(ctx, err)})
	}
	return sent
}

func tooLargeMedium(limit int64) error {
	return &sdk.Error{Kind: sdk.KindUnsupported, Op: opFetch, Text: fmt.Sprintf("the medium has more than %d bytes", limit)}
}

// openMedium opens the medium that a request names.
func (s *service) openMedium(ctx context.Context, req *pluginpb.FetchRequest) (*sdk.Medium, error) {
	f := &sdk.FetchRequest{
		Channel: req.GetChannel(), Thread: req.GetThread(), State: req.GetState(), Part: protocol.PartFromProto(req.GetPart()),
	}
	if f.Part.Ref == "" {
		f.Part.Ref = req.GetRef()
	}
	var m *sdk.Medium
	var err error
	switch fetcher, able := s.adapter.(sdk.Fetcher); {
	case f.Part.URL != "":
		m, err = s.download(ctx, f.Channel, &f.Part)
	case !able || f.Part.Ref == "":
		return nil, &sdk.Error{Kind: sdk.KindUnsupported, Op: opFetch, Text: "the medium has no link, and the adapter can't read it either"}
	default:
		m, err = fetcher.Fetch(ctx, f)
	}
	if err == nil && (m == nil || m.Body == nil) {
		err = errors.New("the adapter returned neither a medium nor an error")
	}
	return m, err
}

// download reads a link. It carries no credentials, and leads to no address that only the vendor's own calls may reach:
// anybody can have sent it.
func (s *service) download(ctx context.Context, channel string, p *envelope.Part) (*sdk.Medium, error) {
	s.mu.Lock()
	ch := s.channels[channel]
	s.mu.Unlock()
	if ch == nil {
		return nil, &sdk.Error{Kind: sdk.KindTransient, Op: opFetch, Text: "channel " + channel + " is not configured"}
	}
	u, err := url.Parse(p.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, &sdk.Error{Kind: sdk.KindUnsupported, Op: opFetch, Text: "the medium's link is no http address"}
	}
	client := httpclient.NewDownloader(ch.links, sdk.MaxMediaBytes+1)
	resp, err := getLink(ctx, client, u)
	if err != nil {
		client.CloseIdleConnections()
		return nil, err
	}
	m := &sdk.Medium{ContentType: resp.Header.Get("Content-Type"), Name: p.Name, Size: max(resp.ContentLength, 0)}
	m.Body = &closing{ReadCloser: resp.Body, then: client.CloseIdleConnections}
	if m.Name == "" {
		m.Name = fileName(resp.Header, u)
	}
	return m, nil
}

func getLink(ctx context.Context, client *http.Client, u *url.URL) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, &sdk.Error{Kind: sdk.KindUnsupported, Op: opFetch, Text: "the medium's link is no http address"}
	}
	resp, err := client.Do(req)
	if err != nil {
		if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err // a link may be a secret
		}
		e := sdk.FromTransport(opFetch, err)
		if e.Kind == sdk.KindUnknown {
			e.Kind = sdk.KindTransient // to read has no effect
		}
		return nil, e
	}
	if e := sdk.FromStatus(opFetch, resp.StatusCode, resp.Header); e != nil {
		_ = resp.Body.Close()
		if e.Kind == sdk.KindUnauthorized {
			e.Kind = sdk.KindPermanent // a link that needs credentials stays so
		}
		return nil, e
	}
	return resp, nil
}

// fileName takes a file's name from Content-Disposition, or from the end of its link.
func fileName(h http.Header, u *url.URL) string {
	if _, params, err := mime.ParseMediaType(h.Get("Content-Disposition")); err == nil && params["filename"] != "" {
		return params["filename"]
	}
	if name := path.Base(u.Path); name != "." && name != "/" {
		return name
	}
	return ""
}

// closing runs then after the body was closed.
type closing struct {
	io.ReadCloser
	then func()
}

// Close implements io.Closer.
func (c *closing) Close() error {
	defer c.then()
	return c.ReadCloser.Close()
}

// sendChunks sends a medium, what is known of it first. It returns a typed error if the medium breaks off or is too large,
// else what send returned.
func sendChunks(m *sdk.Medium, limit int64, send func(*pluginpb.FetchResponse) error) error {
	next := &pluginpb.FetchResponse{ContentType: claim(m.ContentType), Size: m.Size, Name: claim(m.Name)}
	total := int64(0)
	for buf := make([]byte, protocol.MaxChunkBytes); ; {
		n, end, err := fill(m.Body, buf)
		if total += int64(n); total > limit || errors.Is(err, httpclient.ErrResponseTooLarge) {
			return tooLargeMedium(limit)
		}
		if err != nil {
			return &sdk.Error{Kind: sdk.KindTransient, Op: opFetch, Err: err}
		}
		if end && total < m.Size {
			return &sdk.Error{Kind: sdk.KindTransient, Op: opFetch, Text: fmt.Sprintf("broke off after %d of %d bytes", total, m.Size)}
		}
		next.Data = buf[:n] // Send encodes it before it returns
		if err := send(next); err != nil {
			return err
		}
		if end {
			return nil
		}
		next = &pluginpb.FetchResponse{}
	}
}

// fill reads until buf is full or the medium ends. Unlike those of io.ReadFull its errors tell the end from what only
// broke off: transports say the latter by io.ErrUnexpectedEOF, too.
func fill(r io.Reader, buf []byte) (n int, end bool, err error) {
	for n < len(buf) {
		m, err := r.Read(buf[n:])
		n += m
		if err == io.EOF { // not wrapped: that would be a failure
			return n, true, nil
		}
		if err != nil {
			return n, false, err
		}
	}
	return n, false, nil
}

// maxClaim is the most that a medium's name or type may have to be passed on.
const maxClaim = 1 << 10

// claim makes what a vendor says of a medium fit for the wire, where texts are UTF-8.
func claim(s string) string {
	if len(s) > maxClaim {
		return ""
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
