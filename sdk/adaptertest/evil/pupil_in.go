package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
	"patchbay/sdk/webhook"
)

// hook is a call of the pupil's vendor.
type hook struct {
	ID    string `json:"id"`
	User  string `json:"user"`
	Type  string `json:"type"` // text, image or typing; may grow
	Text  string `json:"text"`
	Media string `json:"media"`
	At    int64  `json:"at"` // milliseconds
}

// Receive implements sdk.Receiver.
func (p *pupil) Receive(_ context.Context, req *sdk.Request) (*sdk.Reception, error) {
	c, err := p.channel(req.Channels[0])
	if err != nil {
		return nil, err
	}
	p.waste()
	if flaw == "one-road" {
		p.road.Lock()
		defer p.road.Unlock()
	}
	given := webhook.BearerToken(req.Header)
	if err := c.admit(given, req); err != nil {
		return nil, err
	}
	h, err := readHook(req)
	if err != nil {
		return nil, err
	}
	e, err := p.translate(c, h, req)
	if err != nil {
		return nil, err
	}
	if flaw == "tells-secrets" {
		e.Raw = []byte(given)
	}
	if !p.remember("ids", h.ID) || !p.remember("users", h.User) {
		return nil, &sdk.Error{Kind: sdk.KindTransient, Text: "no room"}
	}
	return &sdk.Reception{
		Envelopes: []*envelope.Envelope{e},
		Answer:    sdk.Response{ContentType: "application/json", Body: []byte(`{"ok":true}`)},
	}, nil
}

// admit checks the token or the signature, or does not.
func (c *pupilChannel) admit(given string, req *sdk.Request) error {
	want := c.settings.Token
	switch {
	case !c.settings.Secret.IsZero():
		return c.checkSignature(req, time.Now())
	case flaw == "shut-door":
		return sdk.Unauthorized("nobody may in")
	case flaw == "open-door":
		return nil
	case flaw == "glances" && strings.HasPrefix(given, want.Reveal()[:4]):
		return nil
	case want.Equal(sdk.NewSecret(given)):
		return nil
	case flaw == "tells-credentials":
		return sdk.Unauthorized("wrong token %s", given)
	case flaw == "forbids":
		return &sdk.Error{Kind: sdk.KindUnauthorized, Status: http.StatusForbidden, Text: "wrong token"}
	}
	return sdk.Unauthorized("wrong token")
}

func readHook(req *sdk.Request) (*hook, error) {
	var h hook
	switch flaw {
	case "own-shape":
		if json.Unmarshal(req.Body, &h) != nil {
			return nil, &sdk.Error{Kind: sdk.KindInvalid, Text: "no JSON", Body: []byte("no JSON")}
		}
	case "lenient": // takes what it can get
		body := string(req.Body[:min(len(req.Body), 1<<10)])
		for body != "" && !json.Valid([]byte(body+`"}`)) && !json.Valid([]byte(body+"}")) && !json.Valid([]byte(body)) {
			body = body[:len(body)-1]
		}
		for _, end := range []string{"", "}", `"}`} {
			if json.Unmarshal([]byte(body+end), &h) == nil {
				break
			}
		}
	case "small":
		if len(req.Body) > 64<<10 {
			return nil, &sdk.Error{Kind: sdk.KindInvalid, Status: http.StatusRequestEntityTooLarge, Text: "too large"}
		}
		fallthrough
	default:
		return strictHook(req)
	}
	return &h, nil
}

func strictHook(req *sdk.Request) (*hook, error) {
	var h hook
	if flaw == "strict" {
		dec := json.NewDecoder(bytes.NewReader(req.Body))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&h); err != nil {
			return nil, sdk.Invalid("", "%v", err)
		}
		if req.Query != "" {
			return nil, sdk.Invalid("query", "not expected")
		}
		if h.Type != "text" && h.Type != "image" && h.Type != "typing" {
			return nil, sdk.Invalid("type", "unknown")
		}
		return &h, nil
	}
	if f := webhook.DecodeJSON(req.Body, &h, ""); f != nil {
		switch flaw {
		case "untyped-errors":
			return nil, errors.New(f.Message)
		case "crashes":
			go func() { panic("a wrong type") }()
			select {}
		}
		return nil, sdk.Invalid(f.Field, "%s", f.Message)
	}
	return &h, nil
}

func (p *pupil) translate(c *pupilChannel, h *hook, req *sdk.Request) (*envelope.Envelope, error) {
	if flaw == "chokes" && len(h.Text)+len(h.Media) > 32<<10 {
		return nil, errors.New("too much")
	}
	if h.User == "" || len(h.User) > envelope.MaxIDBytes || len(h.ID) > envelope.MaxIDBytes {
		return nil, sdk.Invalid("user", "missing or too long")
	}
	e := &envelope.Envelope{
		Channel: c.name, VendorID: p.vendorID(h), Thread: h.User, SentAt: at(h.At), Kind: envelope.KindMessage,
		Sender: envelope.Sender{Role: c.role},
	}
	switch h.Type {
	case "text":
		if (h.Text == "" || len(h.Text) > envelope.MaxTextBytes) && flaw != "careless" {
			return nil, sdk.Invalid("text", "empty or too long")
		}
		if flaw == "mistranslates" {
			h.Text = strings.ToUpper(h.Text)
		}
		e.Parts = []envelope.Part{envelope.TextPart(h.Text)}
	case "image":
		e.Parts = []envelope.Part{{Type: envelope.PartImage, Ref: h.Media}}
	case "typing":
		e.Kind = envelope.KindTyping
	default:
		e.Kind, e.Raw = envelope.KindUnparsed, req.Body[:min(len(req.Body), envelope.MaxRawBytes)]
	}
	if err := e.Validate(); err != nil && flaw != "careless" {
		return nil, sdk.Invalid("", "%s", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	return e, nil
}

// vendorID is the vendor's id of a message, or what the flaw makes of it.
func (p *pupil) vendorID(h *hook) string {
	switch flaw {
	case "counts-ids":
		return fmt.Sprintf("%s-%d", h.ID, p.number())
	case "process-ids":
		return fmt.Sprintf("%s-%d", h.ID, os.Getpid())
	}
	return h.ID
}
