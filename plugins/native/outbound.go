package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/go-json-experiment/json"

	"patchbay/sdk"
)

const opReply = "post reply"

// maxAnswerBytes is how much of an answer is read so that its connection can be used again; what the
// answer says does not matter.
const maxAnswerBytes = 64 << 10

// Deliver implements sdk.Deliverer: one POST to reply_url. Any 2xx means that it was taken.
func (a *adapter) Deliver(ctx context.Context, d *sdk.Delivery) (*sdk.Receipt, error) {
	ch := a.channel(d.Channel)
	if ch == nil {
		return nil, &sdk.Error{Kind: sdk.KindTransient, Op: opReply, Text: "channel " + d.Channel + " is not configured"}
	}
	reply, degraded, err := compose(d)
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(reply)
	if err != nil {
		return nil, &sdk.Error{Kind: sdk.KindInvalid, Op: opReply, Text: "reply is not valid UTF-8", Err: err}
	}
	req, err := ch.request(ctx, d, body)
	if err != nil {
		return nil, err
	}
	if err := ch.post(req); err != nil {
		return nil, err
	}
	return &sdk.Receipt{Degraded: degraded}, nil
}

// request makes the call of a delivery.
func (ch *channel) request(ctx context.Context, d *sdk.Delivery, body []byte) (*http.Request, error) {
	if ctx.Err() != nil {
		return nil, &sdk.Error{Kind: sdk.KindTransient, Op: opReply, Text: "no time left to start", Err: ctx.Err()}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, ch.ReplyURL, bytes.NewReader(body))
	if err != nil {
		return nil, &sdk.Error{Kind: sdk.KindInvalid, Op: opReply, Field: "reply_url", Text: "not an address"}
	}
	req.Header.Set("Content-Type", jsonType)
	if d.Key != "" {
		req.Header.Set(idempotencyHeader, d.Key)
	}
	if d.Envelope.Hops > 0 {
		req.Header.Set(hopsHeader, strconv.Itoa(d.Envelope.Hops))
	}
	if !ch.ReplyToken.IsZero() {
		req.Header.Set("Authorization", "Bearer "+ch.ReplyToken.Reveal())
	}
	return req, nil
}

// post makes the call and returns nil if it was taken.
func (ch *channel) post(req *http.Request) error {
	resp, err := ch.client.Do(req)
	if err != nil {
		// The address may hold a secret in its query, and url.Error prints it.
		if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err
		}
		return sdk.FromTransport(opReply, err)
	}
	defer resp.Body.Close()
	// The status has decided already; a failed read costs the connection and nothing else.
	_, _ = io.CopyN(io.Discard, resp.Body, maxAnswerBytes)
	if e := sdk.FromStatus(opReply, resp.StatusCode, resp.Header); e != nil {
		return e
	}
	return nil
}
