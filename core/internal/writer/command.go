package writer

import (
	"context"
	"fmt"
	"runtime/debug"

	"patchbay/core/internal/conversation"
	"patchbay/core/internal/state"
)

// command is a function that runs on the loop. It has either decide, which may change the state, or view, which may
// not.
type command struct {
	decide func(*conversation.Transaction) error
	view   func(*state.State)
	err    error
	done   chan struct{}
}

// Do runs f on the loop. The changes of f are stored when Do returns nil.
func (w *Writer) Do(ctx context.Context, f func(*conversation.Transaction) error) error {
	return w.command(ctx, &command{decide: f, done: make(chan struct{})})
}

// View runs f on the loop. F must return quickly. It may keep the *state.Conversation values that it reads.
func (w *Writer) View(ctx context.Context, f func(*state.State)) error {
	return w.command(ctx, &command{view: f, done: make(chan struct{})})
}

func (w *Writer) command(ctx context.Context, c *command) error {
	w.mu.Lock()
	if w.stopping {
		w.mu.Unlock()
		return ErrStopping
	}
	w.commands = append(w.commands, c)
	w.mu.Unlock()
	w.wakeUp()
	select {
	case <-c.done:
		return c.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// answerView runs c if it is a view command, and reports whether it is one. A view may run while a record is being
// stored, because the state is consistent then.
func (w *Writer) answerView(c *command) bool {
	if c.view == nil {
		return false
	}
	c.err = w.runView(c.view)
	close(c.done)
	return true
}

// runView runs a view. A panic becomes an error of the caller, so that the loop continues.
func (w *Writer) runView(view func(*state.State)) (err error) {
	defer func() {
		if p := recover(); p != nil {
			w.Logger.Error("view panicked", "error", p, "stack", string(debug.Stack()))
			err = fmt.Errorf("view the state: %v", p)
		}
	}()
	view(w.state)
	return nil
}
