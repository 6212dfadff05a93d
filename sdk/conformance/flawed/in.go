package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// hook is a call of the vendor.
type hook struct {
	ID    string `json:"id"`
	User  string `json:"user"`
	Type  string `json:"type"` // text, image or typing; may grow
	Text  string `json:"text"`
	Media string `json:"media"`
	At    int64  `json:"at"` // milliseconds
}

// Receive implements sdk.Receiver.
func (a *adapter) Receive(_ context.Context, req *sdk.Request) (*sdk.Reception, error) {
	c, err := a.channel(req.Channels[0])
	if err != nil {
		return nil, err
	}
	a.waste()
	if flaw == "one-lock" {
		for end := time.Now().Add(4 * time.Second); !a.road.TryLock() &&
			time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		}
		defer func() { _ = a.road.TryLock(); a.road.Unlock() }()
	}
	if err := a.admit(c, req); err != nil {
		return nil, err
	}
	h, err := parse(req)
	if err != nil {
		return nil, err
	}
	e, err := a.envelope(c, h, req.Body)
	if err != nil {
		return nil, err
	}
	return &sdk.Reception{
		Envelopes: []*envelope.Envelope{e}, Answer: sdk.Response{ContentType: "application/json",
			Body: []byte(`{"ok":true}`)},
	}, nil
}

func (a *adapter) admit(c *channel, req *sdk.Request) error {
	if !c.settings.Secret.IsZero() {
		return c.checkSignature(req, time.Now())
	}
	all, want := req.Header.Values("Authorization"), "Bearer "+c.settings.Token.Reveal()
	given := strings.Join(all, ", ")
	switch {
	case flaw == "shut-door":
		return sdk.Unauthorized("wrong token")
	case flaw == "first-of-two" && len(all) > 0:
		given = all[0]
	case flaw == "any-token" && strings.HasPrefix(given, "Bearer conformance-token-"), flaw == "optional" && given == "",
		flaw == "empty-token" && given == "Bearer ", flaw == "compares-prefix" && len(all) == 1 && strings.HasPrefix(given,
			want[:11]):
		return nil
	}
	if given == want {
		return nil
	}
	if flaw != "repeats-token" {
		given = "token"
	}
	return sdk.Unauthorized("wrong %s", given)
}

// checkSignature checks the HMAC-SHA256 of time, host, path, query, topic and body.
func (c *channel) checkSignature(req *sdk.Request, now time.Time) error {
	given, stamp := req.Header.Values("X-Signature"), req.Header.Values("X-Time")
	if len(given) != 1 || len(stamp) != 1 {
		return sdk.Unauthorized("not one signature and one time")
	}
	window := 5 * time.Minute
	if w, ok := map[string]time.Duration{"patient": time.Hour, "punctual": 2 * time.Second,
		"timeless": 1 << 60}[flaw]; ok {
		window = w
	}
	seconds, err := strconv.ParseInt(stamp[0], 10, 64)
	age := now.Sub(time.Unix(seconds, 0))
	if err != nil || strconv.FormatInt(seconds, 10) != stamp[0] || age > window || age < -window && flaw != "looks-back" {
		return sdk.Unauthorized("not in time")
	}
	host, query, body := req.Host, req.Query, req.Body
	switch flaw {
	case "knows-host":
		host = "gateway.example.com"
	case "skips-query":
		query = ""
	case "trims":
		body = bytes.TrimSpace(body)
	}
	mac := hmac.New(sha256.New, []byte(c.settings.Secret.Reveal()))
	fmt.Fprintf(mac, "%s\n%s\n%s\n%s\n%s\n%s", stamp[0], host, req.FullPath, query, req.Header.Get("X-Topic"), body)
	want := fmt.Sprintf("s1=%x", mac.Sum(nil))
	if given[0] != want && !(flaw == "any-case" && strings.EqualFold(given[0], want)) {
		return sdk.Unauthorized("wrong signature")
	}
	return nil
}

func parse(req *sdk.Request) (*hook, error) {
	var h hook
	err := json.Unmarshal(req.Body, &h)
	dec := json.NewDecoder(bytes.NewReader(req.Body))
	dec.DisallowUnknownFields()
	switch {
	case err != nil && flaw == "lenient":
		for _, end := range []string{`"}`, "}"} {
			if json.Unmarshal(append(bytes.Clone(req.Body), end...), &h) == nil {
				return &h, nil
			}
		}
	case err != nil && flaw == "crashes":
		os.Exit(7)
	case flaw == "strict-members" && dec.Decode(&h) != nil, flaw == "strict-query" && req.Query != "",
		flaw == "small" && len(req.Body) > 64<<10:
		return nil, sdk.Invalid("", "not expected")
	case flaw == "chokes" && len(h.Text)+len(h.Media) > 100<<10:
		return nil, errors.New("too much")
	}
	if err != nil {
		return nil, sdk.Invalid("", "no JSON")
	}
	return &h, nil
}

func (a *adapter) envelope(c *channel, h *hook, raw []byte) (*envelope.Envelope, error) {
	e := &envelope.Envelope{
		Channel: c.Name, VendorID: h.ID, Thread: h.User, SentAt: time.UnixMilli(h.At).UTC(), Kind: envelope.KindMessage,
		Sender: envelope.Sender{Role: c.Role},
	}
	switch h.Type {
	case "text":
		e.Parts = []envelope.Part{envelope.TextPart(h.Text)}
	case "image":
		e.Parts = []envelope.Part{{Type: envelope.PartImage, Ref: h.Media}}
	case "typing":
		e.Kind = envelope.KindTyping
	default:
		e.Kind, e.Raw = envelope.KindUnparsed, raw[:min(len(raw), envelope.MaxRawBytes)]
		if flaw == "strict-types" {
			return nil, sdk.Invalid("type", "unknown")
		}
	}
	switch flaw {
	case "toggles-ids":
		if a.repeated(h.ID) {
			e.VendorID += "-again"
		}
	case "process-ids":
		e.VendorID += fmt.Sprint("-", os.Getpid())
	case "logs-text":
		c.Host.Logger.Debug("received", "text", h.Text)
	case "fills-up":
		if a.repeated(h.ID); len(a.seen) > 600 {
			return nil, errors.New("no room")
		}
	}
	if err := e.Validate(); err != nil {
		return nil, sdk.Invalid("", "%s", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	return e, nil
}
