package app

import (
	"context"
	"time"

	"patchbay/core/internal/state"
	"patchbay/core/internal/writer"
)

// drainInterval is the interval at which watchDrain checks whether work is left.
const drainInterval = 500 * time.Millisecond

// watchDrain ends the gateway when an operator has drained it and no work is left.
func (a *App) watchDrain(ctx context.Context, w *writer.Writer) {
	select {
	case <-w.Draining():
	case <-ctx.Done():
		return
	}
	a.log.Info("draining", "effect", "webhooks get 503; the gateway ends when its deliveries have ended")
	ticks := time.NewTicker(drainInterval)
	defer ticks.Stop()
	for {
		var left state.Backlog
		if err := w.View(ctx, func(s *state.State) { left = s.Backlog() }); err == nil && left.Empty() {
			close(a.drained)
			return
		}
		select {
		case <-ticks.C:
		case <-ctx.Done():
			return
		}
	}
}
