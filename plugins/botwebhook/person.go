package main

import (
	"context"
	"errors"
	"fmt"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// deliverPerson makes one call of the hand-off's API: what a person says, or the end.
func (ch *channel) deliverPerson(ctx context.Context, d *sdk.Delivery) (*sdk.Receipt, error) {
	body := humanBody{ConversationID: d.Thread, Timestamp: d.Envelope.AcceptedAt.UnixMilli()}
	if d.Envelope.AcceptedAt.IsZero() {
		body.Timestamp = ch.now().UnixMilli()
	}
	switch d.Envelope.Kind {
	case envelope.KindMessage:
		if body.Body = transcript(d.Envelope.Parts); body.Body == "" {
			return nil, &sdk.Error{Kind: sdk.KindInvalid, Op: opReply, Field: "parts", Text: "nothing to send"}
		}
		answer, err := ch.call(ctx, opReply, humanReplyPath, body)
		if err != nil {
			return nil, ch.over(err)
		}
		return &sdk.Receipt{VendorID: usableID(plain(answer.MessageID)), Degraded: notText(d.Envelope)}, nil
	case envelope.KindClosed, envelope.KindDisconnected:
		_, err := ch.call(ctx, opClose, humanClosePath, body)
		if err != nil && sdk.KindOf(err) != sdk.KindGone {
			return nil, err
		}
		if err != nil {
			return &sdk.Receipt{Degraded: "the hand-off was over already"}, nil
		}
		return &sdk.Receipt{}, nil
	}
	return nil, &sdk.Error{Kind: sdk.KindUnsupported, Op: opReply, Field: "kind",
		Text: fmt.Sprintf("%q can't be sent to a hand-off", d.Envelope.Kind)}
}

// over makes a refusal for good of a hand-off that the vendor has forgotten: only the vendor can begin another.
func (ch *channel) over(err error) error {
	if e, ok := errors.AsType[*sdk.Error](err); ok && e.Kind == sdk.KindGone {
		e.Kind = sdk.KindPermanent
		e.Text = fmt.Sprintf("the hand-off is over: closed, or its first reply came later than the vendor waits (%s)",
			ch.WaitingLimit)
	}
	return err
}

// notText says which parts went as words.
func notText(e *envelope.Envelope) string {
	lost := ""
	for i := range e.Parts {
		if t := e.Parts[i].Type; t != envelope.PartText {
			lost = joined(lost, string(t)+" sent as text")
		}
	}
	return lost
}
