package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
	"patchbay/sdk/webhook"
)

// Operations, as errors name them.
const (
	opReply = "post reply"
	opAsk   = "post message"
)

// maxAnswerBytes is how much of an answer is read so that its connection can be used again; what the
// answer says does not matter.
const maxAnswerBytes = 64 << 10

// Deliver implements sdk.Deliverer: one POST, to reply_url in role customer and to the messages path of the far end in
// role bot. Any 2xx means that it was taken; the document has 200.
func (a *adapter) Deliver(ctx context.Context, d *sdk.Delivery) (*sdk.Receipt, error) {
	ch := a.channel(d.Channel)
	if ch == nil {
		return nil, &sdk.Error{Kind: sdk.KindTransient, Op: opReply, Text: "channel " + d.Channel + " is not configured"}
	}
	body, degraded, err := ch.compose(d)
	if err != nil {
		return nil, err
	}
	receipt := &sdk.Receipt{Degraded: strings.Join(degraded, "; ")}
	if body == nil {
		return receipt, nil
	}
	encoded, err := json.Marshal(body)
	if err != nil {
		return nil, &sdk.Error{Kind: sdk.KindInvalid, Op: ch.op(), Text: "message is not valid UTF-8", Err: err}
	}
	req, err := a.request(ctx, ch, d, encoded)
	if err != nil {
		return nil, err
	}
	if err := ch.post(req); err != nil {
		return nil, err
	}
	return receipt, nil
}

// compose translates a delivery for the channel's role. degraded says what could not be carried as it is. A nil body
// without an error means that nothing is left to send.
func (ch *channel) compose(d *sdk.Delivery) (body any, degraded []string, err error) {
	if ch.role == envelope.RoleBot {
		q, degraded, err := ch.question(d)
		if q == nil {
			return nil, degraded, err
		}
		return q, degraded, err
	}
	r, degraded, err := reply(d)
	if r == nil {
		return nil, degraded, err
	}
	return r, degraded, err
}

func (ch *channel) op() string {
	if ch.role == envelope.RoleBot {
		return opAsk
	}
	return opReply
}

// request makes the call of a delivery. In role bot the body has the credentials, as the document wants it.
func (a *adapter) request(ctx context.Context, ch *channel, d *sdk.Delivery, body []byte) (*http.Request, error) {
	if ctx.Err() != nil {
		return nil, &sdk.Error{Kind: sdk.KindTransient, Op: ch.op(), Text: "no time left to start", Err: ctx.Err()}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, ch.target, bytes.NewReader(body))
	if err != nil {
		return nil, &sdk.Error{Kind: sdk.KindInvalid, Op: ch.op(), Text: "the configured address is none"}
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

// post makes the call and returns nil if it was taken.
func (ch *channel) post(req *http.Request) error {
	resp, err := ch.client.Do(req)
	if err != nil {
		// The address may hold a secret in its query, and url.Error prints it.
		if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err
		}
		ch.health.unanswered(err)
		return sdk.FromTransport(ch.op(), err)
	}
	defer resp.Body.Close()
	// The status has decided already; a failed read costs the connection and nothing else.
	_, _ = io.CopyN(io.Discard, resp.Body, maxAnswerBytes)
	e := sdk.FromStatus(ch.op(), resp.StatusCode, resp.Header)
	ch.health.answered(e)
	if e != nil {
		return e
	}
	return nil
}
