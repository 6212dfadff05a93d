package app

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"

	"patchbay/core/internal/plugin"
)

// runningAdapter keeps an adapter running until stop: its Host replaces a plugin process that ends.
type runningAdapter struct {
	*plugin.Host
	cancel context.CancelFunc
	done   chan struct{}
}

func startAdapter(o plugin.Options, log *slog.Logger) *runningAdapter {
	ctx, cancel := context.WithCancel(context.Background())
	a := &runningAdapter{Host: plugin.New(o), cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(a.done)
		if err := a.Run(ctx); err != nil {
			log.Error("adapter did not stop", "adapter", o.Name, "error", err)
		}
		if o.Candidate { // each reload has another folder, so this one is not used again
			_ = os.Remove(filepath.Join(o.RuntimeDir, o.Name))
			_ = os.Remove(o.RuntimeDir)
		}
	}()
	return a
}

// stop drains the plugin process and waits for its end.
func (a *runningAdapter) stop() {
	a.cancel()
	<-a.done
}

// stopAll stops adapters concurrently.
func stopAll(list []*runningAdapter) {
	for _, a := range list {
		a.cancel()
	}
	for _, a := range list {
		<-a.done
	}
}
