package conformance

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
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

// flawEnv is an environment variable. If it is set, the test binary is the flawed adapter: an adapter for a vendor with
// JSON messages. Its value is the name of a flaw, which makes one check fail. If it is empty, all checks pass.
const flawEnv = "CONFORMANCE_FLAW"

var flaw = os.Getenv(flawEnv)

// flawed returns options for the flawed adapter. channel is the folder of testdata/flawed with the test data.
func flawed(flaw, channel string, w *wire, only ...string) Options {
	return Options{
		Command: flawedProgram, Env: []string{flawEnv + "=" + flaw}, Data: filepath.Join("testdata/flawed", channel),
		Only: only, dial: w.options(),
	}
}

func serveFlawed() {
	switch {
	case flaw == "silent-by-hand" && os.Getenv(protocol.CookieKey) == "":
		os.Exit(0)
	case flaw == "runs-without-gateway": // it accepts any parent process as its gateway
		_ = os.Setenv(protocol.ParentEnv, strconv.Itoa(os.Getppid()))
	}
	serve.Main(&flawedAdapter{channels: map[string]*flawedChannel{}})
}

// signCalls is the signer of the flawed adapter's vendor. It reads each call as a line of JSON, and writes the header
// fields of the signature.
func signCalls() {
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	var c struct {
		Unix              int64
		Channel           string
		Host, Path, Query string
		Header            map[string]string
		Body              []byte
	}
	secrets := map[string]string{
		"signed": "conformance-signing-secret-1234", "signed-2": "conformance-signing-secret-5678",
	}
	for in.Decode(&c) == nil {
		mac := signature(secrets[c.Channel], fmt.Sprint(c.Unix), c.Host, c.Path, c.Query, c.Header["X-Topic"],
			c.Body)
		header := map[string]string{"X-Time": fmt.Sprint(c.Unix), "X-Signature": mac}
		_ = out.Encode(map[string]any{"header": header}) // if this fails, the suite reports it
		clear(c.Header)
	}
}

// signature is the HMAC-SHA256 of time, host, path, query, topic and body.
func signature(secret, stamp, host, path, query, topic string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "%s\n%s\n%s\n%s\n%s\n%s", stamp, host, path, query, topic, body)
	return fmt.Sprintf("s1=%x", mac.Sum(nil))
}

type flawedSettings struct {
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

type flawedAdapter struct {
	mu       sync.Mutex
	channels map[string]*flawedChannel
	keeps    [][]byte
	calls    int
	one      sync.Mutex
	road     sync.RWMutex
}

type flawedChannel struct {
	sdk.Channel
	settings flawedSettings
	session  atomic.Value // string
}

// Describe implements sdk.Adapter.
func (a *flawedAdapter) Describe() sdk.Description {
	return sdk.Description{
		Name: "flawed", Version: "1.0.0", Vendor: "Flawed Inc.", Settings: &flawedSettings{},
		Roles: []envelope.Role{envelope.RoleBot, envelope.RoleAgent},
		Capabilities: sdk.Capabilities{
			Parts: []envelope.PartType{envelope.PartText, envelope.PartImage}, Events: []envelope.Kind{envelope.KindTyping},
			TextBytes: 300, Idempotent: true, Media: sdk.MediaStream,
		},
		ReasonCodes: map[string]string{"busy": "No agent is free."},
	}
}

// Validate implements sdk.Validator.
func (a *flawedAdapter) Validate(ch sdk.Channel) []sdk.Problem {
	if ch.Role != envelope.RoleBot && ch.Role != envelope.RoleAgent {
		return []sdk.Problem{{Path: "role", Message: "must be bot or agent"}}
	}
	return nil
}

// Configure implements sdk.Adapter.
func (a *flawedAdapter) Configure(_ context.Context, ch sdk.Channel) (sdk.Endpoint, error) {
	c := &flawedChannel{Channel: ch}
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

func (a *flawedAdapter) channel(name string) *flawedChannel {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.channels[name] // the suite makes no call of an unknown channel
}

// resourceLeaks contains the flaws that leak resources, by name. n is the number of the call.
var resourceLeaks = map[string]func(a *flawedAdapter, n int){
	"keeps-memory":     func(a *flawedAdapter, _ int) { a.keeps = append(a.keeps, bytes.Repeat([]byte("x"), 16<<10)) },
	"ignores-sigterm":  func(*flawedAdapter, int) { signal.Ignore(syscall.SIGTERM) },
	"leaks-goroutines": func(*flawedAdapter, int) { go func() { select {} }() },
	"leaks-threads":    func(*flawedAdapter, int) { go func() { runtime.LockOSThread(); select {} }() },
	"leaks-files":      func(*flawedAdapter, int) { _, _ = syscall.Open(os.DevNull, syscall.O_RDONLY, 0) },
	"leaks-processes": func(_ *flawedAdapter, n int) {
		if n%100 == 0 {
			_ = exec.Command("sleep", "60").Start()
		}
	},
	"leaves-orphans": func(_ *flawedAdapter, n int) {
		if n == 1 {
			c := exec.Command("sleep", "60")
			c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
			_ = c.Start()
		}
	},
}

func (a *flawedAdapter) leakResources() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls++
	if f := resourceLeaks[flaw]; f != nil {
		f(a, a.calls)
	}
}
