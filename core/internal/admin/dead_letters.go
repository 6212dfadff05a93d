package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"patchbay/core/internal/conversation"
	"patchbay/core/internal/trail"
)

const apiTimeout = 20 * time.Second

// trace answers GET /api/trace?id=…[&id=…][&text=1][&all=1].
func (a *Admin) trace(w http.ResponseWriter, r *http.Request) {
	ids := r.URL.Query()["id"]
	if len(ids) == 0 || ids[0] == "" || len(ids) > trail.MaxIDs {
		reply(w, http.StatusBadRequest, problem{fmt.Sprintf("id: give 1 to %d, of a message, delivery, conversation, thread or customer",
			trail.MaxIDs)})
		return
	}
	id := strings.Join(ids[:min(len(ids), 3)], ", ")
	ctx, cancel := context.WithTimeout(r.Context(), apiTimeout)
	defer cancel()
	found, err := a.Trail.Find(ctx, trail.Query{IDs: ids, Text: r.URL.Query().Has("text"), All: r.URL.Query().Has("all")})
	if err != nil {
		a.fail(w, "trace "+id, err)
		return
	}
	if len(found) == 0 {
		reply(w, http.StatusNotFound, problem{fmt.Sprintf("nothing in the log that is kept is known by the id %q", id)})
		return
	}
	for _, c := range found {
		a.explain(c)
	}
	reply(w, http.StatusOK, map[string]any{"id": ids[0], "conversations": found})
}

// explain says why the heads of lanes wait now.
func (a *Admin) explain(c *trail.Conversation) {
	for i := range c.Waiting {
		wait := &c.Waiting[i]
		if wait.Delivery == "" || wait.Why != "" && wait.Status != conversation.StatusRetrying {
			continue
		}
		if why := a.why(wait); why != "" {
			wait.Why = join(why, wait.Why)
		}
	}
}

func join(a, b string) string {
	if b == "" {
		return a
	}
	return a + "; " + b
}

func (a *Admin) why(wait *trail.Waiting) string {
	ch, ok := a.Config.Channel(wait.Channel)
	if !ok {
		return "channel " + wait.Channel + " is not in the configuration"
	}
	if h := a.Hosts[ch.Adapter]; h != nil {
		if s := h.Status(); !s.Serving() {
			return fmt.Sprintf("adapter %s is %s", ch.Adapter, s.State)
		}
	}
	breaker, paused, waiting, running := a.Lanes.State(wait.Channel)
	switch {
	case breaker == "open":
		return "the channel's circuit breaker is open: the vendor does not answer well"
	case paused > 0:
		return "the vendor asked for a pause of " + paused.Round(time.Second).String()
	case wait.Next.After(time.Now()):
		return "backs off until " + wait.Next.Format(time.RFC3339)
	case running >= ch.Delivery.Concurrency:
		return fmt.Sprintf("the channel has %d calls in flight, its limit, and %d waiting", running, waiting)
	}
	return "in flight"
}

// conversation answers GET /api/conversations/{id}.
func (a *Admin) conversation(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), apiTimeout)
	defer cancel()
	var c *trail.Conversation
	err := a.Writer.View(ctx, func(b *conversation.State) { c = trail.Describe(b, r.PathValue("id")) })
	if err != nil {
		a.fail(w, "conversation", err)
		return
	}
	if c == nil {
		reply(w, http.StatusNotFound, problem{fmt.Sprintf("there is no live conversation %q; `patchbay trace` finds ended ones, "+
			"and those of a message, thread or customer", r.PathValue("id"))})
		return
	}
	a.explain(c)
	reply(w, http.StatusOK, c)
}

// deadList answers GET /api/dead[?channel=…].
func (a *Admin) deadList(w http.ResponseWriter, r *http.Request) {
	list := []trail.DeadLetter{}
	err := a.Writer.View(r.Context(), func(b *conversation.State) {
		for _, d := range b.DeadLetters() {
			if ch := r.URL.Query().Get("channel"); ch == "" || ch == d.Delivery.Channel {
				list = append(list, trail.DescribeDead(d))
			}
		}
	})
	if err != nil {
		a.fail(w, "dead letters", err)
		return
	}
	reply(w, http.StatusOK, map[string]any{"dead": list})
}

// deadShow answers GET /api/dead/{id}: the dead letter with its conversation's trail.
func (a *Admin) deadShow(w http.ResponseWriter, r *http.Request) {
	var d *trail.DeadLetter
	err := a.Writer.View(r.Context(), func(b *conversation.State) {
		if found := b.DeadLetter(r.PathValue("id")); found != nil {
			shown := trail.DescribeDead(found)
			d = &shown
		}
	})
	if err != nil {
		a.fail(w, "dead letter", err)
		return
	}
	if d == nil {
		reply(w, http.StatusNotFound, problem{fmt.Sprintf("no dead letter %q; `patchbay dead list` shows them", r.PathValue("id"))})
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), apiTimeout)
	defer cancel()
	found, err := a.Trail.Find(ctx, trail.Query{IDs: []string{d.ID}, Text: r.URL.Query().Has("text")})
	if err != nil {
		a.fail(w, "dead letter", err)
		return
	}
	reply(w, http.StatusOK, map[string]any{"dead": d, "conversations": found})
}

// deadReplay answers POST /api/dead/{id}/replay.
func (a *Admin) deadReplay(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	var status, delivery string
	err := a.Writer.Do(r.Context(), func(tx *conversation.Transaction) (err error) {
		status, delivery, err = tx.ReplayDeadLetter(id)
		return err
	})
	switch {
	case errors.Is(err, conversation.ErrNoDeadLetter):
		reply(w, http.StatusNotFound, problem{fmt.Sprintf("no dead letter %q; `patchbay dead list` shows them", id)})
	case err != nil:
		reply(w, http.StatusConflict, problem{err.Error()})
	default:
		a.Logger.Info("dead letter replayed", "delivery", id, "status", status, "as", delivery)
		reply(w, http.StatusOK, map[string]string{"dead": id, "status": status, "delivery": delivery})
	}
}

// deadDrop answers DELETE /api/dead/{id}.
func (a *Admin) deadDrop(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	err := a.Writer.Do(r.Context(), func(tx *conversation.Transaction) error { return tx.DropDeadLetter(id) })
	switch {
	case errors.Is(err, conversation.ErrNoDeadLetter):
		reply(w, http.StatusNotFound, problem{fmt.Sprintf("no dead letter %q; `patchbay dead list` shows them", id)})
	case err != nil:
		reply(w, http.StatusConflict, problem{err.Error()})
	default:
		a.Logger.Info("dead letter dropped", "delivery", id)
		reply(w, http.StatusOK, map[string]string{"dead": id, "status": conversation.StatusDropped})
	}
}
