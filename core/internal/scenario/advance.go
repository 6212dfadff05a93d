package scenario

import (
	"fmt"
	"time"

	"patchbay/core/conversationtest"
	"patchbay/core/internal/conversation"
	"patchbay/core/internal/state"
)

// overdueStep is the time after which an overdue deadline is applied again.
const overdueStep = time.Second

// wait advances the clock to the time of a step.
func (w *World) wait(s *conversationtest.Step) error {
	to := w.now.Add(s.After)
	if s.At != nil {
		at, ok := s.At.Next(w.now)
		if !ok {
			return fmt.Errorf("the time %s has passed; it is %s", s.At, w.now.Format(time.RFC3339))
		}
		to = at
	}
	return w.advance(to)
}

// advance advances the clock and applies every deadline at its time.
func (w *World) advance(to time.Time) error {
	for {
		next := w.nextDeadline()
		if next.IsZero() || next.After(to) {
			w.now = to
			return nil
		}
		w.now = next
		w.applyDeadlines()
		if err := w.settle(); err != nil {
			return err
		}
	}
}

// nextDeadline returns the next time at which something is due, or the zero time.
func (w *World) nextDeadline() time.Time {
	var next time.Time
	add := func(at time.Time) {
		if at.IsZero() {
			return
		}
		if !at.After(w.now) {
			at = w.now.Add(overdueStep)
		}
		if next.IsZero() || at.Before(next) {
			next = at
		}
	}
	for _, c := range w.all() {
		add(conversation.NextDeadline(c, w.policy))
		timer, _ := conversation.NextTimer(c, w.policy)
		add(timer)
		for i := range c.Lanes {
			add(w.laneDeadline(c, &c.Lanes[i].Queue[0]))
		}
	}
	if n, at := w.state.Pending(); n > 0 {
		add(at)
	}
	return next
}

// laneDeadline returns the time at which the head of a lane is released or given up, or the zero time if it is neither.
func (w *World) laneDeadline(c *state.Conversation, d *state.Delivery) time.Time {
	if w.isPaused(d.Channel) || c.Blocked[d.Channel] != "" {
		return time.Time{}
	}
	if at := w.policy.ReleaseAt(d, w.now); at.After(w.now) {
		return at
	}
	return w.deadline(c, d)
}

// applyDeadlines applies the deadlines and timers that are due.
func (w *World) applyDeadlines() {
	w.transact(func(tx *conversation.Transaction) {
		for _, c := range w.all() {
			if at := conversation.NextDeadline(c, w.policy); !at.IsZero() && !at.After(w.now) {
				tx.ApplyDeadlines(c.ID)
			}
			tx.ApplyTimer(c.ID)
		}
		if n, at := w.state.Pending(); n > 0 && !at.After(w.now) {
			tx.ExpirePending()
		}
	})
}
