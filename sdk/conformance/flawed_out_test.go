package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"math"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// outgoing is a message to the vendor.
type outgoing struct {
	To    string `json:"to"`
	Type  string `json:"type"`
	Text  string `json:"text,omitempty"`
	Image string `json:"image,omitempty"` // the bytes as a string
	Key   string `json:"key,omitempty"`
}

type vendorResponse struct {
	ID    string `json:"id"`
	Reply string `json:"reply"`
}

// Deliver implements sdk.Deliverer.
func (a *flawedAdapter) Deliver(ctx context.Context, d *sdk.Delivery) (*sdk.Receipt, error) {
	c := a.channel(d.Channel)
	a.leakResources()
	switch {
	case flaw == "one-lock":
		a.road.RLock()
		defer a.road.RUnlock()
	case flaw == "one-at-a-time":
		a.one.Lock()
		defer a.one.Unlock()
	case flaw == "crashes-on-state" && string(d.State) == "[]":
		os.Exit(7)
	}
	m, err := compose(d)
	if err == nil {
		err = c.login(ctx)
	}
	if err != nil {
		return nil, err
	}
	got, err := c.call(ctx, "POST", "/messages", m)
	if sdk.KindOf(err) == sdk.KindUnauthorized && flaw != "keeps-session" {
		c.session.Store("")
	}
	if err != nil {
		return nil, err
	}
	r := &sdk.Receipt{VendorID: got.ID}
	if got.Reply != "" {
		r.Replies = []*envelope.Envelope{{
			Channel: c.Name, VendorID: got.ID + "-reply", Thread: d.Thread, Kind: envelope.KindMessage,
			Sender: envelope.Sender{Role: c.Role}, Parts: []envelope.Part{envelope.TextPart(got.Reply)},
		}}
	}
	return r, nil
}

func compose(d *sdk.Delivery) (*outgoing, error) {
	m := &outgoing{To: d.Thread, Type: "text", Text: d.Envelope.Text(), Key: d.Key}
	for i, part := range d.Envelope.Parts {
		if part.Type != envelope.PartImage {
			continue
		}
		if i >= len(d.Media) || d.Media[i] == nil {
			return nil, &sdk.Error{Kind: sdk.KindUnsupported, Text: "an image without bytes"}
		}
		b, _ := io.ReadAll(d.Media[i].Reader()) // from memory
		m.Type, m.Image = "image", m.Image+string(b)
		switch flaw {
		case "last-image":
			m.Image = string(b)
		case "no-caption":
			m.Text = ""
		}
	}
	switch {
	case d.Thread == "", len(m.Text) > 300:
		return nil, sdk.Invalid("parts", "no thread, or too long")
	case d.Envelope.Kind == envelope.KindTyping:
		m.Type = "typing"
	}
	return m, nil
}

// login gets a session from the vendor, once for each configuration.
func (c *flawedChannel) login(ctx context.Context) error {
	if !c.settings.Login || c.sessionID() != "" {
		return nil
	}
	got, err := c.call(ctx, "POST", "/login", struct{}{})
	if err != nil {
		if flaw == "gives-up-on-login" && !strings.Contains(err.Error(), "refused") {
			return &sdk.Error{Kind: sdk.KindInvalid, Text: "no session"}
		}
		if sdk.KindOf(err) == sdk.KindUnknown {
			return &sdk.Error{Kind: sdk.KindTransient, Text: "no session"} // the message was not sent
		}
		return err
	}
	if flaw == "logs-session" {
		c.Host.Logger.Info("logged in", "session", got.ID)
	}
	c.session.Store(got.ID)
	return nil
}

func (c *flawedChannel) sessionID() string {
	id, _ := c.session.Load().(string)
	return id
}

func (c *flawedChannel) call(ctx context.Context, method, path string, body any) (got vendorResponse, err error) {
	resp, err := c.request(ctx, method, path, body)
	if flaw == "retries-throttled" && sdk.KindOf(err) == sdk.KindThrottled {
		resp, err = c.request(ctx, method, path, body)
	}
	if flaw == "retries" && err != nil && sdk.KindOf(err) == sdk.KindTransient {
		resp, err = c.request(ctx, method, path, body)
	}
	if err != nil {
		return got, err
	}
	defer resp.Body.Close()
	most := int64(8 << 20)
	if flaw == "reads-all" {
		most = math.MaxInt64
	}
	text, _ := io.ReadAll(io.LimitReader(resp.Body, most))
	err = json.Unmarshal(text, &got)
	if flaw == "accepts-no-id" && got.ID == "" {
		return vendorResponse{ID: "invented"}, nil
	} else if flaw == "accepts-pages" && bytes.HasPrefix(text, []byte("<")) {
		return got, nil
	} else if err != nil || got.ID == "" {
		return got, &sdk.Error{Kind: sdk.KindUnknown, Status: resp.StatusCode, Text: "the response has no id"}
	}
	return got, nil
}

func (c *flawedChannel) request(ctx context.Context, method, path string, body any) (*http.Response, error) {
	if flaw == "pings" && path != "/ping" {
		_, _ = c.call(ctx, "GET", "/ping", nil)
	}
	var b []byte
	if body != nil {
		b, _ = json.Marshal(body) // a struct of texts
	}
	req, err := http.NewRequestWithContext(ctx, method, c.settings.BaseURL+path, bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+c.settings.APIKey.Reveal())
	if id := c.sessionID(); id != "" {
		req.Header.Set("X-Session", id)
	}
	if m, ok := body.(*outgoing); ok {
		req.Header.Set("Idempotency-Key", m.Key)
	}
	client, allowed := c.Host.HTTP, len(c.Host.Allow) > 0
	switch {
	case flaw == "no-guard", flaw == "reads-all" && allowed:
		client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	case flaw == "follows-redirects" && allowed:
		client = http.DefaultClient
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, sdk.FromTransport("call", err)
	}
	e := sdk.FromStatus("call", resp.StatusCode, resp.Header)
	if e == nil {
		return resp, nil
	}
	_ = resp.Body.Close()
	if resp.StatusCode == http.StatusConflict {
		e.Kind, e.Reason = sdk.KindDeclined, "busy"
	}
	return nil, e
}

// Open implements sdk.Opener.
func (a *flawedAdapter) Open(ctx context.Context, o *sdk.OpenRequest) (*sdk.OpenResult, error) {
	c := a.channel(o.Channel)
	got, err := c.call(ctx, "POST", "/conversations", map[string]string{"customer": o.CustomerID})
	if err != nil {
		return nil, err
	}
	return &sdk.OpenResult{Thread: got.ID}, nil
}

// Fetch implements sdk.Fetcher.
func (a *flawedAdapter) Fetch(ctx context.Context, f *sdk.FetchRequest) (*sdk.Medium, error) {
	c := a.channel(f.Channel)
	resp, err := c.request(ctx, "GET", "/media/"+url.PathEscape(f.Part.Ref), nil)
	if err != nil {
		return nil, err
	}
	m := &sdk.Medium{ContentType: resp.Header.Get("Content-Type"), Size: max(resp.ContentLength, 0), Body: resp.Body}
	if flaw == "hides-truncation" {
		b, _ := io.ReadAll(resp.Body)
		m.Size, m.Body = int64(len(b)), io.NopCloser(bytes.NewReader(b))
	}
	return m, nil
}

// Subscribe implements sdk.Subscriber. It polls the updates after the cursor.
func (a *flawedAdapter) Subscribe(ctx context.Context, s *sdk.Subscription, emit sdk.Emit) error {
	c := a.channel(s.Channel)
	for cursor := string(s.Cursor); ctx.Err() == nil; time.Sleep(20 * time.Millisecond) {
		resp, err := c.request(ctx, "GET", "/updates?after="+url.QueryEscape(cursor), nil)
		if err != nil {
			return err
		}
		var updates []hook
		err = json.NewDecoder(resp.Body).Decode(&updates)
		_ = resp.Body.Close()
		if err != nil {
			return &sdk.Error{Kind: sdk.KindTransient, Text: "no updates"}
		}
		for _, h := range updates {
			e, err := c.envelope(&h, nil)
			if err != nil {
				return err
			}
			cursor = h.ID
			if err := emit(ctx, []*envelope.Envelope{e}, []byte(cursor)); err != nil {
				return err
			}
		}
	}
	return nil
}
