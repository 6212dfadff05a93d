package delivery

import (
	"patchbay/core/internal/state"
)

// Pause starts or ends the pause of a channel by an operator. Calls in flight end; no other call starts until the pause
// ends, and no delivery of the channel is given up.
func (e *Engine) Pause(p *state.Pause) {
	e.mu.Lock()
	defer e.mu.Unlock()
	ch := e.channels[p.Channel]
	if ch == nil {
		return
	}
	ch.paused, ch.resumed = p.Active(), p.Ended
	for t := range ch.tasks {
		e.watch(t)
	}
	if !ch.paused {
		e.startCalls(ch.adapter)
	}
}
