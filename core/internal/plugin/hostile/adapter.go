package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// settings are a channel's settings.
type settings struct {
	Greeting string     `json:"greeting" patchbay:"default=hello" doc:"Beginning of each echo."`
	Token    sdk.Secret `json:"token" doc:"Not used."`
}

// newSettings are the settings in the mode other-setting.
type newSettings struct {
	settings
	Account string `json:"account" patchbay:"required" doc:"Not used."`
}

type adapter struct {
	greeting atomic.Pointer[string]
	token    atomic.Pointer[string]
}

var (
	_ sdk.Receiver      = (*adapter)(nil)
	_ sdk.Deliverer     = (*adapter)(nil)
	_ sdk.Opener        = (*adapter)(nil)
	_ sdk.Drainer       = (*adapter)(nil)
	_ sdk.HealthChecker = (*adapter)(nil)
)

// Describe implements sdk.Adapter.
func (a *adapter) Describe() sdk.Description {
	d := sdk.Description{
		Name: "hostile", Version: "6.6.6", Vendor: "Hostile Inc.", Settings: &settings{},
		Capabilities: sdk.Capabilities{Parts: []envelope.PartType{envelope.PartText}, Idempotent: true},
	}
	if isActive("other-version") {
		d.Version = "7.0.0"
	}
	if isActive("other-limit") {
		d.Capabilities.TextBytes = 100
	}
	if isActive("other-setting") {
		d.Settings = &newSettings{}
	}
	return d
}

// Configure implements sdk.Adapter.
func (a *adapter) Configure(_ context.Context, ch sdk.Channel) (sdk.Endpoint, error) {
	var s settings
	if err := ch.Settings.Decode(&s); err != nil {
		return sdk.Endpoint{}, sdk.Invalid("settings", "%v", err)
	}
	if isActive("hang-configure") || ch.Name == "bad" && isActive("hang-bad") {
		slog.Warn("hostile configuration begins")
		hang()
	}
	if ch.Name == "bad" && isActive("crash-bad") {
		os.Exit(9)
	}
	if ch.Name == "bad" && isActive("refuse-bad") {
		return sdk.Endpoint{}, sdk.Invalid("greeting", "I do not like it any more")
	}
	if isActive("stray") {
		fmt.Println("printed by accident")
	}
	a.greeting.Store(&s.Greeting)
	token := s.Token.Reveal()
	a.token.Store(&token)
	configured := prometheus.NewCounter(prometheus.CounterOpts{
		Name: "patchbay_plugin_configured_total", Help: "Accepted configurations.",
	})
	if err := ch.Host.Registry.Register(configured); err != nil { // registered by another channel
		known, ok := errors.AsType[prometheus.AlreadyRegisteredError](err)
		if !ok {
			return sdk.Endpoint{}, err
		}
		configured = known.ExistingCollector.(prometheus.Counter)
	}
	configured.Inc()
	pattern := "/hostile"
	if isActive("other-path") {
		pattern = "/other"
	}
	return sdk.Endpoint{
		Paths:   []sdk.Path{{Pattern: pattern, Methods: []string{"POST"}}},
		Refusal: sdk.Refusal{ContentType: "application/json", Body: `{"error":"{{text}}"}`},
	}, nil
}

// faults are selected by the path or the body of a request, or by the text of a delivered envelope or a cursor.
var faults = map[string]func(ctx context.Context) error{
	"/panic": func(context.Context) error { panic("hostile fault") },
	"/crash": func(context.Context) error { // a panic that cannot be recovered
		go func() { panic("hostile crash") }()
		select {}
	},
	"/exit": func(context.Context) error { os.Exit(9); return nil },
	"/freeze": func(ctx context.Context) error {
		_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
		<-ctx.Done() // the signal may reach another thread first
		return ctx.Err()
	},
	"/hang": func(context.Context) error { select {} },
	"/loop": func(context.Context) error {
		//lint:ignore SA5002 it burns a core on purpose
		for {
		}
	},
	"/wait": func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
	"/second": func(ctx context.Context) error {
		slog.Warn("hostile call begins")
		select {
		case <-time.After(time.Second):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	},
	"/error":  func(context.Context) error { return errors.New("something broke") },
	"/refuse": func(context.Context) error { return sdk.Unauthorized("wrong signature") },
}

// Receive implements sdk.Receiver.
func (a *adapter) Receive(ctx context.Context, req *sdk.Request) (*sdk.Reception, error) {
	for _, name := range []string{req.Path, string(req.Body)} {
		if fault := faults[name]; fault != nil {
			if err := fault(ctx); err != nil {
				return nil, err
			}
		}
	}
	if strings.HasPrefix(req.Path, "/leak") {
		return nil, a.leak(req.Path)
	}
	out := &sdk.Reception{Response: sdk.Response{Status: 200, ContentType: "text/plain"}}
	switch req.Path {
	case "/env":
		out.Response.Body = []byte(strings.Join(os.Environ(), "\n"))
	case "/pid":
		out.Response.Body = fmt.Append(nil, os.Getpid())
	case "/big": // as large as the request
		out.Response.Body = bytes.Repeat([]byte("x"), len(req.Body))
	case "/too-big":
		out.Response.Body = make([]byte, 9<<20)
	case "/invalid":
		out.Envelopes = []*envelope.Envelope{{Channel: req.Channels[0], Thread: "t", Kind: "nonsense"}}
	default:
		out.Response.Body = []byte(a.greet())
		out.Envelopes = []*envelope.Envelope{message(req.Channels[0], "t", "v1", string(req.Body))}
	}
	return out, nil
}

// Deliver implements sdk.Deliverer.
func (a *adapter) Deliver(ctx context.Context, d *sdk.Delivery) (*sdk.Receipt, error) {
	text := d.Envelope.Text()
	if fault := faults[text]; fault != nil {
		if err := fault(ctx); err != nil {
			return nil, err
		}
	}
	if strings.HasPrefix(text, "/leak") {
		if err := a.leak(text); text != "/leak-degraded" {
			return nil, err
		}
		return &sdk.Receipt{Degraded: "without the picture at ?token=" + *a.token.Load()}, nil
	}
	r := &sdk.Receipt{VendorID: "vendor-" + d.Key, State: []byte(fmt.Sprintf("attempt %d", d.Attempt))}
	for _, m := range d.Media {
		if m != nil {
			r.VendorID = fmt.Sprintf("%s %d bytes", m.Name, m.Size())
		}
	}
	if text == "/reply" {
		reply := message(d.Channel, d.Thread, "reply-"+d.Key, a.greet())
		reply.Sender = envelope.Sender{Role: envelope.RoleBot, ID: "hostile"}
		r.Replies = []*envelope.Envelope{reply}
	}
	return r, nil
}

// Open implements sdk.Opener.
func (a *adapter) Open(_ context.Context, o *sdk.OpenRequest) (*sdk.OpenResult, error) {
	if o.Reason == "decline" {
		return nil, &sdk.Error{Kind: sdk.KindDeclined, Reason: "busy", Text: "no agent is available"}
	}
	return &sdk.OpenResult{Thread: "thread-" + o.CustomerID, Accepted: o.Offer}, nil
}

// Drain implements sdk.Drainer.
func (a *adapter) Drain(ctx context.Context) error {
	if isActive("hang-drain") {
		hang()
	}
	return nil
}

// Health implements sdk.HealthChecker.
func (a *adapter) Health(_ context.Context, channel string) error {
	if isActive("unhealthy") {
		return fmt.Errorf("%s is unhealthy", channel)
	}
	return nil
}

func (a *adapter) greet() string {
	if g := a.greeting.Load(); g != nil {
		return *g
	}
	return "not configured"
}

func message(channel, thread, id, text string) *envelope.Envelope {
	if text == "" {
		text = "(empty)"
	}
	return &envelope.Envelope{
		Channel: channel, Thread: thread, VendorID: id, Kind: envelope.KindMessage,
		Sender: envelope.Sender{Role: envelope.RoleCustomer, ID: "c1"}, Parts: []envelope.Part{envelope.TextPart(text)},
	}
}
