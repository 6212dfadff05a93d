package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// pupilSettings are the settings of a pupil without flaws.
type pupilSettings struct {
	BaseURL string     `json:"base_url" patchbay:"required,vendor-address" doc:"Address of the vendor."`
	Token   sdk.Secret `json:"token" patchbay:"required" doc:"What the vendor's calls carry as a bearer token."`
	APIKey  sdk.Secret `json:"api_key" patchbay:"required" doc:"What our calls carry as a bearer token."`
	Secret  sdk.Secret `json:"signing_secret" doc:"What the vendor's calls are signed with; they carry the token if it is empty."`
	Retries int        `json:"retries" patchbay:"default=0" doc:"Not used for anything."`
	Login   bool       `json:"login" patchbay:"default=false" doc:"Whether a session is asked for before the first message."`
	Nested  struct {
		Mode string `json:"mode" patchbay:"default=plain,enum=plain|fancy" doc:"Not used for anything either."`
	} `json:"nested" doc:"Settings within settings."`
}

// openSettings are the same without marks and words.
type openSettings struct {
	BaseURL string `json:"base_url" patchbay:"required"`
	Token   string `json:"token" patchbay:"required" doc:"Token."`
	APIKey  string `json:"api_key" patchbay:"required" doc:"Key."`
}

// pupil is a whole adapter of a vendor that speaks plain JSON. Each of its flaws makes it fail one section of the exam.
type pupil struct {
	mu       sync.Mutex
	channels map[string]*pupilChannel
	count    int
	hoard    [][]byte
	files    []*os.File
	known    map[string]*acquaintance
	order    []string // of known, oldest first

	one       sync.Mutex
	road      sync.RWMutex
	sulking   atomic.Bool
	opened    sync.Map // customers
	listening atomic.Bool
}

type pupilChannel struct {
	name     string
	role     envelope.Role
	settings pupilSettings
	host     sdk.Host
	ctx      context.Context
	cancel   context.CancelFunc
	session  atomic.Bool
}

var (
	_ sdk.Receiver   = (*pupil)(nil)
	_ sdk.Deliverer  = (*pupil)(nil)
	_ sdk.Opener     = (*pupil)(nil)
	_ sdk.Fetcher    = (*pupil)(nil)
	_ sdk.Subscriber = (*pupil)(nil)
	_ sdk.Validator  = (*pupil)(nil)
	_ sdk.Drainer    = (*pupil)(nil)
)

// flaw is what goes wrong with the pupil: the value of EVIL_FLAW.
var flaw = os.Getenv("EVIL_FLAW")

func newPupil() *pupil {
	return &pupil{channels: map[string]*pupilChannel{}, known: map[string]*acquaintance{}}
}

// Describe implements sdk.Adapter.
func (p *pupil) Describe() sdk.Description {
	d := sdk.Description{
		Name: "pupil", Version: "1.0.0", Vendor: "Pupil Inc.", Settings: &pupilSettings{},
		Roles: []envelope.Role{envelope.RoleBot, envelope.RoleAgent},
		Capabilities: sdk.Capabilities{
			Parts: []envelope.PartType{envelope.PartText, envelope.PartImage}, Events: []envelope.Kind{envelope.KindTyping},
			TextBytes: 300, Idempotent: true, Media: sdk.MediaStream,
		},
		ReasonCodes: map[string]string{"busy": "Nobody is free."},
	}
	switch flaw {
	case "undescribed":
		d.Name, d.Version, d.Vendor, d.Settings, d.Roles = "The Pupil", "one", "", &openSettings{}, nil
		d.ReasonCodes = map[string]string{"Too Busy": ""}
		d.Capabilities.MediaTypes = []string{"pictures"}
	case "overpromises":
		d.Capabilities.Parts = append(d.Capabilities.Parts, envelope.PartVideo)
		d.Capabilities.TextBytes = 3000
	}
	return d
}

// Validate implements sdk.Validator.
func (p *pupil) Validate(ch sdk.Channel) []sdk.Problem {
	var out []sdk.Problem
	if ch.Role != envelope.RoleBot && ch.Role != envelope.RoleAgent && flaw != "any-role" {
		out = append(out, sdk.Problem{Path: "role", Message: "must be bot or agent"})
	}
	return out
}

// Configure implements sdk.Adapter.
func (p *pupil) Configure(ctx context.Context, ch sdk.Channel) (sdk.Endpoint, error) {
	c := &pupilChannel{name: ch.Name, role: ch.Role, host: ch.Host}
	if err := p.read(ch, &c.settings); err != nil {
		return sdk.Endpoint{}, err
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	if flaw == "calls-home" {
		c.callHome(ctx)
	}
	p.mu.Lock()
	former := p.channels[ch.Name]
	if former == nil || flaw != "keeps-settings" {
		p.channels[ch.Name] = c
	}
	p.mu.Unlock()
	if former != nil && flaw == "drops-calls" {
		former.cancel()
	}
	if flaw == "tells-secrets" {
		p.tell(c)
	}
	refusal := sdk.Refusal{ContentType: "application/json", Body: `{"status":{{status}},"error":"{{text}}"}`}
	if flaw == "shapeless" {
		refusal.Body = `{"status":"no","error":{{text}}}`
	}
	ep := sdk.Endpoint{
		Paths: []sdk.Path{{Pattern: "/hooks/pupil", Methods: []string{"POST"}, ContentTypes: []string{"application/json"},
			MaxBody: 256 << 10}},
		Refusal: refusal, Subscribes: ch.Role == envelope.RoleAgent,
	}
	if flaw == "odd-endpoint" {
		ep.Threads, ep.Unknown, ep.Paths[0].Methods = "forever", "ignore", nil
	}
	return ep, nil
}

func (p *pupil) read(ch sdk.Channel, into *pupilSettings) error {
	if flaw == "takes-anything" {
		_ = ch.Settings.Decode(into)
		return nil
	}
	if flaw != "undescribed" {
		if err := ch.Settings.Decode(into); err != nil {
			return sdk.Invalid("settings", "%v", err)
		}
		return nil
	}
	var s openSettings
	if err := ch.Settings.Decode(&s); err != nil {
		return err
	}
	into.BaseURL, into.Token, into.APIKey = s.BaseURL, sdk.NewSecret(s.Token), sdk.NewSecret(s.APIKey)
	return nil
}

// callHome touches the network where it must not.
func (c *pupilChannel) callHome(ctx context.Context) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.settings.BaseURL+"/home", nil)
	if err != nil {
		return
	}
	if resp, err := c.host.HTTP.Do(req); err == nil {
		_ = resp.Body.Close()
	}
}

// tell puts secrets where they must not be.
func (p *pupil) tell(c *pupilChannel) {
	c.host.Logger.Info("configured", "token", c.settings.Token.Reveal())
	g := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "patchbay_plugin_pupil_keys", Help: "Keys.", ConstLabels: prometheus.Labels{"key": c.settings.APIKey.Reveal()},
	})
	_ = c.host.Registry.Register(g) // registered already after the first time
}

func (p *pupil) channel(name string) (*pupilChannel, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c := p.channels[name]; c != nil {
		return c, nil
	}
	return nil, fmt.Errorf("channel %s: %w", name, errors.New("not configured"))
}

// number counts calls.
func (p *pupil) number() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count++
	return p.count
}

// waste takes what it does not give back, according to the flaw.
func (p *pupil) waste() {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch flaw {
	case "hoards":
		b := make([]byte, 4<<10)
		for i := range b {
			b[i] = byte(i)
		}
		p.hoard = append(p.hoard, b)
	case "leaks-goroutines":
		go func() { select {} }()
	case "leaks-threads":
		go func() { runtime.LockOSThread(); select {} }()
	case "leaks-files":
		if f, err := os.Open(os.DevNull); err == nil {
			p.files = append(p.files, f)
		}
	case "leaks-processes":
		if p.count++; p.count%50 == 0 {
			_ = exec.Command("sleep", "60").Start() // nobody awaits it
		}
	case "leaves-orphans":
		if p.count++; p.count == 1 {
			cmd := exec.Command("sleep", "60")
			cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
			_ = cmd.Start()
		}
	}
}

// acquaintance is what is remembered of a message or a conversation.
type acquaintance struct {
	at time.Time
	_  [512]byte // what a message takes
}

// remember keeps something of a conversation or a message: for ever, at most so many, or nothing, according to the flaw. It
// reports whether there is room.
func (p *pupil) remember(what, id string) bool {
	most := map[string]int{"caches": 500, "caches-much": 9000, "fills-up": 800}[flaw]
	if most == 0 && flaw != "remembers-"+what {
		return true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known[id] != nil {
		return true
	}
	if most > 0 && len(p.order) >= most {
		if flaw == "fills-up" {
			return false
		}
		delete(p.known, p.order[0])
		p.order = append(p.order[:0], p.order[1:]...)
	}
	p.known[id] = &acquaintance{at: time.Now()}
	p.order = append(p.order, id)
	return true
}

// Drain implements sdk.Drainer.
func (p *pupil) Drain(ctx context.Context) error {
	switch flaw {
	case "drains-for-ever":
		<-ctx.Done()
	case "lingers":
		select {}
	}
	return nil
}

// startedByHand is what the pupil says without a gateway.
func startedByHand() {
	if flaw == "silent-by-hand" {
		fmt.Println("hello")
		os.Exit(0)
	}
}

func at(ms int64) time.Time { return time.UnixMilli(ms).UTC() }
