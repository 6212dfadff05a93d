package simulator

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing/iotest"
	"time"
)

// deliver repeats c until it is accepted or no attempts are left, and records the outcome. f applies to the first
// attempt; later attempts take their own faults.
func (v *Vendor) deliver(c Call, f Fault) {
	out := Outcome{Call: c}
	wait := cmp.Or(v.retry.First, 50*time.Millisecond)
	for {
		out.Attempts++
		out.Status, out.Response, out.Err = v.attempt(v.ctx, c, f)
		out.Accepted = out.Err == nil && c.accepts(out.Status, out.Response)
		if out.Accepted || out.Attempts >= cmp.Or(c.Attempts, v.retry.Attempts) || Sleep(v.ctx, wait) != nil {
			break
		}
		wait = min(2*wait, cmp.Or(v.retry.Max, 2*time.Second))
		f, _ = v.Faults.Take(c.Endpoint, CallFaults...) // Reorder has no effect on a retry
	}
	v.Outcomes.Append(out)
	if !out.Accepted && v.ctx.Err() == nil {
		v.Logger.Warn("webhook call given up", "url", c.URL, "attempts", out.Attempts, "status", out.Status, "error", out.Err)
	}
	if c.onOutcome != nil {
		c.onOutcome(out)
	}
}

func (c *Call) accepts(status int, response []byte) bool {
	if c.IsAccepted == nil {
		return status == http.StatusOK
	}
	return c.IsAccepted(status, response)
}

// CallOnce makes c immediately, subject to the faults, and returns the response. It does not retry.
func (v *Vendor) CallOnce(ctx context.Context, c Call) (status int, response []byte, err error) {
	f, _ := v.Faults.Take(c.Endpoint, CallFaults...)
	return v.attempt(ctx, c, f)
}

func (v *Vendor) attempt(ctx context.Context, c Call, f Fault) (status int, response []byte, err error) {
	switch f.Kind {
	case Status:
		return 0, nil, errors.New("attempt skipped by a fault")
	case Slow, Hang:
		err = v.Faults.Wait(ctx, f)
	case Duplicate:
		status, response, err = v.post(ctx, c, f)
		if err == nil && !c.accepts(status, response) {
			return status, response, nil
		}
	}
	if err != nil {
		return 0, nil, err
	}
	status, response, err = v.post(ctx, c, f)
	if err == nil && f.Kind == Drop {
		return 0, nil, errors.New("response ignored by a fault")
	}
	return status, response, err
}

func (v *Vendor) post(ctx context.Context, c Call, f Fault) (int, []byte, error) {
	r, err := c.request(ctx, f)
	if err != nil {
		return 0, nil, fmt.Errorf("call %s: %w", c.URL, err)
	}
	resp, response, err := Read(v.Client, r)
	if err != nil {
		return 0, nil, err
	}
	return resp.StatusCode, response, nil
}

// Read makes a call and returns the response with its body, of which it reads at most 64 MiB.
func Read(client *http.Client, r *http.Request) (*http.Response, []byte, error) {
	resp, err := client.Do(r)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	return resp, body, err
}

func (c *Call) request(ctx context.Context, f Fault) (*http.Request, error) {
	body := c.Body
	if f.Kind == Huge {
		body = pad(body, f.Bytes)
	}
	sent := body
	if f.Kind == Truncate || f.Kind == Reset {
		sent = body[:len(body)/2]
	}
	var content io.Reader = bytes.NewReader(sent)
	length := len(sent)
	if f.Kind == Reset {
		content, length = io.MultiReader(content, iotest.ErrReader(errors.New("connection broken by a fault"))), len(body)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL, content)
	if err != nil {
		return nil, err
	}
	r.ContentLength = int64(length)
	r.Header.Set("Content-Type", "application/json")
	for name, values := range c.Header {
		r.Header[name] = values
	}
	if f.Kind == ContentType {
		r.Header.Set("Content-Type", "text/html; charset=utf-8")
	}
	if c.Authenticate != nil {
		c.Authenticate(r, body, f.Kind == BadSignature)
	}
	return r, nil
}
