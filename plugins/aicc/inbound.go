package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// maxMessages is the most messages that one push may have.
const maxMessages = 1000

// acceptedBody is the answer to a push that is stored (table 4): resultCode is the string 0.
const acceptedBody = `{"resultCode":"0","resultDesc":"success"}`

// Receive implements sdk.Receiver. A push is refused whole only if no channel's credentials fit, if it is
// too large, or if it has no array of messages; a message that can't be understood becomes an envelope
// of kind unparsed and leaves the others as they are. Envelopes are in the order of the messages.
func (a *adapter) Receive(_ context.Context, req *sdk.Request) (*sdk.Reception, error) {
	if len(req.Body) > maxPush {
		return nil, tooLarge("body", fmt.Sprintf("%d bytes, at most %d", len(req.Body), maxPush))
	}
	verified, err := a.verified(req)
	if err != nil {
		return nil, err
	}
	items, err := parsePush(req.Body)
	if err != nil {
		return nil, err
	}
	b := batch{channels: verified, seen: map[string]int{}}
	var out []*envelope.Envelope
	for _, raw := range items {
		out = append(out, b.translate(raw)...)
	}
	return &sdk.Reception{
		Envelopes: out,
		Answer:    sdk.Response{Status: http.StatusOK, ContentType: jsonType, Body: []byte(acceptedBody)},
	}, nil
}

// parsePush splits a push into its messages. Its errors are typed and do not repeat what was sent.
func parsePush(body []byte) ([]json.RawMessage, error) {
	var p push
	if err := json.Unmarshal(body, &p); err != nil {
		text := "not a JSON object"
		if se, ok := errors.AsType[*json.SyntaxError](err); ok {
			text = fmt.Sprintf("not valid JSON at byte %d", se.Offset)
		}
		return nil, malformed("body", text)
	}
	var items []json.RawMessage
	if len(p.Messages) == 0 || p.Messages[0] != '[' {
		return nil, malformed("messages", "missing or not an array")
	}
	if err := json.Unmarshal(p.Messages, &items); err != nil {
		return nil, malformed("messages", "not an array")
	}
	if len(items) > maxMessages {
		return nil, tooLarge("messages", fmt.Sprintf("%d of them, at most %d", len(items), maxMessages))
	}
	return items, nil
}

func malformed(field, text string) error {
	return refuse(sdk.Invalid(field, "%s", text), http.StatusBadRequest, field+": "+text)
}

func tooLarge(field, text string) error {
	return refuse(sdk.Invalid(field, "%s", text), http.StatusRequestEntityTooLarge, field+": "+text)
}

// refuse completes an error by the status and the body that AICC is told "no" with.
func refuse(e *sdk.Error, status int, desc string) error {
	body, err := json.Marshal(map[string]string{"resultCode": strconv.Itoa(status), "resultDesc": desc})
	if err != nil {
		return fmt.Errorf("encode refusal: %w", err)
	}
	e.Status, e.Body = status, body
	return e
}
