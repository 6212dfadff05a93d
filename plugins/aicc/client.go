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
	"unicode"

	"patchbay/sdk"
)

// apiPath is where AICC's calls are, below the base URL.
const apiPath = "/apiaccess/ccmessaging/"

// maxAnswer is the most bytes that are read of an answer, unless a call says more. Real ones have a few hundred.
const maxAnswer = 64 << 10

// errAnswerTooLarge is behind the error of a call whose answer has more bytes than the call allows.
var errAnswerTooLarge = errors.New("the answer is too large")

// maxVendorText is the most bytes of the vendor's own words that an error repeats.
const maxVendorText = 160

// request is one call of the vendor.
type request struct {
	url    string
	body   any   // sent as JSON by POST; nil means GET
	limit  int64 // most bytes of the answer; 0 means maxAnswer
	header http.Header
	hide   []string // what errors must not repeat of the vendor's words
	// results means that a result code counts also beside HTTP status 500, which the vendor's pages call a failure of
	// business.
	results bool
}

// answer is the vendor's answer with a status of success.
type answer struct {
	header http.Header
	body   []byte
}

// do makes one call. A status that is no success gives a typed error with the vendor's code and words.
func (c *channel) do(ctx context.Context, op string, q request) (*answer, error) {
	req, err := q.http(ctx)
	if err != nil {
		return nil, &sdk.Error{Kind: sdk.KindInvalid, Op: op, Err: err}
	}
	resp, err := c.host.HTTP.Do(req)
	if err != nil {
		return nil, sdk.FromTransport(op, err)
	}
	defer resp.Body.Close()
	limit := max(q.limit, maxAnswer)
	data, readErr := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if e := sdk.FromStatus(op, resp.StatusCode, resp.Header); e != nil {
		var f fault
		_ = json.Unmarshal(data, &f)
		if q.results && f.isResult(resp.StatusCode) {
			return &answer{header: resp.Header, body: data}, nil
		}
		hide := append(slices.Clip(q.hide), c.settings.AppSecret.Reveal())
		e.Code = vendorCode(string(f.ErrorCode+f.ResultCode+f.ReturnCode), hide...)
		e.Text = vendorText(string(f.ExceptionInfo+f.ResultDesc), hide...)
		return nil, e
	}
	if readErr != nil {
		return nil, sdk.FromTransport(op, readErr)
	}
	if int64(len(data)) > limit {
		return nil, &sdk.Error{Kind: sdk.KindUnknown, Op: op,
			Err: fmt.Errorf("%w: more than %d bytes", errAnswerTooLarge, limit)}
	}
	return &answer{header: resp.Header, body: data}, nil
}

// isResult tells whether an answer with a status of failure is a result that says why.
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

// harmless turns "may have happened" into transient, for calls that may be repeated freely.
func harmless(err error) error {
	if sdk.KindOf(err) == sdk.KindUnknown {
		e := *asTyped(err)
		e.Kind = sdk.KindTransient
		return &e
	}
	return err
}

// vendorCode makes a code of the vendor's fit for an error, likewise.
func vendorCode(s string, hide ...string) string { return clip(vendorText(s, hide...), 64) }

// vendorText makes the vendor's words fit for an error: one line, short, without what must be hidden. What
// is shorter than four bytes hides nothing: its absence would tell more than its presence.
func vendorText(s string, hide ...string) string {
	s = inOneLine(s)
	for _, h := range hide {
		if len(h) >= 4 {
			s = strings.ReplaceAll(s, inOneLine(h), "[redacted]")
		}
	}
	return clip(strings.TrimSpace(s), maxVendorText)
}

func inOneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
}
