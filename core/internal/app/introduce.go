package app

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"

	"patchbay/core/internal/config"
	"patchbay/core/internal/media"
	"patchbay/core/internal/plugin"
	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol/pluginpb"
	"patchbay/sdk/settings"
)

// Findings are what the adapters say about the configuration.
type Findings struct {
	Problems []config.Problem // keep the gateway from starting
	Warnings []config.Problem // what works, but hardly as meant
}

func (f *Findings) add(more Findings) {
	f.Problems, f.Warnings = append(f.Problems, more.Problems...), append(f.Warnings, more.Warnings...)
}

func wrong(problems ...config.Problem) Findings { return Findings{Problems: problems} }

// Check starts the adapters to have them check their channels' settings, and stops them. It opens no store, listens
// nowhere, and touches no network. It returns everything that is wrong, sorted. The configuration may be one that did not
// load: then the adapters are asked about those channels that are sound, see config.Config.Usable.
func Check(ctx context.Context, cfg *config.Config, o Options) Findings {
	plugin.SweepTemp()
	p := startPlugins(cfg, &o, "", nil)
	defer p.stop()
	return p.introduce(ctx, cfg)
}

// introduce asks every adapter who it is, checks the channels' settings against its schema and has it take
// them. It touches no network. All problems come back at once; an adapter that hangs hides nothing of the others.
func (p *plugins) introduce(ctx context.Context, cfg *config.Config) Findings {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	var mu sync.Mutex
	var all Findings
	var asked sync.WaitGroup
	for name, h := range p.hosts {
		asked.Go(func() {
			found := p.adapter(ctx, cfg, name, h)
			mu.Lock()
			defer mu.Unlock()
			all.add(found)
		})
	}
	asked.Wait()
	all.Problems = append(append(all.Problems, p.collisions(cfg)...), p.abilities(cfg)...)
	config.SortProblems(all.Problems)
	config.SortProblems(all.Warnings)
	return all
}

// adapter asks one adapter, about its channels in the order of the file.
func (p *plugins) adapter(ctx context.Context, cfg *config.Config, name string, h *plugin.Host) Findings {
	d, err := h.Describe(ctx)
	if err != nil {
		why := err.Error()
		if last := h.Status().LastError; last != "" {
			why = last
		}
		return wrong(cfg.Problem("the program could not be started: "+why, "adapters", name, "command"))
	}
	p.mu.Lock()
	p.described[name] = d
	p.mu.Unlock()
	var all Findings
	for i := range cfg.Channels {
		if ch := &cfg.Channels[i]; ch.Adapter == name {
			all.add(p.channel(ctx, cfg, ch, h, d.GetSettingsSchema()))
		}
	}
	return all
}

// channel checks and configures one channel, as far as it is usable.
func (p *plugins) channel(ctx context.Context, cfg *config.Config, ch *config.Channel, h *plugin.Host, schema []byte) Findings {
	usable := cfg.Usable(ch.Name)
	if usable == config.UsableNot {
		return Findings{}
	}
	if problems := cfg.CheckSettings(ch.Name, schema); len(problems) > 0 || usable != config.UsableWhole {
		return wrong(problems...)
	}
	settings, err := cfg.CompleteSettings(ch.Name, schema)
	if err != nil {
		return wrong(cfg.SettingProblem(ch.Name, "", err.Error()))
	}
	pc := &pluginpb.ChannelConfig{Name: ch.Name, Role: string(ch.Role), Prefix: ch.Path, Settings: settings}
	for _, a := range ch.Allow {
		pc.Allow = append(pc.Allow, a.String())
	}
	for _, a := range ch.AllowLinks {
		pc.AllowLinks = append(pc.AllowLinks, a.String())
	}
	listed, err := h.Validate(ctx, pc)
	if err != nil {
		return wrong(cfg.Problem(err.Error(), "channels", ch.Name, "adapter"))
	}
	var found Findings
	for _, f := range listed {
		problem := reported(cfg, ch, schema, f.GetPath(), f.GetMessage())
		if f.GetWarning() {
			found.Warnings = append(found.Warnings, problem)
		} else {
			found.Problems = append(found.Problems, problem)
		}
	}
	if len(found.Problems) > 0 {
		return found
	}
	resp, err := h.Configure(ctx, pc)
	switch e := resp.GetError(); {
	case err != nil:
		found.Problems = append(found.Problems, cfg.Problem(err.Error(), "channels", ch.Name, "adapter"))
	case e != nil:
		found.Problems = append(found.Problems, reported(cfg, ch, schema, e.GetField(), e.GetText()))
	default:
		p.mu.Lock()
		p.endpoints[ch.Name] = resp
		p.mu.Unlock()
	}
	return found
}

// reported places what an adapter says about a setting. "role" is the channel's, unless the adapter has a setting of that
// name; without a setting it is the channel as a whole.
func reported(cfg *config.Config, ch *config.Channel, schema []byte, setting, message string) config.Problem {
	if s, err := settings.Parse(schema); setting == "role" && err == nil && s.Property("role") == nil {
		return cfg.Problem(message, "channels", ch.Name, "role")
	}
	return cfg.SettingProblem(ch.Name, setting, message)
}

// warn logs what works, but hardly as meant.
func (f *Findings) warn(log *slog.Logger) {
	for _, w := range f.Warnings {
		log.Warn("setting works, but hardly as meant", "setting", w.Path, "place", w.Position.String(), "text", w.Message)
	}
}

// collisions reports paths that two adapters claim, or an adapter and the gateway itself.
func (p *plugins) collisions(cfg *config.Config) []config.Problem {
	var problems []config.Problem
	first := map[string]*config.Channel{}
	for i := range cfg.Channels {
		ch := &cfg.Channels[i]
		for _, path := range p.endpoints[ch.Name].GetPaths() {
			full := ch.Path + path.GetPattern()
			if strings.HasPrefix(full+"/", media.PathPrefix) {
				problems = append(problems, cfg.Problem(fmt.Sprintf("receives on %s, where the gateway has its links to media: "+
					"put a `path` prefix in front of the channel", full), "channels", ch.Name))
				continue
			}
			other := first[full]
			if other == nil {
				first[full] = ch
				continue
			}
			if other.Adapter != ch.Adapter {
				problems = append(problems, cfg.Problem(fmt.Sprintf("receives on %s, and so does channel %s of adapter %s: "+
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
			problems = append(problems, cfg.Problem("adapter "+ch.Adapter+" can't deliver, so nothing would reach this channel", "channels", ch.Name, "adapter"))
		}
		if ch.Role != envelope.RoleObserver && !can(ch, "receive") && !can(ch, "subscribe") {
			problems = append(problems, cfg.Problem("adapter "+ch.Adapter+" can't receive, so this channel could never say anything", "channels", ch.Name, "adapter"))
		}
		if p.endpoints[ch.Name].GetSubscribes() && !can(ch, "subscribe") {
			problems = append(problems, cfg.Problem("adapter "+ch.Adapter+" asks for a subscription of this channel and does not implement one; report this to its author",
				"channels", ch.Name, "adapter"))
		}
	}
	for i := range cfg.Routes {
		if cfg.Routes[i].Offer == nil {
			continue
		}
		for at, to := range cfg.Routes[i].Offer.To {
			ch, ok := cfg.Channel(to)
			if ok && (ch.Role == envelope.RoleBot || ch.Role == envelope.RoleAgent) && !can(ch, "open") { // others can't be offered anything
				path := []string{"routes", strconv.Itoa(i), "offer", "to"}
				if len(cfg.Routes[i].Offer.To) > 1 {
					path = append(path, strconv.Itoa(at))
				}
				problems = append(problems, cfg.Problem("channel "+to+" can't be asked: its adapter "+ch.Adapter+
					" doesn't open conversations; use `pass`", path...))
			}
		}
	}
	return problems
}
