package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// adapter serves any number of AICC channels, which share the push path. It is safe for concurrent use.
type adapter struct {
	now func() time.Time

	mu       sync.RWMutex
	channels map[string]*channel
}

var (
	_ sdk.Adapter       = (*adapter)(nil)
	_ sdk.Receiver      = (*adapter)(nil)
	_ sdk.Deliverer     = (*adapter)(nil)
	_ sdk.Opener        = (*adapter)(nil)
	_ sdk.Validator     = (*adapter)(nil)
	_ sdk.HealthChecker = (*adapter)(nil)
	_ sdk.Fetcher       = (*adapter)(nil)
	_ sdk.Subscriber    = (*adapter)(nil)
)

func newAdapter() *adapter {
	return &adapter{now: time.Now, channels: map[string]*channel{}}
}

// Describe implements sdk.Adapter.
func (a *adapter) Describe() sdk.Description {
	return sdk.Description{
		Name:         "aicc",
		Version:      "0.2.0",
		Vendor:       "Huawei Cloud AICC",
		Roles:        []envelope.Role{envelope.RoleAgent},
		Settings:     &Settings{},
		Capabilities: capabilities(defaultFileBytes),
		ReasonCodes:  reasonCodes,
		EventReasons: eventReasons,
	}
}

// Validate implements sdk.Validator.
func (a *adapter) Validate(ch sdk.Channel) []sdk.Problem {
	_, problems := readSettings(ch)
	return problems
}

// Configure implements sdk.Adapter.
func (a *adapter) Configure(_ context.Context, ch sdk.Channel) (sdk.Endpoint, error) {
	s, problems := readSettings(ch)
	problems = slices.DeleteFunc(problems, func(p sdk.Problem) bool { return p.Warning })
	if len(problems) > 0 {
		p := problems[0]
		return sdk.Endpoint{}, fmt.Errorf("configure channel %s: %w", ch.Name, sdk.Invalid(p.Path, "%s", p.Message))
	}
	m, err := newMetrics(ch.Host.Registry)
	if err != nil {
		return sdk.Endpoint{}, fmt.Errorf("configure channel %s: %w", ch.Name, err)
	}
	c := &channel{name: ch.Name, prefix: ch.Prefix, settings: s, host: ch.Host, now: a.now, metrics: m}
	c.tokens = newTokenCache(c.fetchToken, a.now)
	if s.Inbound == inboundPoll {
		c.polledUsers = newPolledUsers(a.now)
	}
	if err := a.put(c); err != nil {
		return sdk.Endpoint{}, fmt.Errorf("configure channel %s: %w", ch.Name, err)
	}
	return c.endpoint(), nil
}

// put adds a channel or replaces the one with its name. It refuses a channel whose messages cannot be distinguished
// from another's: a push identifies its channel only by channel_id, and a poll removes messages at AICC. The polled
// users of the replaced channel move to the new one.
func (a *adapter) put(c *channel) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	for name, other := range a.channels {
		if name != c.name && c.sharesMessages(other) {
			return sdk.Invalid("channel_id", "is already used by channel %s, so their messages cannot be "+
				"distinguished; change one of the ids, or the `path` of one channel", name)
		}
	}
	previous := a.channels[c.name]
	if previous != nil && previous.polls() && c.polls() && previous.settings.BaseURL == c.settings.BaseURL &&
		previous.settings.ChannelID == c.settings.ChannelID {
		c.polledUsers = previous.polledUsers
	}
	a.channels[c.name] = c
	return nil
}

// Health implements sdk.HealthChecker. A channel is unhealthy if the last request for an access token or the last three
// polls failed.
func (a *adapter) Health(_ context.Context, name string) error {
	c, err := a.channel(name)
	if err != nil {
		return err
	}
	if err := c.tokens.err(); err != nil {
		return fmt.Errorf("get access token from AICC: %w", err)
	}
	if err := c.polledUsers.err(); err != nil {
		return fmt.Errorf("poll messages from AICC: %w", err)
	}
	return nil
}

// channel returns a configured channel. The error is transient because Configure may still be running.
func (a *adapter) channel(name string) (*channel, error) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	if c := a.channels[name]; c != nil {
		return c, nil
	}
	return nil, &sdk.Error{Kind: sdk.KindTransient, Text: fmt.Sprintf("aicc channel %q is not configured", name)}
}
