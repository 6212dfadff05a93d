package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// adapter serves any number of AICC channels, all on one push path. It is safe for concurrent use.
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
	_ sdk.Listener      = (*adapter)(nil)
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
		return sdk.Endpoint{}, fmt.Errorf("configure aicc channel %s: %w", ch.Name,
			sdk.Invalid(problems[0].Path, "%v", joined(problems)))
	}
	c := &channel{
		name: ch.Name, prefix: ch.Prefix, settings: s, host: ch.Host, now: a.now, metrics: newMetrics(ch.Host.Registry),
	}
	c.tokens = &tokenSource{fetch: c.fetchToken, now: a.now}
	if s.Inbound == inboundPoll {
		c.sessions = newSessions(a.now)
	}
	if err := a.put(c); err != nil {
		return sdk.Endpoint{}, fmt.Errorf("configure aicc channel %s: %w", ch.Name, err)
	}
	return c.endpoint(), nil
}

// put adds a channel or replaces the one of its name. It refuses one whose messages would be taken for another's: a
// push names its channel by channel_id alone, and a poll takes what it gets away from everybody else. The users whom
// the former channel polls go over to the new one.
func (a *adapter) put(c *channel) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	for name, other := range a.channels {
		if name != c.name && c.sharesMessages(other) {
			return sdk.Invalid("channel_id", "is the same as that of channel %s: their messages could not be told apart; "+
				"change one of them, or the `path` of a channel", name)
		}
	}
	former := a.channels[c.name]
	if former != nil && former.polls() && c.polls() && former.settings.BaseURL == c.settings.BaseURL &&
		former.settings.ChannelID == c.settings.ChannelID {
		c.sessions = former.sessions
	}
	a.channels[c.name] = c
	return nil
}

// Health implements sdk.HealthChecker: a channel is sick while its last request for an access token failed, or its last
// polls did.
func (a *adapter) Health(_ context.Context, name string) error {
	c, err := a.channel(name)
	if err != nil {
		return err
	}
	if err := c.tokens.trouble(); err != nil {
		return fmt.Errorf("no access token from AICC: %w", err)
	}
	if err := c.sessions.trouble(); err != nil {
		return fmt.Errorf("messages can't be polled from AICC: %w", err)
	}
	return nil
}

// channel returns a configured channel. Its error is typed and transient: a configuration may be on its way.
func (a *adapter) channel(name string) (*channel, error) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	if c := a.channels[name]; c != nil {
		return c, nil
	}
	return nil, &sdk.Error{Kind: sdk.KindTransient, Text: fmt.Sprintf("aicc channel %q is not configured", name)}
}

func joined(problems []sdk.Problem) error {
	var errs []error
	for _, p := range problems {
		if p.Path == "" {
			errs = append(errs, errors.New(p.Message))
			continue
		}
		errs = append(errs, fmt.Errorf("%s: %s", p.Path, p.Message))
	}
	return errors.Join(errs...)
}
