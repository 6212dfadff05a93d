package botwebhook

import "time"

// await starts the clock, unless somebody spoke already.
func (h *Handoff) await() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.how == "" && h.Heard.Len() == 0 {
		h.timer = time.AfterFunc(h.s.o.Human.Wait, h.expire)
	}
}

// expire is what the clock does. It waits for nobody: the call is in the outcomes.
func (h *Handoff) expire() {
	h.mu.Lock()
	silent := h.Heard.Len() == 0 && h.finish(TimedOut)
	h.mu.Unlock()
	if !silent {
		return
	}
	c, err := h.prepare(EndpointClose, map[string]any{"type": TimedOut})
	if err == nil {
		err = h.s.pusher.Push(h.ID, c)
	}
	if err != nil {
		h.s.Problems.Append(err.Error())
	}
}

// hear notes a message and stops the clock. It returns false if the hand-off is over.
func (h *Handoff) hear(m Heard) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.how != "" {
		return false
	}
	if h.timer != nil {
		h.timer.Stop()
	}
	h.Heard.Append(m)
	return true
}

// end returns false if the hand-off was over already.
func (h *Handoff) end(how End) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.finish(how)
}

// finish is end for who holds the lock.
func (h *Handoff) finish(how End) bool {
	if h.how != "" {
		return false
	}
	h.how = how
	if h.timer != nil {
		h.timer.Stop()
	}
	close(h.ended)
	return true
}
