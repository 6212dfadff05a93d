package writer

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"patchbay/core/internal/conversation"
	"patchbay/core/internal/store"
)

// Options are what a Writer needs. All are required but Limit.
type Options struct {
	Log      store.Log
	Policy   *conversation.Policy
	Lanes    Lanes
	Observer Observer
	Logger   *slog.Logger
	NewID    func() string
	Version  string
	// OpensPerMinute bounds the conversations that one channel may open; 0 is no bound.
	OpensPerMinute int
	// HistoryAge is how long records are kept beyond what deliveries need; 0 is a week.
	HistoryAge time.Duration
}

// Writer owns the book. Its methods are safe for concurrent use, except Start and Run.
type Writer struct {
	Options
	book *conversation.Book
	last uint64
	hot  *hot

	mu       sync.Mutex // guards what follows
	results  []*conversation.Outcome
	webhooks []*webhook
	commands []*command
	stopping bool
	wake     chan struct{}

	sick    atomic.Pointer[string] // why nothing can be stored, or nil
	opens   map[string]*rate.Limiter
	busy    busyLanes
	timers  timers
	notYet  time.Time // overdue deadlines wait until then
	opening time.Time // no orphan is given up before: those of before the start wait anew
	adoptAt time.Time // orphans whose thread is known are not taken in before: the last try failed
	// lettersAt is when dead letters are looked through again, and moreLetters whether the last look left some.
	lettersAt   time.Time
	moreLetters bool

	again   time.Time // when a record that was not stored is tried again
	pending map[string]bool
	snap    snapshots
	ages    ages
}

// command runs on the loop. With turn it may change state; with view it only looks.
type command struct {
	turn func(*conversation.Turn) error
	view func(*conversation.Book)
	err  error
	done chan struct{}
}

// New returns a writer that has not yet read its log.
func New(o Options) *Writer {
	if o.HistoryAge == 0 {
		o.HistoryAge = historyAge
	}
	return &Writer{
		Options: o, book: conversation.NewBook(), hot: newHot(hotBytes), wake: make(chan struct{}, 1),
		opens: map[string]*rate.Limiter{}, busy: busyLanes{}, timers: newTimers(), pending: map[string]bool{},
	}
}

// Writable returns nil if new input can be stored, else why not.
func (w *Writer) Writable() error {
	if why := w.sick.Load(); why != nil {
		return fmt.Errorf("%w: %s", ErrUnavailable, *why)
	}
	if h := w.Log.Health(); !h.Writable {
		return fmt.Errorf("%w: %s", ErrUnavailable, h.Reason)
	}
	return nil
}

// Finish takes the outcome of a delivery. It does not wait.
func (w *Writer) Finish(o *conversation.Outcome) {
	w.mu.Lock()
	w.results = append(w.results, o)
	w.mu.Unlock()
	w.poke()
}

// Do runs f on the loop; what it decides is stored before Do returns.
func (w *Writer) Do(ctx context.Context, f func(*conversation.Turn) error) error {
	return w.command(ctx, &command{turn: f, done: make(chan struct{})})
}

// View runs f on the loop. It must be quick; it may keep the *Conversation values that it sees.
func (w *Writer) View(ctx context.Context, f func(*conversation.Book)) error {
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
	w.poke()
	select {
	case <-c.done:
		return c.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w *Writer) poke() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}
