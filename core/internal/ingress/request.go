package ingress

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"patchbay/core/internal/inbound"
	"patchbay/sdk/protocol/pluginpb"
)

// check refuses a request by its header alone.
func (ep *Endpoint) check(r *http.Request) *refusal {
	if len(ep.Methods) > 0 && !slices.Contains(ep.Methods, r.Method) {
		return &refusal{
			status: http.StatusMethodNotAllowed, reason: "method", allow: strings.Join(ep.Methods, ", "),
			text: "method not allowed: use " + strings.Join(ep.Methods, " or "),
		}
	}
	if len(ep.ContentTypes) > 0 {
		got, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
		if err != nil || !slices.Contains(ep.ContentTypes, got) {
			return &refusal{
				status: http.StatusUnsupportedMediaType, reason: "media_type",
				text: "unsupported content type: use " + strings.Join(ep.ContentTypes, " or "),
			}
		}
	}
	if enc := r.Header.Get("Content-Encoding"); enc != "" && enc != "identity" {
		return &refusal{
			status: http.StatusUnsupportedMediaType, reason: "encoding",
			text: "unsupported content encoding: send the body without encoding",
		}
	}
	if r.ContentLength > ep.MaxBody {
		return bodyTooLarge(ep.MaxBody)
	}
	return nil
}

func (ep *Endpoint) readBody(w http.ResponseWriter, body *countedBody) ([]byte, *refusal) {
	content, err := io.ReadAll(http.MaxBytesReader(w, io.NopCloser(body), ep.MaxBody))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return nil, bodyTooLarge(ep.MaxBody)
	}
	if errors.Is(err, errBodyMemory) {
		return nil, busy(errBodyMemory.Error())
	}
	if err != nil {
		return nil, &refusal{
			status: http.StatusBadRequest, reason: "body", text: "reading the body failed", detail: err.Error(),
		}
	}
	return content, nil
}

// receiveCall returns the request in the form that adapters get, with the channel's path prefix removed from Path.
func (ep *Endpoint) receiveCall(r *http.Request, body []byte) *pluginpb.ReceiveCall {
	full := r.URL.EscapedPath()
	path, found := strings.CutPrefix(full, ep.Prefix)
	if !found { // the caller has escaped characters of the prefix that need no escape
		path = (&url.URL{Path: strings.TrimPrefix(r.URL.Path, ep.Prefix)}).EscapedPath()
	}
	c := &pluginpb.ReceiveCall{
		Channels: ep.Channels, Method: r.Method, Host: r.Host, Path: path, FullPath: full,
		Query: r.URL.RawQuery, Body: body, Remote: r.RemoteAddr, Header: make([]*pluginpb.Header, 0, len(r.Header)),
	}
	for name, values := range r.Header {
		for _, v := range values {
			c.Header = append(c.Header, &pluginpb.Header{Name: name, Value: v})
		}
	}
	return c
}

// decode reads the envelopes. It fails if one of them is for a channel that does not use the endpoint.
func (ep *Endpoint) decode(res *pluginpb.ReceiveResult) ([]*inbound.Envelope, error) {
	in, err := inbound.Decode(res.GetEnvelopes(), ep.Channels)
	if err != nil {
		return nil, fmt.Errorf("adapter %s: %w", ep.Adapter, err)
	}
	return in, nil
}
