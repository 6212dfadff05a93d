package app

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"patchbay/core/internal/adapter"
	"patchbay/core/internal/config"
	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol/pluginpb"
)

// startTimeout is how long all adapters together may take to become ready.
const startTimeout = 30 * time.Second

// plugins are the adapters' processes and what they said about themselves and their channels.
type plugins struct {
	hosts     map[string]*adapter.Host
	described map[string]*pluginpb.DescribeResponse
	endpoints map[string]*pluginpb.ConfigureResponse // by channel
	cancel    context.CancelFunc
	running   sync.WaitGroup
}

// startPlugins starts every adapter that a channel uses, in parallel.
// Their sockets go into folders below runtimeDir.
func startPlugins(cfg *config.Config, o *Options, runtimeDir string, m *adapter.Metrics) *plugins {
	log := o.Logger
	ctx, cancel := context.WithCancel(context.Background())
	p := &plugins{
		hosts: map[string]*adapter.Host{}, described: map[string]*pluginpb.DescribeResponse{},
		endpoints: map[string]*pluginpb.ConfigureResponse{}, cancel: cancel,
	}
	for name, a := range cfg.Adapters {
		if !slices.ContainsFunc(cfg.Channels, func(c config.Channel) bool { return c.Adapter == name }) {
			log.Warn("adapter is not used by any channel, not started", "adapter", name)
			continue
		}
		h := adapter.New(adapter.Options{
			Name: name, Command: command(a.Command), Args: a.Args, Env: environment(a.Env), GatewayVersion: o.Version,
			RuntimeDir: runtimeDir, Logger: log, Metrics: m,
		})
		p.hosts[name] = h
		p.running.Go(func() {
			if err := h.Run(ctx); err != nil {
				log.Error("adapter did not stop", "adapter", name, "error", err)
			}
		})
	}
	return p
}

// environment gives each adapter half of the cores, unless somebody has said otherwise: adapters share the machine
// with the gateway, and idle threads that look for work cost more than they bring.
func environment(env []string) []string {
	set := func(e string) bool { return strings.HasPrefix(e, "GOMAXPROCS=") }
	if os.Getenv("GOMAXPROCS") != "" || slices.ContainsFunc(env, set) {
		return env
	}
	return append(slices.Clone(env), fmt.Sprintf("GOMAXPROCS=%d", max(1, runtime.NumCPU()/2)))
}

// command makes a program's path absolute: a name without a slash is looked up in PATH.
func command(c string) string {
	if !strings.ContainsRune(c, os.PathSeparator) {
		if found, err := exec.LookPath(c); err == nil {
			c = found
		}
	}
	if abs, err := filepath.Abs(c); err == nil {
		return abs
	}
	return c
}

// stop drains and ends all processes and waits for them.
func (p *plugins) stop() {
	p.cancel()
	p.running.Wait()
}

// introduce asks every adapter who it is, checks the channels' settings against its schema and has it take
// them. It touches no network. All problems come back at once.
func (p *plugins) introduce(ctx context.Context, cfg *config.Config) []config.Problem {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	var problems []config.Problem
	for name, h := range p.hosts {
		d, err := h.Describe(ctx)
		if err != nil {
			problems = append(problems, config.Problem{
				Position: cfg.At("adapters", name, "command"), Path: "adapters." + name + ".command",
				Message: fmt.Sprintf("the program could not be started: %v", err),
			})
			continue
		}
		p.described[name] = d
	}
	for i := range cfg.Channels {
		ch := &cfg.Channels[i]
		if p.described[ch.Adapter] != nil {
			problems = append(problems, p.channel(ctx, cfg, ch)...)
		}
	}
	problems = append(problems, p.collisions(cfg)...)
	return append(problems, p.abilities(cfg)...)
}

// channel checks and configures one channel.
func (p *plugins) channel(ctx context.Context, cfg *config.Config, ch *config.Channel) []config.Problem {
	schema := p.described[ch.Adapter].GetSettingsSchema()
	if problems := cfg.CheckSettings(ch.Name, schema); len(problems) > 0 {
		return problems
	}
	settings, err := cfg.CompleteSettings(ch.Name, schema)
	if err != nil {
		return []config.Problem{problem(cfg, err.Error(), "channels", ch.Name, "settings")}
	}
	pc := &pluginpb.ChannelConfig{Name: ch.Name, Role: string(ch.Role), Prefix: ch.Path, Settings: settings}
	for _, a := range ch.Allow {
		pc.Allow = append(pc.Allow, a.String())
	}
	h := p.hosts[ch.Adapter]
	found, err := h.Validate(ctx, pc)
	if err != nil {
		return []config.Problem{problem(cfg, err.Error(), "channels", ch.Name, "adapter")}
	}
	var problems []config.Problem
	for _, f := range found {
		path := []string{"channels", ch.Name, "settings"}
		if f.GetPath() != "" {
			path = append(path, strings.Split(f.GetPath(), ".")...)
		}
		problems = append(problems, problem(cfg, f.GetMessage(), path...))
	}
	if len(problems) > 0 {
		return problems
	}
	resp, err := h.Configure(ctx, pc)
	if err != nil {
		return []config.Problem{problem(cfg, err.Error(), "channels", ch.Name, "adapter")}
	}
	if e := resp.GetError(); e != nil {
		path := []string{"channels", ch.Name}
		switch {
		case e.GetField() == "role":
			path = append(path, "role")
		case e.GetField() != "":
			path = append(append(path, "settings"), strings.Split(e.GetField(), ".")...)
		}
		return []config.Problem{problem(cfg, e.GetText(), path...)}
	}
	p.endpoints[ch.Name] = resp
	return nil
}

func problem(cfg *config.Config, message string, path ...string) config.Problem {
	return config.Problem{Position: cfg.At(path...), Path: strings.Join(path, "."), Message: message}
}

// collisions reports paths that two adapters claim.
func (p *plugins) collisions(cfg *config.Config) []config.Problem {
	var problems []config.Problem
	first := map[string]*config.Channel{}
	for i := range cfg.Channels {
		ch := &cfg.Channels[i]
		for _, path := range p.endpoints[ch.Name].GetPaths() {
			full := ch.Path + path.GetPattern()
			other := first[full]
			if other == nil {
				first[full] = ch
				continue
			}
			if other.Adapter != ch.Adapter {
				problems = append(problems, problem(cfg, fmt.Sprintf("receives on %s, and so does channel %s of adapter %s: "+
					"put a `path` prefix in front of one of them", full, other.Name, other.Adapter), "channels", ch.Name))
			}
		}
	}
	return problems
}

// abilities reports channels and rules that ask an adapter for what it can't do.
func (p *plugins) abilities(cfg *config.Config) []config.Problem {
	var problems []config.Problem
	can := func(ch *config.Channel, ability string) bool {
		d := p.described[ch.Adapter]
		return d == nil || slices.Contains(d.GetAbilities(), ability)
	}
	for i := range cfg.Channels {
		ch := &cfg.Channels[i]
		if !can(ch, "deliver") {
			problems = append(problems, problem(cfg, "adapter "+ch.Adapter+" can't deliver, so nothing would reach this channel", "channels", ch.Name, "adapter"))
		}
		if ch.Role != envelope.RoleObserver && !can(ch, "receive") {
			problems = append(problems, problem(cfg, "adapter "+ch.Adapter+" can't receive, so this channel could never say anything", "channels", ch.Name, "adapter"))
		}
	}
	for i := range cfg.Routes {
		if cfg.Routes[i].Offer == nil {
			continue
		}
		for _, to := range cfg.Routes[i].Offer.To {
			if ch, ok := cfg.Channel(to); ok && !can(ch, "open") {
				problems = append(problems, problem(cfg, "channel "+to+" can't be asked: its adapter "+ch.Adapter+" doesn't open conversations; use `pass`",
					"routes", fmt.Sprint(i), "offer"))
			}
		}
	}
	return problems
}
