package app

import (
	"fmt"
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"patchbay/core/internal/config"
	"patchbay/core/internal/plugin"
	"patchbay/sdk/protocol/pluginpb"
)

// startTimeout bounds the start and the configuration of all adapters together.
const startTimeout = 30 * time.Second

// configureTimeout bounds the configuration of one channel.
const configureTimeout = 10 * time.Second

// plugins are the adapters of one revision of the configuration: their processes, their descriptions, and the endpoints
// of their channels. If an adapter and its channels have not changed, a revision takes over the process of the former
// revision.
type plugins struct {
	running map[string]*runningAdapter
	hosts   map[string]*plugin.Host // of running
	log     *slog.Logger
	strict  bool                    // an adapter that does not start is a problem
	kept    map[string]*keptAdapter // nil for an adapter without a kept description
	former  *revision               // nil at the start
	taken   map[string]bool         // adapters whose process was taken over from the former revision

	mu          sync.Mutex // guards the maps below during configure
	described   map[string]*pluginpb.DescribeResponse
	endpoints   map[string]*pluginpb.ConfigureResponse // by channel
	configured  map[string]*pluginpb.ChannelConfig     // by channel; only if a process accepted it
	unavailable map[string]string                      // causes by channel
}

func newPlugins(log *slog.Logger, strict bool) *plugins {
	return &plugins{
		running: map[string]*runningAdapter{}, hosts: map[string]*plugin.Host{}, log: log, strict: strict,
		kept: map[string]*keptAdapter{}, taken: map[string]bool{},
		described: map[string]*pluginpb.DescribeResponse{}, endpoints: map[string]*pluginpb.ConfigureResponse{},
		configured: map[string]*pluginpb.ChannelConfig{}, unavailable: map[string]string{},
	}
}

// startPlugins starts adapters in parallel: those that a channel uses or, with o.all, all of them. It leaves out
// adapters whose section of the configuration is not valid. It takes over working processes of unchanged adapters from
// the former revision, if there is one. The sockets of the processes are in folders below runtimeDir.
func startPlugins(cfg *config.Config, former *revision, o *Options, runtimeDir string, m *plugin.Metrics) *plugins {
	p := newPlugins(o.Logger, o.Strict)
	p.former = former
	for name, a := range cfg.Adapters {
		isUsed := slices.ContainsFunc(cfg.Channels, func(c config.Channel) bool { return c.Adapter == name })
		if !isUsed && !o.all {
			p.log.Warn("adapter is not used by any channel, not started", "adapter", name)
			continue
		}
		if !cfg.UsableAdapter(name) {
			continue
		}
		if former.canReuse(cfg, name) {
			p.take(cfg, name)
			continue
		}
		p.running[name] = startAdapter(plugin.Options{
			Name: name, Command: command(a.Command), Args: a.Args, Env: environment(a.Env), GatewayVersion: o.Version,
			RuntimeDir: runtimeDir, Logger: p.log, Metrics: m, Complete: completeSettings(cfg),
			Secrets: cfg.Secrets(), Candidate: former != nil, DrainTimeout: drainTimeout(cfg, name),
		}, p.log)
		p.hosts[name] = p.running[name].Host
	}
	return p
}

// drainTimeout returns the time that running calls have to end when the process of an adapter is stopped.
func drainTimeout(cfg *config.Config, adapter string) time.Duration {
	longest := 10 * time.Second
	for i := range cfg.Channels {
		if ch := &cfg.Channels[i]; ch.Adapter == adapter {
			longest = max(longest, ch.Delivery.Timeout)
		}
	}
	return longest + 5*time.Second
}

// completeSettings returns a function that checks and completes the settings of a channel with a schema.
func completeSettings(cfg *config.Config) func(string, []byte) ([]byte, error) {
	return func(channel string, schema []byte) ([]byte, error) {
		if problems := cfg.CheckSettings(channel, schema); len(problems) > 0 {
			return nil, &config.Problems{List: problems}
		}
		return cfg.CompleteSettings(channel, schema)
	}
}

// environment gives each adapter half of the cores, unless GOMAXPROCS is set: adapters share the machine with the
// gateway, and idle threads that look for work cost more than they gain.
func environment(env []string) []string {
	isSet := func(e string) bool { return strings.HasPrefix(e, "GOMAXPROCS=") }
	if os.Getenv("GOMAXPROCS") != "" || slices.ContainsFunc(env, isSet) {
		return env
	}
	return append(slices.Clone(env), fmt.Sprintf("GOMAXPROCS=%d", max(1, runtime.NumCPU()/2)))
}

// command returns the absolute path of a program. A name without a slash is looked up in PATH.
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

// stop drains and stops all processes, and waits for them.
func (p *plugins) stop() { stopAll(slices.Collect(maps.Values(p.running))) }

// discard stops the processes that were not taken over from the former revision.
func (p *plugins) discard() {
	var own []*runningAdapter
	for name, a := range p.running {
		if !p.taken[name] {
			own = append(own, a)
		}
	}
	stopAll(own)
}
