package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"patchbay/sdk"
)

// Operations, as errors name them.
const (
	opCreate = "create conversation"
	opSend   = "send message"
)

// maxAnswerBytes bounds how much of an answer is read: its members are ids and a code.
const maxAnswerBytes = 1 << 20

// Open implements sdk.Opener. A bot takes every conversation that it can be given, so an offer is accepted
// at once. A repeat after an unknown outcome leaves an unused conversation behind and does no other harm.
func (a *adapter) Open(ctx context.Context, o *sdk.Opening) (*sdk.Opened, error) {
	ch, err := a.configured(o.Channel, opCreate)
	if err != nil {
		return nil, err
	}
	if n := utf8.RuneCountInString(o.CustomerID); n == 0 || n > maxUserIDCharacters {
		return nil, &sdk.Error{Kind: sdk.KindInvalid, Op: opCreate, Field: "customer_id",
			Text: "must have 1 to 32 characters"}
	}
	answer, err := ch.call(ctx, opCreate, createPath, createBody{UserID: o.CustomerID})
	if err != nil {
		if e, ok := errors.AsType[*sdk.Error](err); ok && e.Kind == sdk.KindGone {
			e.Kind = sdk.KindPermanent // nothing is open yet: opening again would go round for ever
		}
		return nil, err
	}
	id := plain(answer.ConversationID)
	if id == "" {
		return nil, &sdk.Error{Kind: sdk.KindTransient, Op: opCreate, Text: "the answer has no conversation_id"}
	}
	return &sdk.Opened{Thread: id, Accepted: true}, nil
}

// Deliver implements sdk.Deliverer: one call of "Send message v2" in webhook mode, where answers come to the
// webhook. What the call itself answers is not documented: every 2xx without an error code means that it was taken.
func (a *adapter) Deliver(ctx context.Context, d *sdk.Delivery) (*sdk.Receipt, error) {
	ch, err := a.configured(d.Channel, opSend)
	if err != nil {
		return nil, err
	}
	if d.Thread == "" {
		return nil, &sdk.Error{Kind: sdk.KindInvalid, Op: opSend, Field: "thread", Text: "missing"}
	}
	messages, degraded, err := compose(d)
	if err != nil {
		return nil, err
	}
	answer, err := ch.call(ctx, opSend, sendPath,
		sendBody{ConversationID: d.Thread, ResponseMode: "webhook", Messages: messages})
	if err != nil {
		return nil, err
	}
	return &sdk.Receipt{VendorID: plain(answer.MessageID), Degraded: degraded}, nil
}

func (a *adapter) configured(name, op string) (*channel, error) {
	if ch := a.channel(name); ch != nil {
		return ch, nil
	}
	return nil, &sdk.Error{Kind: sdk.KindTransient, Op: op, Text: "channel " + name + " is not configured"}
}

// call posts body once and returns the answer of a call that was taken.
func (ch *channel) call(ctx context.Context, op, path string, body any) (*apiAnswer, error) {
	if ctx.Err() != nil {
		return nil, &sdk.Error{Kind: sdk.KindTransient, Op: op, Text: "no time left to start", Err: ctx.Err()}
	}
	encoded, err := json.Marshal(body)
	if err != nil {
		return nil, &sdk.Error{Kind: sdk.KindInvalid, Op: op, Text: "message is not valid UTF-8", Err: err}
	}
	address, err := url.JoinPath(ch.BaseURL, path)
	if err != nil {
		return nil, &sdk.Error{Kind: sdk.KindInvalid, Op: op, Field: "base_url", Text: "not an address"}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(encoded))
	if err != nil {
		return nil, &sdk.Error{Kind: sdk.KindInvalid, Op: op, Field: "base_url", Text: "not an address"}
	}
	req.Header.Set("Content-Type", jsonType)
	req.Header.Set("Authorization", "Bearer "+ch.APIKey.Reveal())
	resp, err := ch.client.Do(req)
	if err != nil {
		return nil, sdk.FromTransport(op, withoutAddress(err))
	}
	defer resp.Body.Close()
	answer, err := readAnswer(resp.Body)
	if err != nil && resp.StatusCode < 300 {
		// Taken, or refused with HTTP 200? The rest of the answer would have said it.
		return nil, &sdk.Error{Kind: sdk.KindUnknown, Op: op, Status: resp.StatusCode, Err: err}
	}
	if e := failure(op, resp.StatusCode, resp.Header, answer.code()); e != nil {
		ch.observe(e.Kind)
		return nil, e
	}
	ch.observe("")
	return answer, nil
}

// observe keeps the channel's health. Only an outcome that shows what the vendor thinks of the key changes it.
func (ch *channel) observe(kind sdk.ErrorKind) {
	switch kind {
	case sdk.KindTransient, sdk.KindThrottled, sdk.KindUnknown, sdk.KindPermanent:
	default:
		ch.locked.Store(kind == sdk.KindUnauthorized)
	}
}

// readAnswer reads what is there; an answer that is not a JSON object is an empty one. It never returns nil.
// An error means that the answer broke off.
func readAnswer(r io.Reader) (*apiAnswer, error) {
	var answer apiAnswer
	b, err := io.ReadAll(io.LimitReader(r, maxAnswerBytes))
	if err != nil {
		return &answer, err
	}
	if json.Unmarshal(b, &answer, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)) != nil {
		return &apiAnswer{}, nil
	}
	return &answer, nil
}

// withoutAddress takes the address off an error of http.Client: it is configuration, and only clutters
// the text that operators read beside the channel's name.
func withoutAddress(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}
