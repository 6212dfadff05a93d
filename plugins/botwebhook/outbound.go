package main

import (
	"context"
	"errors"
	"net/http"
	"unicode/utf8"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// Operations, as errors name them.
const (
	opCreate = "create conversation"
	opSend   = "send message"
	opReply  = "send reply of a person"
	opClose  = "close hand-off"
)

// Open implements sdk.Opener. A bot takes every conversation that it can be given, so an offer is accepted
// at once. A call that may have had its effect is passing trouble in all modes, and never given up like a question that
// is not to be asked twice: a repeat leaves an unused conversation behind and does no other harm.
func (a *adapter) Open(ctx context.Context, o *sdk.OpenRequest) (*sdk.OpenResult, error) {
	ch, err := a.configured(o.Channel, opCreate)
	if err != nil {
		return nil, err
	}
	if ch.role != envelope.RoleBot {
		return nil, &sdk.Error{Kind: sdk.KindUnsupported, Op: opCreate, Text: "only the vendor can begin a hand-off"}
	}
	if n := utf8.RuneCountInString(o.CustomerID); n == 0 || n > maxUserIDCharacters {
		return nil, &sdk.Error{Kind: sdk.KindInvalid, Op: opCreate, Field: "customer_id",
			Text: "must have 1 to 32 characters"}
	}
	answer, err := ch.call(ctx, opCreate, createPath, createBody{UserID: o.CustomerID})
	if err != nil {
		return nil, unopened(err)
	}
	id := usableID(plain(answer.ConversationID))
	if id == "" {
		return nil, &sdk.Error{Kind: sdk.KindTransient, Op: opCreate, Text: "the answer has no conversation_id that can be used"}
	}
	return &sdk.OpenResult{Thread: id, Accepted: true}, nil
}

// unopened gives an error of a thread's delivery the kind that it has where there is no thread yet.
func unopened(err error) error {
	e, ok := errors.AsType[*sdk.Error](err)
	switch {
	case !ok:
	case e.Kind == sdk.KindGone:
		e.Kind = sdk.KindPermanent // opening again would go round for ever
	case e.Kind == sdk.KindUnknown:
		e.Kind = sdk.KindTransient
	}
	return err
}

// Deliver implements sdk.Deliverer: one call of "Send message", or of the hand-off's API. In webhook mode answers come
// to the webhook, and every 2xx without an error code means that the question was taken, since what the call itself
// answers is not documented. In the other modes the answer is in the receipt.
func (a *adapter) Deliver(ctx context.Context, d *sdk.Delivery) (*sdk.Receipt, error) {
	ch, err := a.configured(d.Channel, opSend)
	if err != nil {
		return nil, err
	}
	if d.Thread == "" {
		return nil, &sdk.Error{Kind: sdk.KindInvalid, Op: opSend, Field: "thread", Text: "missing"}
	}
	if ch.role == envelope.RoleCustomer {
		return ch.deliverPerson(ctx, d)
	}
	q, err := ch.compose(d)
	if err != nil {
		return nil, err
	}
	var r *sdk.Receipt
	switch ch.Mode {
	case modeBlocking:
		r, err = ch.ask(ctx, d.Thread, q)
	case modeStreaming:
		r, err = ch.stream(ctx, d.Thread, q)
	default:
		var answer *apiAnswer
		if answer, err = ch.call(ctx, opSend, q.path, q.body); err == nil {
			r = &sdk.Receipt{VendorID: usableID(plain(answer.MessageID))}
		}
	}
	if err != nil {
		return nil, ch.unsure(err)
	}
	r.Degraded = joined(q.degraded, r.Degraded)
	return r, nil
}

// unsure makes a time-out on the way to the vendor what it is where the call brings the answer: the agent may have heard
// the question. In webhook mode to ask again is harmless enough.
func (ch *channel) unsure(err error) error {
	if e, ok := errors.AsType[*sdk.Error](err); ok && ch.replies() && e.Status == http.StatusGatewayTimeout {
		e.Kind = sdk.KindUnknown
	}
	return err
}

func (a *adapter) configured(name, op string) (*channel, error) {
	if ch := a.channel(name); ch != nil {
		return ch, nil
	}
	return nil, &sdk.Error{Kind: sdk.KindTransient, Op: op, Text: "channel " + name + " is not configured"}
}

func joined(a, b string) string {
	if a != "" && b != "" {
		return a + "; " + b
	}
	return a + b
}
