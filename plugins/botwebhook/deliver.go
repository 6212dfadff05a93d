package main

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// Operations in error texts.
const (
	opCreate = "create conversation"
	opSend   = "send message"
	opReply  = "send reply to hand-off"
	opClose  = "close hand-off"
)

// Deliver implements sdk.Deliverer: one call of "Send message" or of the hand-off's API. In webhook mode the answer
// arrives at the webhook, and a 2xx status without an error code is success. In the other modes, the receipt contains
// the answer.
func (a *adapter) Deliver(ctx context.Context, d *sdk.Delivery) (*sdk.Receipt, error) {
	ch, err := a.configuredChannel(d.Channel, opSend)
	if err != nil {
		return nil, err
	}
	if d.Thread == "" {
		return nil, &sdk.Error{Kind: sdk.KindInvalid, Op: opSend, Field: "thread", Text: "is missing"}
	}
	if ch.role == envelope.RoleCustomer {
		return ch.deliverHandoff(ctx, d)
	}
	m, err := ch.encodeMessage(d)
	if err != nil {
		return nil, err
	}
	var r *sdk.Receipt
	switch ch.Mode {
	case modeBlocking:
		r, err = ch.sendBlocking(ctx, d.Thread, m)
	case modeStreaming:
		r, err = ch.sendStreaming(ctx, d.Thread, m)
	default:
		var response *apiResponse
		if response, err = ch.call(ctx, opSend, m.path, m.body); err == nil {
			r = &sdk.Receipt{VendorID: validID(idOf(response.MessageID))}
		}
	}
	if err != nil {
		return nil, ch.unknownIfTimedOut(err)
	}
	r.Degraded = joinNotes(m.degraded, r.Degraded)
	return r, nil
}

// unknownIfTimedOut changes the kind of an error with status 504 to unknown in blocking and streaming mode, because the
// agent may have received the message. In webhook mode the error stays transient, and the gateway retries.
func (ch *channel) unknownIfTimedOut(err error) error {
	if e, ok := errors.AsType[*sdk.Error](err); ok && ch.repliesInResponse() && e.Status == http.StatusGatewayTimeout {
		e.Kind = sdk.KindUnknown
	}
	return err
}

// configuredChannel returns a channel. Its error is transient because Configure may still be running.
func (a *adapter) configuredChannel(name, op string) (*channel, error) {
	if ch := a.channel(name); ch != nil {
		return ch, nil
	}
	return nil, &sdk.Error{Kind: sdk.KindTransient, Op: op, Text: "channel " + name + " is not configured"}
}

// joinNotes joins notes about a degraded delivery.
func joinNotes(notes ...string) string {
	var out []string
	for _, n := range notes {
		if n != "" {
			out = append(out, n)
		}
	}
	return strings.Join(out, "; ")
}
