package app

import (
	"context"
	"fmt"
	"log/slog"
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

// plugins are the plugin processes with the descriptions of the adapters and the endpoints of their channels.
type plugins struct {
	hosts  map[string]*plugin.Host
	log    *slog.Logger
	strict bool                    // an adapter that does not start is a problem
	kept   map[string]*keptAdapter // nil for an adapter without a kept description

	mu          sync.Mutex // guards the maps below during configure
	described   map[string]*pluginpb.DescribeResponse
	endpoints   map[string]*pluginpb.ConfigureResponse // by channel
	configured  map[string]*pluginpb.ChannelConfig     // by channel; only if a process accepted it
	unavailable map[string]string                      // causes by channel, until the gateway restarts

	cancel  context.CancelFunc
	running sync.WaitGroup
}

// startPlugins starts, in parallel, every adapter that a channel uses and whose section of the configuration is valid.
// Their sockets are in folders below runtimeDir.
func startPlugins(cfg *config.Config, o *Options, runtimeDir string, m *plugin.Metrics) *plugins {
	log := o.Logger
	ctx, cancel := context.WithCancel(context.Background())
	p := &plugins{
		hosts: map[string]*plugin.Host{}, log: log, strict: o.Strict, kept: map[string]*keptAdapter{},
		described: map[string]*pluginpb.DescribeResponse{}, endpoints: map[string]*pluginpb.ConfigureResponse{},
		configured: map[string]*pluginpb.ChannelConfig{}, unavailable: map[string]string{}, cancel: cancel,
	}
	for name, a := range cfg.Adapters {
		if !slices.ContainsFunc(cfg.Channels, func(c config.Channel) bool { return c.Adapter == name }) {
			log.Warn("adapter is not used by any channel, not started", "adapter", name)
			continue
		}
		if !cfg.UsableAdapter(name) {
			continue
		}
		h := plugin.New(plugin.Options{
			Name: name, Command: command(a.Command), Args: a.Args, Env: environment(a.Env), GatewayVersion: o.Version,
			RuntimeDir: runtimeDir, Logger: log, Metrics: m, Complete: completeSettings(cfg),
			Secrets: cfg.Secrets(),
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

// stop drains and stops all plugin processes, and waits for them.
func (p *plugins) stop() {
	p.cancel()
	p.running.Wait()
}
