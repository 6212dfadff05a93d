package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
	"patchbay/sdk/webhook"
)

const version = "0.2.0"

var (
	_ sdk.Adapter       = (*adapter)(nil)
	_ sdk.Receiver      = (*adapter)(nil)
	_ sdk.Deliverer     = (*adapter)(nil)
	_ sdk.Validator     = (*adapter)(nil)
	_ sdk.HealthChecker = (*adapter)(nil)
)

// adapter holds the configured channels by name. It is safe for concurrent use.
type adapter struct {
	now func() time.Time // for signatures

	mu       sync.RWMutex
	channels map[string]*channel
}

func newAdapter() *adapter { return &adapter{now: time.Now, channels: make(map[string]*channel)} }

// Describe implements sdk.Adapter. The capabilities are those of role customer; Configure returns each channel's.
func (a *adapter) Describe() sdk.Description {
	return sdk.Description{
		Name:         "native",
		Version:      version,
		Vendor:       "native message proxy",
		Roles:        []envelope.Role{envelope.RoleCustomer, envelope.RoleBot, envelope.RoleObserver},
		Settings:     &settings{},
		Capabilities: customerCapabilities(),
		EventReasons: eventReasons,
		Attributes:   readableAttributes,
	}
}

// Configure implements sdk.Adapter. All channels of role customer share one path. A channel whose calls cannot be
// distinguished from another channel's is refused. A channel of role bot has a separate path, one of role observer has
// none.
func (a *adapter) Configure(_ context.Context, ch sdk.Channel) (sdk.Endpoint, error) {
	s, problems := readSettings(ch)
	if len(problems) > 0 {
		p := problems[0]
		return sdk.Endpoint{}, fmt.Errorf("configure channel %s: %w", ch.Name, sdk.Invalid(p.Path, "%s", p.Message))
	}
	c, err := newChannel(ch, s)
	if err != nil {
		return sdk.Endpoint{}, fmt.Errorf("configure channel %s: %w", ch.Name, err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if other := a.findIndistinguishable(c); other != "" {
		return sdk.Endpoint{}, fmt.Errorf("configure channel %s: %w", ch.Name, sdk.Invalid("access_token",
			"organization, chatbot and access_token are those of channel %s, so their calls cannot be distinguished; "+
				"change one of them, or the `path` of one channel", other))
	}
	a.channels[ch.Name] = c
	return c.endpoint(), nil
}

// findIndistinguishable returns the name of another channel whose calls cannot be distinguished from those for c, or
// "".
func (a *adapter) findIndistinguishable(c *channel) string {
	if c.role != envelope.RoleCustomer {
		return ""
	}
	for name, other := range a.channels {
		if name != c.name && other.role == c.role && other.prefix == c.prefix && other.Organization == c.Organization &&
			other.Chatbot == c.Chatbot && webhook.Equal(other.AccessToken.Reveal(), c.AccessToken.Reveal()) {
			return name
		}
	}
	return ""
}

// Validate implements sdk.Validator.
func (a *adapter) Validate(ch sdk.Channel) []sdk.Problem {
	s, problems := readSettings(ch)
	if len(problems) > 0 {
		return problems
	}
	return s.warnings(ch.Role)
}

// Health implements sdk.HealthChecker. A channel is unhealthy while the far end refuses its credentials or is
// unreachable.
func (a *adapter) Health(_ context.Context, name string) error {
	ch := a.channel(name)
	if ch == nil {
		return fmt.Errorf("channel %s is not configured", name)
	}
	setting, credential := "reply_url", "reply_token and reply_secret"
	if ch.role == envelope.RoleBot {
		setting, credential = "base_url", "access_token, organization and chatbot"
	}
	switch refused, unreachable := ch.health.state(); {
	case refused:
		return fmt.Errorf("channel %s: the far end refuses the credentials; check %s", name, credential)
	case unreachable:
		return fmt.Errorf("channel %s: the far end is unreachable; check %s and the network", name, setting)
	}
	return nil
}

// channel returns a configured channel, or nil.
func (a *adapter) channel(name string) *channel {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.channels[name]
}
