package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"unicode"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
	"patchbay/sdk/webhook"
)

const (
	version  = "0.1.0"
	jsonType = "application/json"
	// maxNameBytes bounds organization and chatbot, so that both fit into a thread together with
	// a customer's id.
	maxNameBytes = 64
)

var (
	_ sdk.Adapter   = (*adapter)(nil)
	_ sdk.Receiver  = (*adapter)(nil)
	_ sdk.Deliverer = (*adapter)(nil)
	_ sdk.Validator = (*adapter)(nil)
)

// settings is one channel's account with the proxy.
type settings struct {
	Organization string     `json:"organization" patchbay:"required" doc:"organization segment of the webhook path"`
	Chatbot      string     `json:"chatbot" patchbay:"required" doc:"chatbotName segment of the webhook path"`
	AccessToken  sdk.Secret `json:"access_token" patchbay:"required" doc:"token that callers put into accessToken"`
	ReplyURL     string     `json:"reply_url" patchbay:"required,vendor-address" doc:"where answers are posted"`
	ReplyToken   sdk.Secret `json:"reply_token" doc:"sent with answers as a bearer token; none if empty"`
}

// channel is a configured account. It is never changed after it was made; a new configuration makes
// a new one.
type channel struct {
	name, prefix string
	settings
	client *http.Client
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
		Name:     "native",
		Version:  version,
		Vendor:   "native message proxy",
		Settings: &settings{},
		Capabilities: sdk.Capabilities{
			Parts: []envelope.PartType{
				envelope.PartText, envelope.PartSuggestions,
				envelope.PartImage, envelope.PartAudio, envelope.PartVideo, envelope.PartFile,
			},
			Events:     []envelope.Kind{envelope.KindPassed, envelope.KindClosed, envelope.KindTyping},
			Idempotent: true,
		},
	}
}

// Configure implements sdk.Adapter. All channels claim the same pattern; Receive tells them apart, and a channel whose
// calls would all be taken for another's is refused.
func (a *adapter) Configure(_ context.Context, ch sdk.Channel) (sdk.Endpoint, error) {
	s, problems := read(ch)
	if len(problems) > 0 {
		p := problems[0]
		return sdk.Endpoint{}, fmt.Errorf("configure channel %s: %w", ch.Name, sdk.Invalid(p.Path, "%s", p.Message))
	}
	c := &channel{name: ch.Name, prefix: ch.Prefix, settings: s, client: ch.Host.HTTP}
	a.mu.Lock()
	defer a.mu.Unlock()
	if other := a.twin(c); other != "" {
		return sdk.Endpoint{}, fmt.Errorf("configure channel %s: %w", ch.Name, sdk.Invalid("access_token",
			"is the same as that of channel %s, and so are organization and chatbot: a call could not be told apart; change one of "+
				"them, or the `path` of a channel", other))
	}
	a.channels[ch.Name] = c
	return sdk.Endpoint{
		Paths: []sdk.Path{{
			Pattern:      messagesPath + "{organization}/{chatbotName}",
			Methods:      []string{http.MethodPost},
			ContentTypes: []string{jsonType},
		}},
		Refusal: sdk.Refusal{ContentType: jsonType, Body: refusalTemplate},
		Threads: sdk.ThreadsPerConversation,
	}, nil
}

// twin returns the name of another channel that the calls for c fit just as well, "" if there is none.
func (a *adapter) twin(c *channel) string {
	for name, other := range a.channels {
		if name != c.name && other.prefix == c.prefix && other.Organization == c.Organization && other.Chatbot == c.Chatbot &&
			webhook.Equal(other.AccessToken.Reveal(), c.AccessToken.Reveal()) {
			return name
		}
	}
	return ""
}

// Validate implements sdk.Validator.
func (a *adapter) Validate(ch sdk.Channel) []sdk.Problem {
	_, problems := read(ch)
	return problems
}

// channel returns a configured channel, or nil.
func (a *adapter) channel(name string) *channel {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.channels[name]
}

// read decodes a channel's settings and lists everything that is wrong with them.
func read(ch sdk.Channel) (settings, []sdk.Problem) {
	var s settings
	if err := ch.Settings.Decode(&s); err != nil {
		return s, []sdk.Problem{{Message: err.Error()}}
	}
	var problems []sdk.Problem
	bad := func(path, message string) { problems = append(problems, sdk.Problem{Path: path, Message: message}) }
	if ch.Role != envelope.RoleCustomer {
		bad("role", fmt.Sprintf("%q is not supported: a native channel has role %q", ch.Role, envelope.RoleCustomer))
	}
	if m := nameProblem(s.Organization); m != "" {
		bad("organization", m)
	}
	if m := nameProblem(s.Chatbot); m != "" {
		bad("chatbot", m)
	}
	if s.AccessToken.IsZero() {
		bad("access_token", "missing: set the token that callers send as accessToken")
	}
	if m := addressProblem(s.ReplyURL); m != "" {
		bad("reply_url", m)
	}
	if strings.ContainsFunc(s.ReplyToken.Reveal(), unicode.IsControl) {
		bad("reply_token", "has control characters (a line end?), which can't be sent in a header")
	}
	return s, problems
}

// nameProblem says what is wrong with a path segment, "" if nothing.
func nameProblem(name string) string {
	switch {
	case name == "":
		return "missing: set the name that callers have in their path"
	case len(name) > maxNameBytes:
		return fmt.Sprintf("%d bytes, at most %d", len(name), maxNameBytes)
	case name == "." || name == "..":
		return "can't be reached: HTTP servers resolve dot segments"
	case strings.ContainsFunc(name, unicode.IsControl):
		return "has control characters"
	}
	return ""
}

// addressProblem says what is wrong with an address to post to, "" if nothing.
func addressProblem(address string) string {
	if address == "" {
		return "missing: set the address that answers are posted to"
	}
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http"):
		return "not an address: write https://host/path"
	case u.User != nil:
		return "has credentials in it: use reply_token"
	case u.Fragment != "":
		return "has a fragment, which is never sent: remove what follows #"
	}
	return ""
}
