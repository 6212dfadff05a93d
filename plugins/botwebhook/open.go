package main

import (
	"context"
	"errors"
	"unicode/utf8"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// Open implements sdk.Opener ("Create conversation"). A bot accepts every conversation, so an offer is accepted
// immediately. An unknown outcome is transient in all modes: repeating the call only leaves an unused conversation.
func (a *adapter) Open(ctx context.Context, o *sdk.OpenRequest) (*sdk.OpenResult, error) {
	ch, err := a.configuredChannel(o.Channel, opCreate)
	if err != nil {
		return nil, err
	}
	if ch.role != envelope.RoleBot {
		return nil, &sdk.Error{Kind: sdk.KindUnsupported, Op: opCreate, Text: "only GPTBots can start a hand-off"}
	}
	if n := utf8.RuneCountInString(o.CustomerID); n == 0 || n > maxUserIDCharacters {
		return nil, &sdk.Error{Kind: sdk.KindInvalid, Op: opCreate, Field: "customer_id",
			Text: "must have 1 to 32 characters"}
	}
	response, err := ch.call(ctx, opCreate, createPath, createBody{UserID: o.CustomerID})
	if err != nil {
		return nil, openError(err)
	}
	id := validID(idOf(response.ConversationID))
	if id == "" {
		return nil, &sdk.Error{Kind: sdk.KindTransient, Op: opCreate, Text: "the response has no valid conversation_id"}
	}
	return &sdk.OpenResult{Thread: id, Accepted: true}, nil
}

// openError changes gone to permanent, because the gateway would otherwise open the conversation again indefinitely. It
// changes unknown to transient.
func openError(err error) error {
	e, ok := errors.AsType[*sdk.Error](err)
	switch {
	case !ok:
	case e.Kind == sdk.KindGone:
		e.Kind = sdk.KindPermanent
	case e.Kind == sdk.KindUnknown:
		e.Kind = sdk.KindTransient
	}
	return err
}
