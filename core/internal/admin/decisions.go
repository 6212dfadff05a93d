package admin

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"patchbay/core/internal/conversation"
	"patchbay/core/internal/recorded"
	"patchbay/core/internal/trail"
)

// MaxDecisions is the maximum number of runs of the rules in one response.
const MaxDecisions = 100_000

// DecisionLine is one line of the response of /api/decisions. The last line has Omitted instead of a decision.
type DecisionLine struct {
	*recorded.Decision
	Omitted *int `json:"omitted,omitempty"` // runs that were left out, see trail.Trail.Decisions
}

// decisions serves GET /api/decisions?last=… or ?id=…: recorded runs of the rules with their facts, one JSON object per
// line, oldest first. They contain the texts of messages. After the first line an error can only break the connection.
func (a *Admin) decisions(w http.ResponseWriter, r *http.Request) {
	q := trail.DecisionQuery{ID: r.URL.Query().Get("id")}
	if q.ID == "" {
		n, err := strconv.Atoi(r.URL.Query().Get("last"))
		if err != nil || n < 1 || n > MaxDecisions {
			reply(w, http.StatusBadRequest, problem{fmt.Sprintf("give the parameter id, or last from 1 to %d", MaxDecisions)})
			return
		}
		q.Last = n
	}
	var policy *conversation.Policy
	err := a.Writer.Do(r.Context(), func(tx *conversation.Transaction) error {
		policy = tx.Policy()
		return nil
	})
	if err != nil {
		a.fail(w, "read decisions", err)
		return
	}
	w = newStallWriter(w) // reading a large log takes minutes
	written := false
	enc := json.NewEncoder(w)
	omitted, err := a.Trail.Decisions(r.Context(), policy, q, func(d *recorded.Decision) error {
		if !written {
			w.Header().Set("Content-Type", "application/x-ndjson")
			written = true
		}
		return enc.Encode(DecisionLine{Decision: d})
	})
	switch {
	case err != nil && written:
		a.Logger.Error("request failed", "operation", "read decisions", "error", err)
		panic(http.ErrAbortHandler)
	case err != nil:
		a.fail(w, "read decisions", err)
	case !written && q.ID != "":
		reply(w, http.StatusNotFound, problem{fmt.Sprintf("the log has no run of the rules for a message or conversation "+
			"%q; a message without rules, or from before an upgrade, has none; "+
			"`patchbay trace` finds the conversation of a message, thread or customer", q.ID)})
	default:
		_ = enc.Encode(DecisionLine{Omitted: &omitted}) // fails if the caller has disconnected
	}
}
