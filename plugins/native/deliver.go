package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
	"patchbay/sdk/webhook"
)

// Operations in error texts.
const (
	opReply   = "post reply"
	opMessage = "post message"
	opCopy    = "post copy"
)

// maxResponseBytes limits the bytes read from a response.
const maxResponseBytes = 64 << 10

// Deliver implements sdk.Deliverer. It makes one POST: to reply_url in roles customer and observer, to the far end's
// messages path in role bot. Any 2xx status with a body that the far end may send is success; the document names 200.
func (a *adapter) Deliver(ctx context.Context, d *sdk.Delivery) (*sdk.Receipt, error) {
	ch := a.channel(d.Channel)
	if ch == nil {
		return nil, &sdk.Error{Kind: sdk.KindTransient, Op: opReply, Text: "channel " + d.Channel + " is not configured"}
	}
	body, degraded, err := ch.encode(d)
	if err != nil {
		return nil, err
	}
	receipt := &sdk.Receipt{Degraded: strings.Join(degraded, "; ")}
	if body == nil {
		return receipt, nil
	}
	req, err := a.request(ctx, ch, d, body)
	if err != nil {
		return nil, err
	}
	if err := ch.post(req); err != nil {
		return nil, err
	}
	return receipt, nil
}

// encode returns the body for a delivery and a list of the changes to its content. A nil body means that nothing must
// be sent.
func (ch *channel) encode(d *sdk.Delivery) (body []byte, degraded []string, err error) {
	var v any
	switch ch.role {
	case envelope.RoleBot:
		var m *outboundMessage
		if m, degraded, err = ch.message(d); m == nil {
			return nil, degraded, err
		}
		v = m
	case envelope.RoleObserver:
		body, err = encodeCopy(d)
		return body, nil, err
	default:
		if v, degraded, err = reply(d); err != nil {
			return nil, nil, err
		}
	}
	body, err = json.Marshal(v)
	if err != nil {
		return nil, nil, &sdk.Error{Kind: sdk.KindInvalid, Op: ch.op(), Text: "the message is not valid UTF-8", Err: err}
	}
	return body, degraded, nil
}

func (ch *channel) op() string {
	switch ch.role {
	case envelope.RoleBot:
		return opMessage
	case envelope.RoleObserver:
		return opCopy
	}
	return opReply
}

// request returns the HTTP request of a delivery. In role bot the credentials are in the body, as in the document.
func (a *adapter) request(ctx context.Context, ch *channel, d *sdk.Delivery, body []byte) (*http.Request, error) {
	if ctx.Err() != nil {
		return nil, &sdk.Error{Kind: sdk.KindTransient, Op: ch.op(), Text: "the deadline has passed", Err: ctx.Err()}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, ch.target, bytes.NewReader(body))
	if err != nil {
		return nil, &sdk.Error{Kind: sdk.KindInvalid, Op: ch.op(), Text: "the configured address is not a URL"}
	}
	req.Header.Set("Content-Type", jsonType)
	if d.Key != "" {
		req.Header.Set(idempotencyHeader, d.Key)
	}
	if d.Envelope.Hops > 0 {
		req.Header.Set(hopsHeader, strconv.Itoa(d.Envelope.Hops))
	}
	if ch.role == envelope.RoleBot {
		return req, nil
	}
	if !ch.ReplyToken.IsZero() {
		req.Header.Set("Authorization", "Bearer "+ch.ReplyToken.Reveal())
	}
	if len(ch.keys) > 0 {
		if err := webhook.Sign(req.Header, d.Key, a.now(), body, ch.keys); err != nil {
			return nil, &sdk.Error{Kind: sdk.KindInvalid, Op: ch.op(), Field: "key", Err: err}
		}
	}
	return req, nil
}

// post makes the call and returns nil if the far end accepted it.
func (ch *channel) post(req *http.Request) error {
	resp, err := ch.client.Do(req)
	if err != nil {
		ch.health.recordNoResponse(err)
		return sdk.FromTransport(ch.op(), err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxResponseBytes)) // without it, the status decides
	e := sdk.FromStatus(ch.op(), resp.StatusCode, resp.Header)
	if e == nil && !ch.isFromFarEnd(body) {
		e = &sdk.Error{Kind: sdk.KindUnknown, Op: ch.op(),
			Text: fmt.Sprintf("the response (HTTP %d) is not from the far end; check the address and proxies", resp.StatusCode)}
		ch.health.recordNoResponse(e)
		return e
	}
	ch.health.recordResponse(e)
	if e != nil {
		return e
	}
	return nil
}

// isFromFarEnd reports whether the body of a 2xx response may be from the far end. A proxy responds with a JSON object
// (document, Response). The response of a website is not defined, but a web page means that something else received
// the reply. An empty body is accepted.
func (ch *channel) isFromFarEnd(body []byte) bool {
	body = bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\ufeff")))
	if ch.role == envelope.RoleBot {
		return len(body) == 0 || body[0] == '{'
	}
	return !strings.HasPrefix(http.DetectContentType(body), "text/html")
}
