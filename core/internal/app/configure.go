package app

import (
	"context"
	"log/slog"
	"sync"

	"patchbay/core/internal/config"
	"patchbay/core/internal/finding"
	"patchbay/core/internal/plugin"
	"patchbay/core/internal/route"
	"patchbay/sdk/protocol/pluginpb"
	"patchbay/sdk/settings"
)

// Findings are the problems of the configuration that can be found only with the help of the adapters.
type Findings struct {
	Problems []config.Problem // the gateway does not start
	Warnings []config.Problem // suspicious but valid settings
	// Declared are the names that the adapters and the rules declare.
	Declared route.Declared
}

func (f *Findings) add(more Findings) {
	f.Problems, f.Warnings = append(f.Problems, more.Problems...), append(f.Warnings, more.Warnings...)
}

func findingsOf(problems ...config.Problem) Findings { return Findings{Problems: problems} }

// Check starts the adapters, lets them validate the settings of their channels, and stops them. It opens no store and
// no listener, and does not use the network. It returns all findings, sorted. If the configuration did not load, the
// adapters validate its usable channels, see config.Config.Usable.
func Check(ctx context.Context, cfg *config.Config, o Options) Findings {
	plugin.SweepTemp()
	o.Strict = true
	p := startPlugins(cfg, nil, &o, "", nil)
	defer p.stop()
	return p.configure(ctx, cfg)
}

// configure reads the description of every adapter, checks the settings of its channels against its schema, and
// configures the channels. It does not use the network. It returns all problems together: a hanging adapter does not
// hide the problems of other adapters. It leaves out the adapters that are taken over from the former revision.
func (p *plugins) configure(ctx context.Context, cfg *config.Config) Findings {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	var mu sync.Mutex
	byAdapter := map[string]Findings{}
	var adapters sync.WaitGroup
	for name, h := range p.hosts {
		if p.taken[name] {
			continue
		}
		adapters.Go(func() {
			found := p.configureAdapter(ctx, cfg, name, h)
			mu.Lock()
			defer mu.Unlock()
			byAdapter[name] = found
		})
	}
	adapters.Wait()
	var all Findings
	for name, found := range byAdapter {
		if len(found.Problems) == 0 || !p.fallBack(cfg, name, &found) {
			all.add(found)
		}
	}
	all.Problems = append(append(all.Problems, p.pathConflicts(cfg)...), p.missingAbilities(cfg)...)
	p.nameAdapters(cfg, all.Problems)
	declared, complete := p.declaredNames(cfg)
	if all.Declared = declared; complete {
		all.Warnings = append(all.Warnings, cfg.CheckNames(declared)...)
	}
	config.SortProblems(all.Problems)
	config.SortProblems(all.Warnings)
	return all
}

// configureAdapter configures the channels of one adapter in the order of the file.
func (p *plugins) configureAdapter(ctx context.Context, cfg *config.Config, name string, h *plugin.Host) Findings {
	limit := startTimeout
	if !p.strict || p.former != nil && p.former.cfg.SameAdapter(cfg, name) {
		limit = oneStartTimeout
	}
	starting, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	d, err := h.Describe(starting)
	if err != nil {
		cause := err.Error()
		if last := h.Status().LastError; last != "" {
			cause = last
		}
		return p.handleMissing(cfg, name, h, cause)
	}
	p.mu.Lock()
	p.described[name] = d
	p.mu.Unlock()
	var all Findings
	for i := range cfg.Channels {
		if ch := &cfg.Channels[i]; ch.Adapter == name {
			all.add(p.configureChannel(ctx, cfg, ch, h, d.GetSettingsSchema()))
		}
	}
	return all
}

// configureChannel validates and configures one channel, as far as it is usable.
func (p *plugins) configureChannel(ctx context.Context, cfg *config.Config, ch *config.Channel, h *plugin.Host,
	schema []byte,
) Findings {
	usable := cfg.Usable(ch.Name)
	if usable == config.Unusable {
		return Findings{}
	}
	if problems := cfg.CheckSettings(ch.Name, schema); len(problems) > 0 {
		return p.handleInvalid(cfg, ch, h, findingsOf(problems...))
	}
	var found Findings
	for _, f := range cfg.CheckAddresses(ch.Name, schema) {
		if f.Code.IsWarning() {
			found.Warnings = append(found.Warnings, f)
		} else {
			found.Problems = append(found.Problems, f)
		}
	}
	if usable != config.UsableChannel {
		return found
	}
	pc, err := channelConfig(cfg, ch, schema)
	if err != nil {
		found.add(findingsOf(cfg.SettingProblem(finding.InvalidSetting, ch.Name, "", err.Error())))
		return found
	}
	ctx, cancel := context.WithTimeout(ctx, configureTimeout)
	defer cancel()
	listed, err := h.Validate(ctx, pc)
	if err != nil {
		return p.handleRefused(cfg, ch, h, cfg.Problem(finding.AdapterFailed, err.Error(), "channels", ch.Name, "adapter"))
	}
	for _, f := range listed {
		switch {
		case cfg.IsUnset(ch.Name, f.GetPath()):
		case f.GetWarning():
			found.Warnings = append(found.Warnings, settingProblem(cfg, ch, schema, finding.SuspiciousSetting, f))
		default:
			found.Problems = append(found.Problems, settingProblem(cfg, ch, schema, finding.InvalidSetting, f))
		}
	}
	if len(found.Problems) > 0 {
		return p.handleInvalid(cfg, ch, h, found)
	}
	resp, err := h.Configure(ctx, pc)
	switch e := resp.GetError(); {
	case err != nil:
		failed := cfg.Problem(finding.AdapterFailed, err.Error(), "channels", ch.Name, "adapter")
		found.add(p.handleRefused(cfg, ch, h, failed))
	case e != nil && cfg.IsUnset(ch.Name, e.GetField()):
	case e != nil:
		refused := &pluginpb.Problem{Path: e.GetField(), Message: e.GetText()}
		refusal := settingProblem(cfg, ch, schema, finding.InvalidSetting, refused)
		found.add(p.handleRefused(cfg, ch, h, refusal))
	default:
		p.mu.Lock()
		p.endpoints[ch.Name], p.configured[ch.Name] = resp, pc
		p.mu.Unlock()
	}
	return found
}

// settingProblem returns an adapter's problem with a setting, with its position. If the adapter has no setting with the
// name "role", this name means the channel's role. If the path is empty, the problem is about all settings.
func settingProblem(
	cfg *config.Config, ch *config.Channel, schema []byte, code finding.Code, p *pluginpb.Problem,
) config.Problem {
	if s, err := settings.Parse(schema); p.GetPath() == "role" && err == nil && s.Property("role") == nil {
		return cfg.Problem(code, p.GetMessage(), "channels", ch.Name, "role")
	}
	return cfg.SettingProblem(code, ch.Name, p.GetPath(), p.GetMessage())
}

// logWarnings logs suspicious but valid settings.
func (f *Findings) logWarnings(log *slog.Logger) {
	for _, w := range f.Warnings {
		log.Warn("suspicious setting", "setting", w.Path, "position", w.Position.String(), "text", w.Message)
	}
}
