package admin

import (
	"net/http"
	"time"

	"patchbay/core/internal/conversation"
	"patchbay/core/internal/state"
)

// DrainStatus is the progress of a drain.
type DrainStatus struct {
	Draining bool `json:"draining"`
	state.Backlog
	HeldUp map[string]string `json:"held_up,omitempty"` // why deliveries wait without limit, by channel
}

// drainStatus serves GET /api/drain.
func (a *Admin) drainStatus(w http.ResponseWriter, r *http.Request) {
	var status DrainStatus
	err := a.Writer.View(r.Context(), func(s *state.State) {
		status.Backlog = s.Backlog()
		status.HeldUp = a.waitingLanes(s)
	})
	if err != nil {
		a.fail(w, "count the deliveries", err)
		return
	}
	running := a.Running()
	for name := range status.Deliveries {
		if reason := a.stopReason(running, name); reason != "" {
			status.HeldUp[name] = reason
		}
	}
	select {
	case <-a.Writer.Draining():
		status.Draining = true
	default:
	}
	reply(w, http.StatusOK, status)
}

// waitingLanes returns the channels with lanes that wait for a dead letter or for the hours of the channel, and why.
func (a *Admin) waitingLanes(s *state.State) map[string]string {
	out, running, now := map[string]string{}, a.Running(), a.Now()
	s.All(func(c *state.Conversation) bool {
		for i := range c.Lanes {
			head := &c.Lanes[i].Queue[0]
			if c.Blocked[head.Channel] != "" {
				out[head.Channel] = "lanes stop at dead letters until these are replayed or dropped"
				continue
			}
			ch, _ := running.Config.Channel(head.Channel)
			if opens := opensAt(ch, now); opens != nil && head.Kind == state.KindOpen && !head.Offer {
				out[head.Channel] = "its hours begin at " + opens.Format(time.RFC3339)
			}
		}
		return true
	})
	return out
}

// drainStart serves POST /api/drain.
func (a *Admin) drainStart(w http.ResponseWriter, r *http.Request) {
	cmd := readCommand(w, r, "drain")
	if cmd == nil {
		return
	}
	err := a.Writer.Do(r.Context(), func(tx *conversation.Transaction) error {
		tx.RecordCommand("", cmd)
		return nil
	})
	if err != nil {
		a.fail(w, "record the command", err)
		return
	}
	a.Writer.Drain()
	a.logCommand(cmd)
	a.drainStatus(w, r)
}
