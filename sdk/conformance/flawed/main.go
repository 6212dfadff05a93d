// Command flawed is an adapter for a vendor that speaks plain JSON. The environment variable FLAW gives it a flaw,
// which makes it fail one check of the conformance suite. The suite's tests list the flaws; without one it passes.
package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol"
	"patchbay/sdk/serve"
)

var flaw = os.Getenv("FLAW")

func main() {
	switch {
	case flaw == "silent-by-hand" && os.Getenv(protocol.CookieKey) == "":
		os.Exit(0)
	case flaw == "immortal": // any parent is its gateway
		_ = os.Setenv(protocol.ParentEnv, strconv.Itoa(os.Getppid()))
	}
	serve.Main(&adapter{channels: map[string]*channel{}})
}

type settings struct {
	BaseURL string     `json:"base_url" patchbay:"required,vendor-address" doc:"Address of the vendor."`
	Token   sdk.Secret `json:"token" patchbay:"required" doc:"Bearer token of the vendor's calls."`
	APIKey  sdk.Secret `json:"api_key" patchbay:"required" doc:"Bearer token of calls to the vendor."`
	Secret  sdk.Secret `json:"signing_secret" doc:"Secret of the vendor's signatures; without it, calls carry the token."`
	Retries int        `json:"retries" patchbay:"default=0" doc:"Unused."`
	Login   bool       `json:"login" patchbay:"default=false" doc:"Whether a session is needed before the first message."`
	Nested  struct {
		Mode string `json:"mode" patchbay:"default=plain,enum=plain|fancy" doc:"Unused."`
	} `json:"nested" doc:"Settings within settings."`
}

type adapter struct {
	mu       sync.Mutex
	channels map[string]*channel
	keeps    [][]byte
	calls    int
	one      sync.Mutex
	road     sync.RWMutex
}

type channel struct {
	sdk.Channel
	settings settings
	session  atomic.Bool
}

// Describe implements sdk.Adapter.
func (a *adapter) Describe() sdk.Description {
	return sdk.Description{
		Name: "flawed", Version: "1.0.0", Vendor: "Flawed Inc.", Settings: &settings{},
		Roles: []envelope.Role{envelope.RoleBot, envelope.RoleAgent},
		Capabilities: sdk.Capabilities{
			Parts: []envelope.PartType{envelope.PartText, envelope.PartImage}, Events: []envelope.Kind{envelope.KindTyping},
			TextBytes: 300, Idempotent: true, Media: sdk.MediaStream,
		},
		ReasonCodes: map[string]string{"busy": "No agent is free."},
	}
}

// Validate implements sdk.Validator.
func (a *adapter) Validate(ch sdk.Channel) []sdk.Problem {
	if ch.Role != envelope.RoleBot && ch.Role != envelope.RoleAgent {
		return []sdk.Problem{{Path: "role", Message: "must be bot or agent"}}
	}
	return nil
}

// Configure implements sdk.Adapter.
func (a *adapter) Configure(_ context.Context, ch sdk.Channel) (sdk.Endpoint, error) {
	c := &channel{Channel: ch}
	if err := ch.Settings.Decode(&c.settings); err != nil {
		return sdk.Endpoint{}, sdk.Invalid("settings", "%v", err)
	}
	if c.settings.APIKey.IsZero() {
		return sdk.Endpoint{}, sdk.Invalid("api_key", "missing")
	}
	if flaw == "logs-token" {
		ch.Host.Logger.Info("configured", "token", c.settings.Token.Reveal())
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.channels[ch.Name] == nil || flaw != "keeps-settings" {
		a.channels[ch.Name] = c
	}
	hooks := sdk.Path{Pattern: "/hooks/" + ch.Name, Methods: []string{"POST"}, MaxBody: 256 << 10}
	hooks.ContentTypes = []string{"application/json"}
	return sdk.Endpoint{
		Paths:      []sdk.Path{hooks},
		Refusal:    sdk.Refusal{ContentType: "application/json", Body: `{"status":{{status}},"error":"{{text}}"}`},
		Subscribes: ch.Role == envelope.RoleAgent,
	}, nil
}

func (a *adapter) channel(name string) *channel {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.channels[name] // the suite makes no call of an unknown channel
}

// wastes are the flaws that take resources and give none back. n counts calls.
var wastes = map[string]func(a *adapter, n int){
	"hoards":           func(a *adapter, _ int) { a.keeps = append(a.keeps, bytes.Repeat([]byte("x"), 16<<10)) },
	"ignores-sigterm":  func(*adapter, int) { signal.Ignore(syscall.SIGTERM) },
	"leaks-goroutines": func(*adapter, int) { go func() { select {} }() },
	"leaks-threads":    func(*adapter, int) { go func() { runtime.LockOSThread(); select {} }() },
	"leaks-files":      func(*adapter, int) { _, _ = syscall.Open(os.DevNull, syscall.O_RDONLY, 0) },
	"leaks-processes": func(_ *adapter, n int) {
		if n%100 == 0 {
			_ = exec.Command("sleep", "60").Start()
		}
	},
	"leaves-orphans": func(_ *adapter, n int) {
		if n == 1 {
			c := exec.Command("sleep", "60")
			c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
			_ = c.Start()
		}
	},
}

func (a *adapter) waste() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls++
	if f := wastes[flaw]; f != nil {
		f(a, a.calls)
	}
}
