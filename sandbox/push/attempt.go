package push

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"patchbay/sandbox/fault"
)

var pushFaults = []fault.Kind{
	fault.Status, fault.Slow, fault.Hang, fault.Reset, fault.Drop, fault.Truncate, fault.ContentType,
	fault.Huge, fault.Duplicate, fault.Reorder, fault.BadSignature,
}

var (
	errWithheld = errors.New("withheld on command")
	errIgnored  = errors.New("answer ignored on command")
)

// maxAnswer bounds what is read of an answer.
const maxAnswer = 1 << 20

// deliver makes c until it is accepted or the attempts are used up. The fault concerns the first attempt.
func (p *Pusher) deliver(c Call, f fault.Fault) Outcome {
	var out Outcome
	attempts := c.Attempts
	if attempts == 0 {
		attempts = p.o.Retry.Attempts
	}
	wait := p.o.Retry.First
	if wait == 0 {
		wait = 50 * time.Millisecond
	}
	for {
		out.Attempts++
		out.Status, out.Answer, out.Err = p.attempt(c, f)
		out.Accepted = out.Err == nil && accepted(c, out.Status, out.Answer)
		if f.Kind == fault.Duplicate {
			p.call(c, fault.Fault{})
		}
		if out.Accepted || out.Attempts >= attempts || p.ctx.Err() != nil {
			return out
		}
		if fault.Sleep(p.ctx, wait) != nil {
			return out
		}
		wait = min(2*wait, p.longest())
		var spoilt bool
		if f, spoilt = p.o.Faults.Take(c.Endpoint, pushFaults...); spoilt && f.Kind == fault.Reorder {
			f = fault.Fault{} // a call that is tried again has nobody to change places with
		}
	}
}

func (p *Pusher) longest() time.Duration {
	if p.o.Retry.Max == 0 {
		return 2 * time.Second
	}
	return p.o.Retry.Max
}

func accepted(c Call, status int, answer []byte) bool {
	if c.Accepted == nil {
		return status == http.StatusOK
	}
	return c.Accepted(status, answer)
}

func (p *Pusher) attempt(c Call, f fault.Fault) (int, []byte, error) {
	switch f.Kind {
	case fault.Status:
		return 0, nil, errWithheld
	case fault.Slow:
		if err := fault.Sleep(p.ctx, f.Delay); err != nil {
			return 0, nil, err
		}
	case fault.Hang:
		if err := p.o.Faults.Hold(p.ctx); err != nil {
			return 0, nil, err
		}
	}
	status, answer, err := p.call(c, f)
	if err == nil && f.Kind == fault.Drop {
		return 0, nil, errIgnored
	}
	return status, answer, err
}

// call makes one HTTP call, holding a slot while it lasts.
func (p *Pusher) call(c Call, f fault.Fault) (int, []byte, error) {
	select {
	case p.slots <- struct{}{}:
	case <-p.ctx.Done():
		return 0, nil, p.ctx.Err()
	}
	defer func() { <-p.slots }()
	r, err := request(p.ctx, c, f)
	if err != nil {
		return 0, nil, err
	}
	resp, err := p.o.Client.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return 0, nil, fmt.Errorf("read answer: %w", err)
	}
	return resp.StatusCode, answer, nil
}

func request(ctx context.Context, c Call, f fault.Fault) (*http.Request, error) {
	body := c.Body
	if f.Kind == fault.Huge {
		body = fault.Pad(body, f.Bytes)
	}
	var content io.Reader = bytes.NewReader(body)
	if f.Kind == fault.Reset {
		content = io.MultiReader(bytes.NewReader(body[:len(body)/2]), brokenReader{})
	}
	sent := len(body)
	if f.Kind == fault.Truncate {
		sent = len(body) / 2
		content = bytes.NewReader(body[:sent])
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL, content)
	if err != nil {
		return nil, fmt.Errorf("call webhook %q: %w", c.URL, err)
	}
	r.ContentLength = int64(sent)
	r.Header.Set("Content-Type", "application/json")
	if f.Kind == fault.ContentType {
		r.Header.Set("Content-Type", "text/html; charset=utf-8")
	}
	if c.Prove != nil {
		c.Prove(r, body, f.Kind == fault.BadSignature)
	}
	return r, nil
}

// brokenReader fails in the middle of a body, which makes the client drop the connection.
type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errors.New("connection dropped on command") }
