package app

import (
	"path/filepath"
	"time"

	"patchbay/core/internal/config"
	"patchbay/core/internal/disk"
	"patchbay/core/internal/finding"
	"patchbay/core/internal/plugin"
)

// oneStartTimeout bounds the wait for an adapter that the gateway can start without. It allows for one hanging start.
const oneStartTimeout = 12 * time.Second

func keptDir(cfg *config.Config) string { return filepath.Join(cfg.Store.Dir, "adapters") }

// readKept reads the kept descriptions of all adapters.
func (p *plugins) readKept(dir string) {
	for name := range p.hosts {
		k, err := readKept(dir, name)
		if err != nil {
			p.log.Warn("kept description of an adapter is not usable", "adapter", name, "error", err)
		}
		p.kept[name] = k
	}
}

// keep stores the descriptions of the adapters that accepted all their channels.
func (p *plugins) keep(cfg *config.Config) {
	dir := keptDir(cfg)
	if err := disk.MakeFolder(dir); err != nil {
		p.log.Warn("descriptions of adapters are not kept", "error", err)
		return
	}
	for name, d := range p.described {
		k := &keptAdapter{description: d, channels: map[string]keptChannel{}}
		complete := true
		for i := range cfg.Channels {
			ch := &cfg.Channels[i]
			if ch.Adapter != name {
				continue
			}
			pc := p.configured[ch.Name]
			if complete = complete && pc != nil; pc != nil {
				k.channels[ch.Name] = keptChannel{config: configDigest(pc), endpoint: p.endpoints[ch.Name]}
			}
		}
		if !complete {
			continue
		}
		if err := k.write(dir, name); err != nil {
			p.log.Warn("description of an adapter is not kept", "adapter", name, "error", err)
		}
	}
}

// handleMissing handles an adapter that does not start. In strict mode this is a problem. Otherwise each channel with a
// kept endpoint waits for the adapter. The other channels are unavailable until a later revision has a working process.
func (p *plugins) handleMissing(cfg *config.Config, name string, h *plugin.Host, cause string) Findings {
	if p.strict {
		return findingsOf(cfg.Problem(finding.AdapterNotStarted, "the program could not be started: "+cause, "adapters",
			name, "command"))
	}
	var waiting, unavailable []string
	for i := range cfg.Channels {
		ch := &cfg.Channels[i]
		switch {
		case ch.Adapter != name:
		case p.restore(cfg, ch, h, cause):
			waiting = append(waiting, ch.Name)
		default:
			p.makeUnavailable(ch.Name, cause)
			unavailable = append(unavailable, ch.Name)
		}
	}
	if len(waiting) > 0 && !h.Serves(waiting[0]) {
		h.Restart() // a process became ready too late to be configured
	}
	p.log.Error("adapter is missing at start", "adapter", name, "error", cause, "waiting_channels", waiting,
		"unavailable_channels", unavailable, "remedy", missingRemedy(unavailable))
	return Findings{}
}

func missingRemedy(unavailable []string) string {
	if len(unavailable) > 0 {
		return "repair the adapter or its settings, then run `patchbay reload`"
	}
	return "repair the adapter; the gateway starts it again and again"
}

// handleRefused handles a channel that the adapter does not accept although its settings are valid.
func (p *plugins) handleRefused(cfg *config.Config, ch *config.Channel, h *plugin.Host, cause config.Problem) Findings {
	if p.strict {
		return findingsOf(cause)
	}
	var unavailable []string
	if !p.restore(cfg, ch, h, cause.Message) {
		p.makeUnavailable(ch.Name, cause.Message)
		unavailable = append(unavailable, ch.Name)
	}
	p.log.Error("adapter did not accept a channel at start", "adapter", ch.Adapter, "channel", ch.Name,
		"error", cause.String(), "remedy", missingRemedy(unavailable))
	return Findings{}
}

// handleInvalid handles a channel whose settings are not valid for the adapter. If an earlier process accepted the same
// configuration, the program has changed, and the channel waits for a program that accepts it. Otherwise the
// configuration has problems, and handleInvalid returns found.
func (p *plugins) handleInvalid(cfg *config.Config, ch *config.Channel, h *plugin.Host, found Findings) Findings {
	if p.strict || !p.restore(cfg, ch, h, found.Problems[0].Message) {
		return found
	}
	p.log.Error("adapter refused a channel that it accepted before", "adapter", ch.Adapter, "channel", ch.Name,
		"error", &config.Problems{List: found.Problems},
		"remedy", "adapt the settings and reload the configuration, or install the previous program and restart the adapter")
	found.Problems = nil
	return found
}

// restore applies the kept description and endpoint of a channel. It returns false if none is kept for this
// configuration.
func (p *plugins) restore(cfg *config.Config, ch *config.Channel, h *plugin.Host, cause string) bool {
	k := p.kept[ch.Adapter]
	pc, endpoint := k.match(cfg, ch)
	if pc == nil {
		return false
	}
	h.Adopt(k.description)
	h.AdoptChannel(pc, endpoint, cause)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.described[ch.Adapter] == nil {
		p.described[ch.Adapter] = k.description
	}
	p.endpoints[ch.Name] = endpoint
	return true
}

func (p *plugins) makeUnavailable(channel, cause string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.unavailable[channel] = cause
}

// lacksPaths reports whether the webhook paths of a channel are unknown.
func (p *plugins) lacksPaths() bool { return len(p.unavailable) > 0 }
