package ingress

import (
	"errors"
	"fmt"
	"io"
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
		if !slices.Contains(ep.ContentTypes, mediaType(r.Header.Get("Content-Type"))) {
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

// mediaType returns the media type of a Content-Type header. It ignores the parameters, which some vendors send
// malformed (";charset" without a value).
func mediaType(header string) string {
	bare, _, _ := strings.Cut(header, ";")
	return strings.ToLower(strings.TrimSpace(bare))
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

// receiveCall returns the request in the form that adapters get. Path is the clean path without the channel's prefix,
// FullPath is the path as sent, which signatures cover. Texts in protobuf are UTF-8: U+FFFD replaces other bytes in the
// host, in the query and in headers.
func (ep *Endpoint) receiveCall(r *http.Request, clean, remote string, body []byte) *pluginpb.ReceiveCall {
	path, found := strings.CutPrefix(clean, ep.Prefix)
	if !found { // the caller has escaped characters of the prefix that need no escape
		decoded, _ := url.PathUnescape(clean) // it matched, so it is valid
		path = (&url.URL{Path: strings.TrimPrefix(decoded, ep.Prefix)}).EscapedPath()
	}
	c := &pluginpb.ReceiveCall{
		Channels: ep.Channels, Method: r.Method, Host: utf8Text(r.Host), Path: path, FullPath: r.URL.EscapedPath(),
		Query: utf8Text(r.URL.RawQuery), Body: body, Remote: remote, Header: make([]*pluginpb.Header, 0, len(r.Header)),
	}
	for name, values := range r.Header {
		for _, v := range values {
			if name == "Authorization" {
				v = singleSpace(v)
			}
			c.Header = append(c.Header, &pluginpb.Header{Name: name, Value: utf8Text(v)})
		}
	}
	return c
}

func utf8Text(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// singleSpace replaces the spaces between the scheme and the credentials of an Authorization header by one: any number
// of them is valid (RFC 9110, 11.4), but not every parser accepts it.
func singleSpace(authorization string) string {
	scheme, credentials, found := strings.Cut(authorization, " ")
	if !found {
		return authorization
	}
	return scheme + " " + strings.TrimLeft(credentials, " ")
}

// decode reads the envelopes. It fails if one of them is for a channel that does not use the endpoint.
func (ep *Endpoint) decode(res *pluginpb.ReceiveResult) ([]*inbound.Envelope, error) {
	in, err := inbound.Decode(res.GetEnvelopes(), ep.Channels)
	if err != nil {
		return nil, fmt.Errorf("adapter %s: %w", ep.Adapter, err)
	}
	return in, nil
}
