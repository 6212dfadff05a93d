package app

import (
	"time"

	"patchbay/core/internal/admin"
	"patchbay/core/internal/config"
)

// revision is a revision of the configuration with the plugin processes that run for it. It does not change once it is
// in force.
type revision struct {
	number  uint64
	cfg     *config.Config
	read    time.Time
	plugins *plugins
}

// describeRunning returns the revision in the form for operators.
func (r *revision) describeRunning() *admin.Running {
	return &admin.Running{
		Config: r.cfg, Revision: r.number, Read: r.read, Hosts: r.plugins.hosts, Unavailable: r.plugins.unavailable,
	}
}

// canReuse reports whether the next configuration can use the process of an adapter: the adapter and its channels have
// not changed, and the process serves all of the channels. A nil revision has no processes.
func (r *revision) canReuse(next *config.Config, adapter string) bool {
	if r == nil || r.plugins.hosts[adapter] == nil || !r.cfg.SameAdapter(next, adapter) {
		return false
	}
	h := r.plugins.hosts[adapter]
	for _, ch := range channelsOf(next, adapter) {
		if r.plugins.configured[ch] == nil || !h.Serves(ch) {
			return false
		}
	}
	return h.Status().AcceptsCalls()
}

// take takes over the process of an adapter from the former revision, with its description and the endpoints of its
// channels.
func (p *plugins) take(cfg *config.Config, adapter string) {
	from := p.former.plugins
	p.taken[adapter] = true
	p.running[adapter], p.hosts[adapter] = from.running[adapter], from.hosts[adapter]
	if d := from.described[adapter]; d != nil {
		p.described[adapter] = d
	}
	for _, ch := range channelsOf(cfg, adapter) {
		if endpoint := from.endpoints[ch]; endpoint != nil {
			p.endpoints[ch] = endpoint
		}
		if pc := from.configured[ch]; pc != nil {
			p.configured[ch] = pc
		}
		if cause := from.unavailable[ch]; cause != "" {
			p.unavailable[ch] = cause
		}
	}
}

// fallBack handles an adapter whose new process does not work. If the adapter and its channels have not changed, the
// configuration is not the cause: fallBack stops the new process and takes over that of the former revision. It reports
// whether it did.
func (p *plugins) fallBack(cfg *config.Config, adapter string, found *Findings) bool {
	if p.former == nil || p.former.plugins.hosts[adapter] == nil || !p.former.cfg.SameAdapter(cfg, adapter) {
		return false
	}
	p.log.Error("new process of an adapter does not work, the previous one stays in use", "adapter", adapter,
		"error", &config.Problems{List: found.Problems})
	p.running[adapter].stop()
	for _, ch := range channelsOf(cfg, adapter) {
		delete(p.endpoints, ch)
		delete(p.configured, ch)
	}
	delete(p.described, adapter)
	p.take(cfg, adapter)
	return true
}

// channelsOf returns the names of an adapter's channels in the order of the file.
func channelsOf(cfg *config.Config, adapter string) []string {
	var out []string
	for i := range cfg.Channels {
		if cfg.Channels[i].Adapter == adapter {
			out = append(out, cfg.Channels[i].Name)
		}
	}
	return out
}
