package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
	"patchbay/sdk/httpclient"
)

// maxResponseBytes limits a response.
const maxResponseBytes = httpclient.MaxResponseBytes

// byteOrderMark may precede the JSON of a response.
var byteOrderMark = []byte("\ufeff")

// call posts body once and returns the response of a successful call. The response may be empty, because GPTBots does
// not document it for all calls.
func (ch *channel) call(ctx context.Context, op, path string, body any) (*apiResponse, error) {
	var response apiResponse
	if _, err := ch.exchange(ctx, op, path, body, &response); err != nil {
		return nil, err
	}
	return &response, nil
}

// exchange posts body once, decodes the body of the response into response, and returns its bytes. After a successful
// call this body is a JSON object or empty. Any other body, like the page of a proxy, is not from GPTBots.
func (ch *channel) exchange(ctx context.Context, op, path string, body any, response *apiResponse) ([]byte, error) {
	resp, err := ch.post(ctx, op, path, body)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	content, err := readAll(resp.Body)
	if err != nil && resp.StatusCode < 300 {
		// An error code may be in the missing part of the response.
		return nil, &sdk.Error{Kind: sdk.KindUnknown, Op: op, Status: resp.StatusCode,
			Text: "the response was interrupted", Err: err}
	}
	content = bytes.TrimSpace(bytes.TrimPrefix(content, byteOrderMark))
	isObject := jsontext.Value(content).Kind() == '{' && decode(content, response) == nil
	if !isObject {
		*response = apiResponse{}
	}
	e := responseError(op, resp.StatusCode, resp.Header, response.code())
	if e == nil && !isObject && len(content) > 0 {
		return nil, &sdk.Error{Kind: sdk.KindUnknown, Op: op,
			Text: fmt.Sprintf("the response (HTTP %d) is not a JSON object, so it is not from GPTBots; check base_url and proxies",
				resp.StatusCode)}
	}
	ch.updateHealth(e)
	if e != nil {
		return nil, e
	}
	return content, nil
}

// post sends body once. The caller closes the response's body.
func (ch *channel) post(ctx context.Context, op, path string, body any) (*http.Response, error) {
	if ctx.Err() != nil {
		return nil, &sdk.Error{Kind: sdk.KindTransient, Op: op, Text: "the deadline has passed", Err: ctx.Err()}
	}
	encoded, err := json.Marshal(body, json.Deterministic(true))
	if err != nil {
		return nil, &sdk.Error{Kind: sdk.KindInvalid, Op: op, Text: "the message is not valid UTF-8", Err: err}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "", bytes.NewReader(encoded))
	if err != nil {
		return nil, &sdk.Error{Kind: sdk.KindInvalid, Op: op, Err: err}
	}
	req.URL = ch.api.JoinPath(path)
	req.Header.Set("Content-Type", jsonType)
	if ch.role == envelope.RoleBot || ch.SendKey {
		req.Header.Set("Authorization", "Bearer "+ch.APIKey.Reveal())
	}
	resp, err := ch.client.Do(req)
	if err != nil {
		return nil, sdk.FromTransport(op, err)
	}
	return resp, nil
}

// readAll reads a response. An error means that it was interrupted or is too large.
func readAll(r io.Reader) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxResponseBytes+1))
	if err == nil && len(b) > maxResponseBytes {
		return nil, httpclient.ErrResponseTooLarge
	}
	return b, err
}
