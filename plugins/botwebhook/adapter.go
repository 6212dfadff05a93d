package main

import (
	"context"
	"fmt"
	"net/url"
	"sync"
	"time"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

const (
	version  = "0.2.0"
	jsonType = "application/json"
)

var (
	_ sdk.Adapter       = (*adapter)(nil)
	_ sdk.Receiver      = (*adapter)(nil)
	_ sdk.Deliverer     = (*adapter)(nil)
	_ sdk.Opener        = (*adapter)(nil)
	_ sdk.Validator     = (*adapter)(nil)
	_ sdk.HealthChecker = (*adapter)(nil)
)

// adapter holds the configured channels by name. It is safe for concurrent use.
type adapter struct {
	now func() time.Time

	mu       sync.RWMutex
	channels map[string]*channel
}

func newAdapter() *adapter { return &adapter{now: time.Now, channels: make(map[string]*channel)} }

// Describe implements sdk.Adapter.
func (a *adapter) Describe() sdk.Description {
	return sdk.Description{
		Name:     "botwebhook",
		Version:  version,
		Vendor:   "GPTBots",
		Roles:    []envelope.Role{envelope.RoleBot, envelope.RoleCustomer},
		Settings: &settings{},
		Capabilities: sdk.Capabilities{
			Parts: agentParts, History: true, Media: sdk.MediaLink, MediaBytes: defaultMediaBytes,
		},
		EventReasons: eventReasons,
		Attributes:   attributes,
	}
}

// Configure implements sdk.Adapter.
func (a *adapter) Configure(_ context.Context, ch sdk.Channel) (sdk.Endpoint, error) {
	s, problems := readSettings(ch)
	if len(problems) > 0 {
		p := problems[0]
		return sdk.Endpoint{}, fmt.Errorf("configure channel %s: %w", ch.Name, sdk.Invalid(p.Path, "%s", p.Message))
	}
	api, err := url.Parse(s.BaseURL)
	if err != nil {
		return sdk.Endpoint{}, fmt.Errorf("configure channel %s: %w", ch.Name, sdk.Invalid("base_url", "is not a URL"))
	}
	if api.Path == "" {
		api.Path = "/" // otherwise JoinPath returns a relative path
	}
	m, err := newMetrics(ch.Host.Registry)
	if err != nil {
		return sdk.Endpoint{}, fmt.Errorf("configure channel %s: %w", ch.Name, err)
	}
	c := &channel{name: ch.Name, role: ch.Role, settings: s, api: api, client: ch.Host.HTTP, metrics: m, now: a.now}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.channels[ch.Name] = c
	return c.endpoint(), nil
}

// Validate implements sdk.Validator.
func (a *adapter) Validate(ch sdk.Channel) []sdk.Problem {
	s, problems := readSettings(ch)
	if len(problems) == 0 && s.WebhookToken.IsZero() && s.Auth == "" {
		problems = append(problems, sdk.Problem{Path: "webhook_token", Warning: true, Message: "is empty, so any caller " +
			"that knows the path is accepted; set a token here and in GPTBots, or set auth: none"})
	}
	return problems
}

// Health implements sdk.HealthChecker. A channel is unhealthy after an error about its account (API key refused, API
// switched off, agent deleted, out of credits) until another response disproves it.
func (a *adapter) Health(_ context.Context, name string) error {
	ch := a.channel(name)
	if ch == nil {
		return fmt.Errorf("channel %s is not configured", name)
	}
	if text := ch.accountError.Load(); text != nil {
		return fmt.Errorf("channel %s: GPTBots reports: %s", name, *text)
	}
	return nil
}

// channel returns a configured channel, or nil.
func (a *adapter) channel(name string) *channel {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.channels[name]
}
