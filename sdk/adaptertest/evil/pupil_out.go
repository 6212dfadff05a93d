package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// outgoing is what the pupil's vendor is sent.
type outgoing struct {
	To    string `json:"to"`
	Type  string `json:"type"`
	Text  string `json:"text,omitempty"`
	Image string `json:"image,omitempty"` // bytes as text
	Key   string `json:"key,omitempty"`
}

// answer is what the pupil's vendor answers.
type answer struct {
	ID    string `json:"id"`
	Reply string `json:"reply"`
}

// Deliver implements sdk.Deliverer.
func (p *pupil) Deliver(ctx context.Context, d *sdk.Delivery) (*sdk.Receipt, error) {
	c, err := p.channel(d.Channel)
	if err != nil {
		return nil, err
	}
	p.waste()
	if flaw == "drops-calls" {
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(ctx)
		defer context.AfterFunc(c.ctx, cancel)()
		defer cancel()
	}
	if flaw == "deaf" {
		ctx = context.WithoutCancel(ctx)
	}
	if p.sulking.Load() {
		return nil, &sdk.Error{Kind: sdk.KindUnauthorized, Text: "I was refused once"}
	}
	if flaw == "one-road" {
		p.road.RLock()
		defer p.road.RUnlock()
	}
	if flaw == "breaks" && len(d.State) > 0 {
		go func() { panic("what is this?") }()
		select {}
	}
	if flaw == "indexes" && len(d.State) > 0 {
		_ = d.State[10_000]
	}
	if flaw == "one-at-a-time" {
		p.one.Lock()
		defer p.one.Unlock()
	}
	if d.Thread == "" {
		return nil, sdk.Invalid("thread", "missing")
	}
	if !p.remember("threads", d.Thread) {
		return nil, &sdk.Error{Kind: sdk.KindTransient, Text: "no room"}
	}
	m, err := compose(d)
	if err != nil {
		return nil, err
	}
	if err := c.login(ctx); err != nil {
		return nil, err
	}
	var a answer
	if err := c.call(ctx, http.MethodPost, "/messages", m, &a); err != nil {
		return nil, p.takes(ctx, err)
	}
	r := &sdk.Receipt{VendorID: a.ID}
	if a.Reply != "" {
		r.Replies = []*envelope.Envelope{p.reply(c, d.Thread, &a)}
	}
	return r, nil
}

// takes is what the pupil makes of a failure.
func (p *pupil) takes(ctx context.Context, err error) error {
	e, _ := errors.AsType[*sdk.Error](err)
	switch {
	case flaw == "takes-offence" && e != nil && e.Status == http.StatusForbidden, flaw == "sulks" && ctx.Err() != nil:
		p.sulking.Store(true)
	case flaw == "knows-better" && ctx.Err() != nil:
		return &sdk.Error{Kind: sdk.KindPermanent, Text: "surely not taken"}
	}
	return err
}

// login asks for a session, once for each configuration.
func (c *pupilChannel) login(ctx context.Context) error {
	if !c.settings.Login || c.session.Load() {
		return nil
	}
	var a answer
	if err := c.call(ctx, http.MethodPost, "/login", struct{}{}, &a); err != nil {
		e, typed := errors.AsType[*sdk.Error](err)
		switch {
		case flaw == "shrugs":
			return &sdk.Error{Kind: sdk.KindInvalid, Text: "no session"}
		case typed && e.Kind == sdk.KindUnknown:
			e.Kind = sdk.KindTransient // nothing was sent
		}
		return err
	}
	c.session.Store(true)
	return nil
}

// ping makes a call that nobody expects.
func (c *pupilChannel) ping(ctx context.Context) {
	if resp, err := c.request(ctx, http.MethodGet, "/ping", nil); err == nil {
		_ = resp.Body.Close()
	}
}

func compose(d *sdk.Delivery) (*outgoing, error) {
	e := d.Envelope
	m := &outgoing{To: d.Thread, Type: "text", Text: e.Text(), Key: d.Key}
	if flaw == "misdelivers" {
		m.Text = strings.ToUpper(m.Text)
	}
	if flaw == "forgets-key" {
		m.Key = ""
	}
	if e.Kind == envelope.KindTyping {
		m.Type = "typing"
		return m, nil
	}
	for i, part := range e.Parts {
		if part.Type != envelope.PartImage {
			continue
		}
		if i >= len(d.Media) || d.Media[i] == nil || flaw == "blind" {
			return nil, &sdk.Error{Kind: sdk.KindUnsupported, Text: "an image without bytes"}
		}
		b, err := io.ReadAll(d.Media[i].Reader())
		if err != nil {
			return nil, err
		}
		m.Type, m.Image = "image", string(b)
	}
	if len(m.Text) > 300 {
		return nil, sdk.Invalid("parts", "too long")
	}
	return m, nil
}

func (p *pupil) reply(c *pupilChannel, thread string, a *answer) *envelope.Envelope {
	e := &envelope.Envelope{
		Channel: c.name, VendorID: a.ID + "-reply", Thread: thread, Kind: envelope.KindMessage,
		Sender: envelope.Sender{Role: c.role},
		Parts:  []envelope.Part{envelope.TextPart(a.Reply)},
	}
	if flaw == "echoes" {
		e.Sender.Role, e.VendorID = envelope.RoleCustomer, fmt.Sprint(p.number())
	}
	return e
}

// call makes one call, and reads a JSON object with an id.
func (c *pupilChannel) call(ctx context.Context, method, path string, body any, into *answer) error {
	b, err := json.Marshal(body)
	if err != nil {
		return &sdk.Error{Kind: sdk.KindInvalid, Op: "encode", Err: err}
	}
	resp, err := c.request(ctx, method, path, b)
	if err == nil && resp.StatusCode >= 500 && flaw == "repeats" {
		_ = resp.Body.Close()
		resp, err = c.request(ctx, method, path, b)
	}
	if err != nil {
		return transport(err)
	}
	defer func() {
		if flaw != "leaks-connections" {
			_ = resp.Body.Close()
		}
	}()
	if e := c.refused(resp); e != nil {
		return e
	}
	read := json.NewDecoder(resp.Body).Decode(into)
	if flaw == "believes" {
		if read != nil || into.ID == "" {
			into.ID = "surely-taken"
		}
		return nil
	}
	if read != nil || into.ID == "" {
		return &sdk.Error{Kind: sdk.KindUnknown, Status: resp.StatusCode, Text: "the answer has no id"}
	}
	return nil
}

func (c *pupilChannel) request(ctx context.Context, method, path string, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.settings.BaseURL+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+c.settings.APIKey.Reveal())
	return c.host.HTTP.Do(req)
}

// transport is the error of a call that got no answer, or what the flaw makes of it.
func transport(err error) error {
	if flaw == "gives-up" {
		return &sdk.Error{Kind: sdk.KindPermanent, Text: "no answer"}
	}
	return sdk.FromTransport("call", err)
}

// refused is the error of a status, or what the flaw makes of it.
func (c *pupilChannel) refused(resp *http.Response) error {
	if resp.StatusCode == http.StatusConflict {
		return &sdk.Error{Kind: sdk.KindDeclined, Reason: "busy", Status: resp.StatusCode}
	}
	e := sdk.FromStatus("call", resp.StatusCode, resp.Header)
	switch {
	case e == nil:
		return nil
	case flaw == "gives-up":
		return &sdk.Error{Kind: sdk.KindPermanent, Status: resp.StatusCode}
	case flaw == "never-gives-up":
		return &sdk.Error{Kind: sdk.KindTransient, Status: resp.StatusCode}
	case flaw == "tells-secrets":
		e.Text = "refused with " + c.settings.APIKey.Reveal()
	}
	return e
}

// Open implements sdk.Opener.
func (p *pupil) Open(ctx context.Context, o *sdk.OpenRequest) (*sdk.OpenResult, error) {
	c, err := p.channel(o.Channel)
	if err != nil {
		return nil, err
	}
	var a answer
	if err := c.call(ctx, http.MethodPost, "/conversations", map[string]string{"customer": o.CustomerID}, &a); err != nil {
		return nil, err
	}
	p.remember("opened", o.CustomerID)
	if _, again := p.opened.LoadOrStore(o.CustomerID, true); again && flaw == "opens-once" {
		return nil, &sdk.Error{Kind: sdk.KindPermanent, Text: "is open"}
	}
	if flaw == "pings" {
		c.ping(ctx)
	}
	if flaw == "opens-nothing" {
		a.ID = ""
	}
	return &sdk.OpenResult{Thread: a.ID}, nil
}

// Fetch implements sdk.Fetcher.
func (p *pupil) Fetch(ctx context.Context, f *sdk.FetchRequest) (*sdk.Medium, error) {
	c, err := p.channel(f.Channel)
	if err != nil {
		return nil, err
	}
	if flaw == "pings" {
		c.ping(ctx)
	}
	resp, err := c.request(ctx, http.MethodGet, "/media/"+url.PathEscape(f.Part.Ref), nil)
	if err != nil {
		return nil, transport(err)
	}
	if e := c.refused(resp); e != nil {
		_ = resp.Body.Close()
		return nil, e
	}
	m := &sdk.Medium{ContentType: resp.Header.Get("Content-Type"), Size: max(resp.ContentLength, 0), Body: resp.Body}
	if flaw == "misnames-media" {
		m.ContentType = "text/html"
	}
	if flaw == "swallows-media" {
		b, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		m.Size, m.Body = int64(len(b)), io.NopCloser(bytes.NewReader(b))
	}
	return m, nil
}

// Subscribe implements sdk.Subscriber: it asks for updates behind the cursor until there are some.
func (p *pupil) Subscribe(ctx context.Context, l *sdk.Subscription, emit sdk.Emit) error {
	c, err := p.channel(l.Channel)
	if err != nil {
		return err
	}
	if flaw == "pings" {
		c.ping(ctx)
	}
	if flaw == "listens-on" && !p.listening.CompareAndSwap(false, true) {
		return &sdk.Error{Kind: sdk.KindPermanent, Text: "somebody is listening already"}
	}
	for cursor := string(l.Cursor); ; {
		resp, err := c.request(ctx, http.MethodGet, "/updates?after="+url.QueryEscape(cursor), nil)
		if err != nil {
			return transport(err)
		}
		if flaw == "despairs" && resp.StatusCode >= 400 {
			return &sdk.Error{Kind: sdk.KindPermanent, Text: "they do not want to"}
		}
		var updates []hook
		err = json.NewDecoder(resp.Body).Decode(&updates)
		_ = resp.Body.Close()
		if err != nil {
			return &sdk.Error{Kind: sdk.KindTransient, Err: err}
		}
		for _, h := range updates {
			e, err := p.translate(c, &h, &sdk.Request{})
			if err != nil {
				return err
			}
			cursor = h.ID
			if flaw == "loses-cursor" {
				cursor = ""
			}
			if err := emit(ctx, []*envelope.Envelope{e}, []byte(cursor)); err != nil {
				return err
			}
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return nil
		}
	}
}
