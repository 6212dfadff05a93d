package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"patchbay/sdk"
	"patchbay/sdk/text"
)

// apiPath is the path of AICC's calls below the base URL.
const apiPath = "/apiaccess/ccmessaging/"

// maxResponse is the default limit of a response in bytes. Responses without files have a few hundred.
const maxResponse = 64 << 10

// errResponseTooLarge is the cause of the error for a response above the call's limit.
var errResponseTooLarge = errors.New("the response is too large")

// maxVendorText limits the vendor's text in an error, in bytes.
const maxVendorText = 160

// request is one call of AICC.
type request struct {
	url     string
	body    any   // sent as JSON with POST; nil means GET
	limit   int64 // of the response in bytes; 0 means maxResponse
	header  http.Header
	secrets []string // redacted in errors
	// allowResult500 accepts a response with HTTP status 500 and a result code, which the page of send calls a business
	// failure.
	allowResult500 bool
}

// response is AICC's response.
type response struct {
	header http.Header
	body   []byte
}

// do makes one call. A failure status gives a typed error with AICC's redacted code and text.
func (c *channel) do(ctx context.Context, op string, q request) (*response, error) {
	req, err := q.http(ctx)
	if err != nil {
		return nil, &sdk.Error{Kind: sdk.KindInvalid, Op: op, Err: err}
	}
	resp, err := c.host.HTTP.Do(req)
	if err != nil {
		return nil, sdk.FromTransport(op, err)
	}
	defer resp.Body.Close()
	limit := max(q.limit, maxResponse)
	data, readErr := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	data = bytes.TrimPrefix(data, []byte("\ufeff")) // a byte order mark may precede the JSON
	if e := sdk.FromStatus(op, resp.StatusCode, resp.Header); e != nil {
		var f fault
		_ = json.Unmarshal(data, &f)
		if q.allowResult500 && f.isResult(resp.StatusCode) {
			return &response{header: resp.Header, body: data}, nil
		}
		secrets := append(slices.Clip(q.secrets), c.settings.AppSecret.Reveal())
		e.Code = redactCode(string(f.ErrorCode+f.ResultCode+f.ReturnCode), secrets...)
		e.Text = redactText(string(f.ExceptionInfo+f.ResultDesc), secrets...)
		return nil, e
	}
	if readErr != nil {
		return nil, sdk.FromTransport(op, readErr)
	}
	if int64(len(data)) > limit {
		return nil, &sdk.Error{Kind: sdk.KindUnknown, Op: op,
			Err: fmt.Errorf("%w: more than %d bytes", errResponseTooLarge, limit)}
	}
	return &response{header: resp.Header, body: data}, nil
}

// isResult reports whether the response has a result code that explains the failure.
func (f *fault) isResult(status int) bool {
	code := f.ResultCode + f.ReturnCode
	return status == http.StatusInternalServerError && f.ErrorCode == "" && code != "" && code != codeDone
}

func (q *request) http(ctx context.Context) (*http.Request, error) {
	if q.body == nil {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, q.url, nil)
		if err == nil && q.header != nil {
			req.Header = q.header
		}
		return req, err
	}
	b, err := json.Marshal(q.body)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, q.url, bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	if q.header != nil {
		req.Header = q.header
	}
	req.Header.Set("Content-Type", jsonType+"; charset=UTF-8")
	return req, nil
}

// asTransient changes unknown to transient, for calls that can be repeated without harm.
func asTransient(err error) error {
	if sdk.KindOf(err) == sdk.KindUnknown {
		e := *asTyped(err)
		e.Kind = sdk.KindTransient
		return &e
	}
	return err
}

// redactCode redacts AICC's error code like redactText.
func redactCode(s string, secrets ...string) string { return text.Clip(redactText(s, secrets...), 64) }

// redactText prepares AICC's text for an error: one line, limited length, without secrets. Secrets shorter than four
// bytes are ignored, because replacing them would reveal where they occur.
func redactText(s string, secrets ...string) string {
	s = text.OneLine(s)
	for _, secret := range secrets {
		if len(secret) >= 4 {
			s = strings.ReplaceAll(s, text.OneLine(secret), "[redacted]")
		}
	}
	return text.Clip(strings.TrimSpace(s), maxVendorText)
}
