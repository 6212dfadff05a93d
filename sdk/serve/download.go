package serve

import (
	"context"
	"io"
	"mime"
	"net/http"
	"net/url"
	"path"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
	"patchbay/sdk/httpclient"
)

// download opens the link of a part, without credentials. It connects only to public addresses and the networks in
// allow_links, because any customer can send a link.
func (s *service) download(ctx context.Context, channel string, p *envelope.Part) (*sdk.Medium, error) {
	s.mu.Lock()
	ch := s.channels[channel]
	s.mu.Unlock()
	if ch == nil {
		return nil, fetchError(sdk.KindTransient, "channel %s is not configured", channel)
	}
	u, err := envelope.ParseLink(p.URL)
	if err != nil {
		return nil, fetchError(sdk.KindUnsupported, "read the medium's link: %v", err)
	}
	client := httpclient.NewDownloader(ch.links, sdk.MaxMediaBytes+1)
	resp, err := get(ctx, client, u)
	if err != nil {
		client.CloseIdleConnections()
		return nil, err
	}
	m := &sdk.Medium{ContentType: resp.Header.Get("Content-Type"), Name: p.Name, Size: max(resp.ContentLength, 0)}
	m.Body = &downloadBody{resp.Body, client}
	if m.Name == "" {
		m.Name = fileName(resp.Header, u)
	}
	return m, nil
}

// get makes the request. Its errors do not contain the link, which may be a secret.
func get(ctx context.Context, client *http.Client, u *url.URL) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, fetchError(sdk.KindUnsupported, "the medium's link is not a valid address")
	}
	resp, err := client.Do(req)
	if err != nil {
		e := sdk.FromTransport(opFetch, err)
		if e.Kind == sdk.KindUnknown {
			e.Kind = sdk.KindTransient // a read has no effect
		}
		return nil, e
	}
	if e := sdk.FromStatus(opFetch, resp.StatusCode, resp.Header); e != nil {
		_ = resp.Body.Close()
		if e.Kind == sdk.KindUnauthorized {
			e.Kind = sdk.KindPermanent // a retry has no credentials either
		}
		return nil, e
	}
	return resp, nil
}

// fileName returns the file name in Content-Disposition, or the last element of the link's path.
func fileName(h http.Header, u *url.URL) string {
	if _, params, err := mime.ParseMediaType(h.Get("Content-Disposition")); err == nil && params["filename"] != "" {
		return params["filename"]
	}
	if name := path.Base(u.Path); name != "." && name != "/" {
		return name
	}
	return ""
}

// downloadBody closes its client's connections together with the body.
type downloadBody struct {
	io.ReadCloser
	client *http.Client
}

// Close implements io.Closer.
func (b *downloadBody) Close() error {
	defer b.client.CloseIdleConnections()
	return b.ReadCloser.Close()
}
