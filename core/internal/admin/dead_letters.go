package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"patchbay/core/internal/conversation"
	"patchbay/core/internal/state"
	"patchbay/core/internal/trail"
)

// deadLetterList serves GET /api/dead-letters[?channel=…], oldest first.
func (a *Admin) deadLetterList(w http.ResponseWriter, r *http.Request) {
	list, ch, known := []trail.DeadLetter{}, r.URL.Query().Get("channel"), false
	err := a.Writer.View(r.Context(), func(s *state.State) {
		known = a.knowsChannel(s, ch)
		for _, d := range s.DeadLetters() {
			if ch == "" || ch == d.Delivery.Channel {
				list = append(list, trail.DescribeDeadLetter(s, d))
			}
		}
	})
	if err != nil {
		a.fail(w, "list the dead letters", err)
		return
	}
	if !known {
		a.replyNoChannel(w, ch)
		return
	}
	reply(w, http.StatusOK, map[string]any{"dead_letters": list})
}

// deadLetterShow serves GET /api/dead-letters/{id}[?text=1] with the dead letter and the trail of its conversation.
func (a *Admin) deadLetterShow(w http.ResponseWriter, r *http.Request) {
	var d *trail.DeadLetter
	err := a.Writer.View(r.Context(), func(s *state.State) {
		if found := s.DeadLetter(r.PathValue("id")); found != nil {
			described := trail.DescribeDeadLetter(s, found)
			d = &described
		}
	})
	if err != nil {
		a.fail(w, "show the dead letter", err)
		return
	}
	if d == nil {
		replyNoDeadLetter(w, r.PathValue("id"))
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), apiTimeout)
	defer cancel()
	found, err := a.Trail.Find(ctx, trail.Query{IDs: []string{d.ID}, Text: r.URL.Query().Has("text")})
	if err != nil {
		a.fail(w, "trace the dead letter", err)
		return
	}
	reply(w, http.StatusOK, map[string]any{"dead_letter": d, "conversations": found})
}

// deadLetterReplay serves POST /api/dead-letters/{id}/replay.
func (a *Admin) deadLetterReplay(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	cmd := readCommand(w, r, "dead replay")
	if cmd == nil {
		return
	}
	var status, delivery string
	err := a.Writer.Do(r.Context(), func(tx *conversation.Transaction) (err error) {
		conv := tx.ConversationOfDeadLetter(id)
		if status, delivery, err = tx.ReplayDeadLetter(id); err == nil {
			tx.RecordCommand(conv, cmd)
		}
		return err
	})
	if err != nil {
		a.refuseDeadLetter(w, "replay", id, err)
		return
	}
	a.logCommand(cmd, "dead_letter", id, "status", status, "delivery", delivery)
	reply(w, http.StatusOK, map[string]string{"dead_letter": id, "status": status, "delivery": delivery})
}

// deadLetterDrop serves DELETE /api/dead-letters/{id}.
func (a *Admin) deadLetterDrop(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	cmd := readCommand(w, r, "dead drop")
	if cmd == nil {
		return
	}
	err := a.Writer.Do(r.Context(), func(tx *conversation.Transaction) error {
		conv := tx.ConversationOfDeadLetter(id)
		err := tx.DropDeadLetter(id)
		if err == nil {
			tx.RecordCommand(conv, cmd)
		}
		return err
	})
	if err != nil {
		a.refuseDeadLetter(w, "drop", id, err)
		return
	}
	a.logCommand(cmd, "dead_letter", id)
	reply(w, http.StatusOK, map[string]string{"dead_letter": id, "status": state.StatusDropped})
}

func (a *Admin) refuseDeadLetter(w http.ResponseWriter, operation, id string, err error) {
	if errors.Is(err, conversation.ErrNoDeadLetter) {
		replyNoDeadLetter(w, id)
		return
	}
	a.refuse(w, operation, err)
}

func replyNoDeadLetter(w http.ResponseWriter, id string) {
	reply(w, http.StatusNotFound, problem{fmt.Sprintf("no dead letter %q; `patchbay dead list` lists them", id)})
}
