package admin

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"patchbay/core/internal/state"
	"patchbay/core/internal/trail"
)

const apiTimeout = 20 * time.Second

// trace serves GET /api/trace?id=…[&id=…][&text=1][&all=1].
func (a *Admin) trace(w http.ResponseWriter, r *http.Request) {
	ids := r.URL.Query()["id"]
	if len(ids) == 0 || ids[0] == "" || len(ids) > trail.MaxIDs {
		reply(w, http.StatusBadRequest, problem{fmt.Sprintf(
			"parameter id: give 1 to %d ids of messages, deliveries, conversations, threads or customers", trail.MaxIDs)})
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), apiTimeout)
	defer cancel()
	found, err := a.Trail.Find(ctx, trail.Query{IDs: ids, Text: r.URL.Query().Has("text"), All: r.URL.Query().Has("all")})
	if err != nil {
		a.fail(w, "trace", err) // without the ids: a customer's id must not be logged
		return
	}
	if len(found) == 0 {
		names := strings.Join(ids[:min(len(ids), 3)], ", ")
		reply(w, http.StatusNotFound, problem{fmt.Sprintf("the log has nothing with the id %q", names)})
		return
	}
	for _, c := range found {
		a.addReasons(c)
	}
	reply(w, http.StatusOK, map[string]any{"id": ids[0], "conversations": found})
}

// addReasons adds the reasons why deliveries are pending. The state does not have them: they come from the lanes, the
// adapters and the configuration. Then it completes the reason why the conversation waits.
func (a *Admin) addReasons(c *trail.Conversation) {
	for i := range c.Pending {
		d := &c.Pending[i]
		if d.Delivery == "" || d.Reason != "" && d.Status != state.StatusRetrying {
			continue
		}
		reason := ""
		if took, calling := a.Lanes.CallTime(d.Delivery); calling {
			d.Status, d.NextAttempt = trail.StatusInFlight, time.Time{}
			reason = fmt.Sprintf("the call began %s ago", took.Round(100*time.Millisecond))
		} else {
			reason = a.pendingReason(d)
		}
		if d.Reason != "" {
			reason += "; " + d.Reason
		}
		d.Reason = reason
	}
	c.Complete()
}
