package main

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
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

// channel is a configured account. Only its health changes; a new configuration makes a new one.
type channel struct {
	name string
	role envelope.Role
	settings
	client  *http.Client
	metrics *metrics
	now     func() time.Time
	// trouble is what the vendor's last telling answer said is wrong with the account, nil if nothing.
	trouble atomic.Pointer[string]
}

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
		Name:         "botwebhook",
		Version:      version,
		Vendor:       "GPTBots",
		Roles:        []envelope.Role{envelope.RoleBot, envelope.RoleCustomer},
		Settings:     &settings{},
		Capabilities: sdk.Capabilities{Parts: agentParts, History: true, Media: sdk.MediaLink, MediaBytes: defaultMediaBytes},
	}
}

// Configure implements sdk.Adapter.
func (a *adapter) Configure(_ context.Context, ch sdk.Channel) (sdk.Endpoint, error) {
	s, problems := read(ch)
	if len(problems) > 0 {
		p := problems[0]
		return sdk.Endpoint{}, fmt.Errorf("configure channel %s: %w", ch.Name, sdk.Invalid(p.Path, "%s", p.Message))
	}
	m, err := newMetrics(ch.Host.Registry)
	if err != nil {
		return sdk.Endpoint{}, fmt.Errorf("configure channel %s: %w", ch.Name, err)
	}
	c := &channel{name: ch.Name, role: ch.Role, settings: s, client: ch.Host.HTTP, metrics: m, now: a.now}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.channels[ch.Name] = c
	return c.endpoint(), nil
}

// Validate implements sdk.Validator.
func (a *adapter) Validate(ch sdk.Channel) []sdk.Problem {
	s, problems := read(ch)
	if len(problems) == 0 && s.WebhookToken.IsZero() && s.Auth == "" {
		problems = append(problems, sdk.Problem{Path: "webhook_token", Warning: true, Message: "is empty, so anybody who knows " +
			"the path can speak here: set a token here and at the vendor, or say auth: none"})
	}
	return problems
}

// Health implements sdk.HealthChecker: a channel is sick from when the vendor refuses its API key, has switched its API
// off, has deleted the agent or asks for credits, until it answers otherwise.
func (a *adapter) Health(_ context.Context, name string) error {
	ch := a.channel(name)
	if ch == nil {
		return fmt.Errorf("channel %s is not configured", name)
	}
	if trouble := ch.trouble.Load(); trouble != nil {
		return fmt.Errorf("channel %s: GPTBots says: %s", name, *trouble)
	}
	return nil
}

// channel returns a configured channel, or nil.
func (a *adapter) channel(name string) *channel {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.channels[name]
}
