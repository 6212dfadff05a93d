package main

import (
	"context"
	"errors"
	"fmt"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// deliverHandoff makes one call of the hand-off's API: a reply or the end.
func (ch *channel) deliverHandoff(ctx context.Context, d *sdk.Delivery) (*sdk.Receipt, error) {
	body := humanBody{ConversationID: d.Thread, Timestamp: d.Envelope.AcceptedAt.UnixMilli()}
	if d.Envelope.AcceptedAt.IsZero() {
		body.Timestamp = ch.now().UnixMilli()
	}
	switch d.Envelope.Kind {
	case envelope.KindMessage:
		if body.Body = textOf(d.Envelope.Parts); body.Body == "" {
			return nil, &sdk.Error{Kind: sdk.KindInvalid, Op: opReply, Field: "parts", Text: "are empty"}
		}
		response, err := ch.call(ctx, opReply, humanReplyPath, body)
		if err != nil {
			return nil, ch.permanentIfGone(err)
		}
		return &sdk.Receipt{VendorID: validID(idOf(response.MessageID)), Degraded: sentAsText(d.Envelope)}, nil
	case envelope.KindClosed, envelope.KindDisconnected:
		_, err := ch.call(ctx, opClose, humanClosePath, body)
		if err != nil && sdk.KindOf(err) != sdk.KindGone {
			return nil, err
		}
		if err != nil {
			return &sdk.Receipt{Degraded: "the hand-off had already ended"}, nil
		}
		return &sdk.Receipt{}, nil
	}
	return nil, &sdk.Error{Kind: sdk.KindUnsupported, Op: opReply, Field: "kind",
		Text: fmt.Sprintf("%q cannot be sent to a hand-off", d.Envelope.Kind)}
}

// permanentIfGone changes the kind gone to permanent, because only GPTBots can start a hand-off again.
func (ch *channel) permanentIfGone(err error) error {
	if e, ok := errors.AsType[*sdk.Error](err); ok && e.Kind == sdk.KindGone {
		e.Kind = sdk.KindPermanent
		e.Text = fmt.Sprintf("the hand-off has ended: it was closed, or its first reply came after the waiting time (%s)",
			ch.WaitingLimit)
	}
	return err
}

// sentAsText notes the parts that are sent as text.
func sentAsText(e *envelope.Envelope) string {
	var notes []string
	for i := range e.Parts {
		if t := e.Parts[i].Type; t != envelope.PartText {
			notes = append(notes, string(t)+" sent as text")
		}
	}
	return joinNotes(notes...)
}
