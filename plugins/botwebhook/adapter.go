package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

const (
	version  = "0.1.0"
	jsonType = "application/json"
	// webhookPath precedes the channel's name in the path of its webhook. The path is entered at the
	// vendor (Integration > API > webhook) and can be chosen freely.
	webhookPath = "/webhooks/botwebhook/"
)

var (
	_ sdk.Adapter       = (*adapter)(nil)
	_ sdk.Receiver      = (*adapter)(nil)
	_ sdk.Deliverer     = (*adapter)(nil)
	_ sdk.Opener        = (*adapter)(nil)
	_ sdk.Validator     = (*adapter)(nil)
	_ sdk.HealthChecker = (*adapter)(nil)
)

// settings is one channel's agent.
type settings struct {
	BaseURL      string         `json:"base_url" patchbay:"required,vendor-address" doc:"API of the agent's region"`
	APIKey       sdk.Secret     `json:"api_key" patchbay:"required" doc:"the agent's API key"`
	WebhookToken sdk.Secret     `json:"webhook_token" doc:"token of webhook calls; empty: none is asked for"`
	Threads      sdk.ThreadMode `json:"threads" patchbay:"default=per_term,enum=per_term|per_conversation" doc:"life of a conversation"`
}

// channel is a configured account. Only its health changes; a new configuration makes a new one.
type channel struct {
	name string
	settings
	client *http.Client
	// locked is true from when the vendor refuses the API key until it takes it again.
	locked atomic.Bool
}

// adapter holds the configured channels by name.
type adapter struct {
	mu       sync.RWMutex
	channels map[string]*channel
}

func newAdapter() *adapter { return &adapter{channels: make(map[string]*channel)} }

// Describe implements sdk.Adapter.
func (a *adapter) Describe() sdk.Description {
	return sdk.Description{
		Name:     "botwebhook",
		Version:  version,
		Vendor:   "GPTBots",
		Settings: &settings{},
		Capabilities: sdk.Capabilities{
			Parts: []envelope.PartType{
				envelope.PartText, envelope.PartImage, envelope.PartAudio, envelope.PartFile,
			},
			History: true,
		},
	}
}

// Configure implements sdk.Adapter.
func (a *adapter) Configure(_ context.Context, ch sdk.Channel) (sdk.Endpoint, error) {
	s, problems := read(ch)
	if len(problems) > 0 {
		p := problems[0]
		return sdk.Endpoint{}, fmt.Errorf("configure channel %s: %w", ch.Name, sdk.Invalid(p.Path, "%s", p.Message))
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.channels[ch.Name] = &channel{name: ch.Name, settings: s, client: ch.Host.HTTP}
	return sdk.Endpoint{
		Paths: []sdk.Path{{
			Pattern:      webhookPath + url.PathEscape(ch.Name),
			Methods:      []string{http.MethodPost},
			ContentTypes: []string{jsonType},
		}},
		Refusal: sdk.Refusal{ContentType: jsonType, Body: refusalTemplate},
		Threads: s.Threads,
	}, nil
}

// Validate implements sdk.Validator.
func (a *adapter) Validate(ch sdk.Channel) []sdk.Problem {
	s, problems := read(ch)
	if len(problems) == 0 && s.WebhookToken.IsZero() {
		problems = append(problems, sdk.Problem{Path: "webhook_token", Warning: true, Message: "is empty, so anybody who knows the path " +
			"can speak as the bot: set a token here and at the vendor"})
	}
	return problems
}

// Health implements sdk.HealthChecker: a channel is sick while the vendor refuses its API key.
func (a *adapter) Health(_ context.Context, name string) error {
	ch := a.channel(name)
	if ch == nil {
		return fmt.Errorf("channel %s is not configured", name)
	}
	if ch.locked.Load() {
		return fmt.Errorf("channel %s: GPTBots refuses the API key: check api_key and base_url", name)
	}
	return nil
}

// channel returns a configured channel, or nil.
func (a *adapter) channel(name string) *channel {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.channels[name]
}
