package admin

import (
	"net/http"

	"patchbay/core/internal/conversation"
	"patchbay/core/internal/state"
)

// DrainStatus is the progress of a drain.
type DrainStatus struct {
	Draining bool `json:"draining"`
	state.Backlog
	Paused []string `json:"paused,omitempty"` // channels with deliveries that operators have paused
}

// drainStatus serves GET /api/drain.
func (a *Admin) drainStatus(w http.ResponseWriter, r *http.Request) {
	var status DrainStatus
	err := a.Writer.View(r.Context(), func(s *state.State) {
		status.Backlog = s.Backlog()
		for name := range status.Deliveries {
			if s.Pause(name).Active() {
				status.Paused = append(status.Paused, name)
			}
		}
	})
	if err != nil {
		a.fail(w, "count the deliveries", err)
		return
	}
	select {
	case <-a.Writer.Draining():
		status.Draining = true
	default:
	}
	reply(w, http.StatusOK, status)
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
