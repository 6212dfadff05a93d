package app

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"

	"patchbay/core/internal/plugin"
)

// process keeps an adapter running until stop: its Host replaces a plugin process that ends.
type process struct {
	*plugin.Host
	cancel context.CancelFunc
	done   chan struct{}
}

// startProcess starts the supervision of an adapter.
func startProcess(o plugin.Options, log *slog.Logger) *process {
	ctx, cancel := context.WithCancel(context.Background())
	p := &process{Host: plugin.New(o), cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		if err := p.Run(ctx); err != nil {
			log.Error("adapter did not stop", "adapter", o.Name, "error", err)
		}
		if o.Candidate { // each reload has another folder, so this one is not used again
			_ = os.Remove(filepath.Join(o.RuntimeDir, o.Name))
			_ = os.Remove(o.RuntimeDir)
		}
	}()
	return p
}

// stop drains the plugin process and waits for its end.
func (p *process) stop() {
	p.cancel()
	<-p.done
}

// stopAll stops processes concurrently.
func stopAll(list []*process) {
	for _, p := range list {
		p.cancel()
	}
	for _, p := range list {
		<-p.done
	}
}
