package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
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

// channel is a configured account. Only its health changes; a new configuration makes a new one.
type channel struct {
	name, prefix string
	role         envelope.Role
	settings
	target  string               // what Deliver posts to
	keys    []webhook.SigningKey // role customer: sign answers; role bot: verify them
	client  *http.Client
	metrics *metrics
	health  health
}

// adapter holds the configured channels by name.
type adapter struct {
	now func() time.Time // the clock of signatures

	mu       sync.RWMutex
	channels map[string]*channel
}

func newAdapter() *adapter { return &adapter{now: time.Now, channels: make(map[string]*channel)} }

// Describe implements sdk.Adapter. The capabilities are those of role customer; Configure tells each channel's own.
func (a *adapter) Describe() sdk.Description {
	return sdk.Description{
		Name:         "native",
		Version:      version,
		Vendor:       "native message proxy",
		Roles:        []envelope.Role{envelope.RoleCustomer, envelope.RoleBot},
		Settings:     &settings{},
		Capabilities: customerCapabilities(),
	}
}

// Configure implements sdk.Adapter. All channels of role customer claim the same pattern; Receive tells them apart, and a
// channel whose calls would all be taken for another's is refused. A channel of role bot has a path of its own.
func (a *adapter) Configure(_ context.Context, ch sdk.Channel) (sdk.Endpoint, error) {
	s, problems := read(ch)
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
	if other := a.twin(c); other != "" {
		return sdk.Endpoint{}, fmt.Errorf("configure channel %s: %w", ch.Name, sdk.Invalid("access_token",
			"is the same as that of channel %s, and so are organization and chatbot: a call could not be told apart; change one of "+
				"them, or the `path` of a channel", other))
	}
	a.channels[ch.Name] = c
	return c.endpoint(), nil
}

// newChannel makes a channel of settings that read has checked.
func newChannel(ch sdk.Channel, s settings) (*channel, error) {
	c := &channel{name: ch.Name, prefix: ch.Prefix, role: ch.Role, settings: s, client: ch.Host.HTTP}
	secret := s.ReplySecret
	c.target = s.ReplyURL
	var err error
	if c.role == envelope.RoleBot {
		secret = s.AnswerSecret
		c.target, err = url.JoinPath(s.BaseURL, messagesPath, url.PathEscape(s.Organization), url.PathEscape(s.Chatbot))
		if err != nil {
			return nil, sdk.Invalid("base_url", "not an address: write https://host/path")
		}
	}
	if c.keys, err = webhook.ParseSigningKeys(secret.Reveal()); err != nil {
		return nil, sdk.Invalid("", "%s", err)
	}
	if c.metrics, err = newMetrics(ch.Host.Registry); err != nil {
		return nil, err
	}
	c.metrics.begin(c.name)
	return c, nil
}

// twin returns the name of another channel that the calls for c fit just as well, "" if there is none.
func (a *adapter) twin(c *channel) string {
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
	s, problems := read(ch)
	if len(problems) > 0 {
		return problems
	}
	return s.warnings(ch.Role)
}

// Health implements sdk.HealthChecker: a channel is sick while the far end refuses its credentials, or can't be reached.
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
		return fmt.Errorf("channel %s: the far end refuses the credentials: check %s", name, credential)
	case unreachable:
		return fmt.Errorf("channel %s: the far end can't be reached: check %s and the network", name, setting)
	}
	return nil
}

// channel returns a configured channel, or nil.
func (a *adapter) channel(name string) *channel {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.channels[name]
}
