package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// maxMessages limits the messages in one push.
const maxMessages = 1000

// acceptedBody is the response to a stored push. resultCode is the string "0" (Message Push Interface Specifications,
// table 4).
const acceptedBody = `{"resultCode":"0","resultDesc":"success"}`

// Receive implements sdk.Receiver. It refuses a push only if no channel's credentials match, if it is too large, or if
// it has no array of messages. A message that cannot be parsed becomes an envelope of kind unparsed and does not affect
// the others. The envelopes keep the order of the messages.
func (a *adapter) Receive(_ context.Context, req *sdk.Request) (*sdk.Reception, error) {
	if len(req.Body) > maxPush {
		return nil, tooLarge("body", fmt.Sprintf("has %d bytes; at most %d are allowed", len(req.Body), maxPush))
	}
	channels, err := a.authenticate(req)
	if err != nil {
		return nil, err
	}
	items, err := parsePush(req.Body)
	if err != nil {
		return nil, err
	}
	b := batch{channels: channels, counts: map[string]int{}}
	var out []*envelope.Envelope
	for _, raw := range items {
		out = append(out, b.translate(raw)...)
	}
	return &sdk.Reception{
		Envelopes: out,
		Response:  sdk.Response{Status: http.StatusOK, ContentType: jsonType, Body: []byte(acceptedBody)},
	}, nil
}

// parsePush splits a push into its messages. Its errors are typed and do not repeat the body.
func parsePush(body []byte) ([]json.RawMessage, error) {
	var p push
	if err := json.Unmarshal(body, &p); err != nil {
		text := "is not a JSON object"
		if se, ok := errors.AsType[*json.SyntaxError](err); ok {
			text = fmt.Sprintf("is not valid JSON at byte %d", se.Offset)
		}
		return nil, sdk.Invalid("body", "%s", text)
	}
	var items []json.RawMessage
	if len(p.Messages) == 0 || p.Messages[0] != '[' {
		return nil, sdk.Invalid("messages", "is missing or not an array")
	}
	if err := json.Unmarshal(p.Messages, &items); err != nil {
		return nil, sdk.Invalid("messages", "is not an array")
	}
	if len(items) > maxMessages {
		return nil, tooLarge("messages", fmt.Sprintf("has %d items; at most %d are allowed", len(items), maxMessages))
	}
	return items, nil
}

func tooLarge(field, text string) error {
	e := sdk.Invalid(field, "%s", text)
	e.Status = http.StatusRequestEntityTooLarge
	return e
}
