package conformance

import (
	"cmp"
	"context"
	"encoding/json"
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
	Type  string `json:"type"` // text, image or typing; other types are unparsed
	Text  string `json:"text"`
	Media string `json:"media"`
	At    int64  `json:"at"` // milliseconds
}

// Receive implements sdk.Receiver.
func (a *flawedAdapter) Receive(_ context.Context, req *sdk.Request) (*sdk.Reception, error) {
	c := a.channel(req.Channels[0])
	a.leakResources()
	if flaw == "one-lock" {
		for end := time.Now().Add(4 * time.Second); !a.road.TryLock() &&
			time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		}
		defer func() { _ = a.road.TryLock(); a.road.Unlock() }()
	}
	if err := a.admit(c, req); err != nil {
		return nil, err
	}
	var h hook
	if json.Unmarshal(req.Body, &h) != nil {
		if flaw == "crashes" {
			os.Exit(7)
		}
		return nil, sdk.Invalid("", "no JSON")
	}
	e, err := c.envelope(&h, req.Body)
	if err != nil {
		return nil, err
	}
	response := sdk.Response{ContentType: "application/json", Body: []byte(`{"ok":true}`)}
	return &sdk.Reception{Envelopes: []*envelope.Envelope{e}, Response: response}, nil
}

func (a *flawedAdapter) admit(c *flawedChannel, req *sdk.Request) error {
	if !c.settings.Secret.IsZero() {
		if flaw == "any-secret" {
			return a.checkAnySignature(req)
		}
		return c.checkSignature(req, time.Now())
	}
	if all := req.Header.Values("Authorization"); len(all) != 1 || all[0] != "Bearer "+c.settings.Token.Reveal() {
		return sdk.Unauthorized("wrong token")
	}
	return nil
}

// checkAnySignature accepts the signature of any channel.
func (a *flawedAdapter) checkAnySignature(req *sdk.Request) (err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, c := range a.channels {
		if err = c.checkSignature(req, time.Now()); err == nil {
			break
		}
	}
	return err
}

func (c *flawedChannel) checkSignature(req *sdk.Request, now time.Time) error {
	given, stamp := req.Header.Values("X-Signature"), req.Header.Values("X-Time")
	if len(given) != 1 || len(stamp) != 1 {
		return sdk.Unauthorized("not one signature and one time")
	}
	windows := map[string]time.Duration{
		"accepts-an-hour": time.Hour, "short-window": 2 * time.Second, "accepts-any-time": 1 << 60,
	}
	window := cmp.Or(windows[flaw], 5*time.Minute)
	seconds, err := strconv.ParseInt(stamp[0], 10, 64)
	age := now.Sub(time.Unix(seconds, 0))
	early := age < -window && flaw != "accepts-future"
	if err != nil || strconv.FormatInt(seconds, 10) != stamp[0] || age > window || early {
		return sdk.Unauthorized("not in time")
	}
	if given[0] != signature(c.settings.Secret.Reveal(), stamp[0], req.Host, req.FullPath, req.Query,
		req.Header.Get("X-Topic"), req.Body) {
		return sdk.Unauthorized("wrong signature")
	}
	return nil
}

func (c *flawedChannel) envelope(h *hook, raw []byte) (*envelope.Envelope, error) {
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
	}
	if flaw == "logs-text" {
		c.Host.Logger.Debug("received", "text", h.Text)
	}
	if err := e.Validate(); err != nil {
		return nil, sdk.Invalid("", "%s", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	return e, nil
}
