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
	"patchbay/core/internal/delivery"
	"patchbay/core/internal/state"
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
	state  *state.State
	last   uint64
	recent *envelopeCache

	mu          sync.Mutex // guards what follows
	results     []*delivery.Outcome
	submissions []*submission
	commands    []*command
	stopping    bool
	wake        chan struct{}

	failure       atomic.Pointer[string] // why nothing can be stored, or nil
	opens         map[string]*rate.Limiter
	inFlight      inFlight
	timers        timers
	deadlinesFrom time.Time // overdue deadlines wait until then
	pendingFrom   time.Time // no orphan is given up before: those of before the start wait anew
	admitAt       time.Time // orphans whose thread is known are not taken in before: the last try failed
	// lettersAt is when dead letters are looked through again, and moreLetters whether the last look left some.
	expireAt     time.Time
	moreToExpire bool

	retryAt       time.Time // when a record that was not stored is tried again
	pendingOffers map[string]bool
	snapshots     snapshotter
	ages          ages
}

// command runs on the loop. With turn it may change state; with view it only looks.
type command struct {
	decide func(*conversation.Transaction) error
	view   func(*state.State)
	err    error
	done   chan struct{}
}

// New returns a writer that has not yet read its log.
func New(o Options) *Writer {
	if o.HistoryAge == 0 {
		o.HistoryAge = historyAge
	}
	return &Writer{
		Options: o, state: state.New(), recent: newEnvelopeCache(cacheBytes), wake: make(chan struct{}, 1),
		opens: map[string]*rate.Limiter{}, inFlight: inFlight{}, timers: newTimers(), pendingOffers: map[string]bool{},
	}
}

// Writable returns nil if new input can be stored, else why not.
func (w *Writer) Writable() error {
	if why := w.failure.Load(); why != nil {
		return fmt.Errorf("%w: %s", ErrUnavailable, *why)
	}
	if h := w.Log.Health(); !h.Writable {
		return fmt.Errorf("%w: %s", ErrUnavailable, h.Reason)
	}
	return nil
}

// Finish takes the outcome of a delivery. It does not wait.
func (w *Writer) Finish(o *delivery.Outcome) {
	w.mu.Lock()
	w.results = append(w.results, o)
	w.mu.Unlock()
	w.wakeUp()
}

// Do runs f on the loop; what it decides is stored before Do returns.
func (w *Writer) Do(ctx context.Context, f func(*conversation.Transaction) error) error {
	return w.command(ctx, &command{decide: f, done: make(chan struct{})})
}

// View runs f on the loop. It must be quick; it may keep the *Conversation values that it sees.
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

func (w *Writer) wakeUp() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}
