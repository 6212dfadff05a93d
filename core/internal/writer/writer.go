package writer

import (
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/clock"
	"patchbay/core/internal/conversation"
	"patchbay/core/internal/state"
	"patchbay/core/internal/store"
)

// Options configure a Writer. All fields without a documented default are required.
type Options struct {
	Log      store.Log
	Policy   *conversation.Policy
	Lanes    Lanes
	Observer Observer
	Logger   *slog.Logger
	NewID    func() string
	Version  string
	Hash     string           // of the configuration file
	Now      func() time.Time // the gateway's clock; nil is clock.System
	// OpensPerMinute limits the conversations that one channel may open; 0 is no limit.
	OpensPerMinute int
	// HistoryAge is the age up to which records are kept that no delivery needs; 0 is a week.
	HistoryAge time.Duration
}

// Writer owns the state. Its methods are safe for concurrent use, except Start and Run.
type Writer struct {
	Options
	state  *state.State
	last   uint64
	recent *envelopeCache

	mu          sync.Mutex // guards the next five fields
	outcomes    []*attempt.Outcome
	submissions []*submission
	commands    []*command
	revisions   []*waitingRevision
	stopping    bool
	wake        chan struct{}

	draining      chan struct{} // closed by Drain
	drainOnce     sync.Once
	failure       atomic.Pointer[string] // cause, while nothing can be stored; otherwise nil
	noRoom        atomic.Pointer[string] // advice for operators while the log is full
	opens         map[string]*rate.Limiter
	inFlight      inFlight
	deadlines     schedule  // see conversation.NextDeadline
	timers        schedule  // see conversation.NextTimer
	overdue       schedule  // timers that wait again after a start or a revision
	overdueAt     time.Time // next time at which timers of overdue are due
	deadlinesFrom time.Time // deadlines and timers wait until then after a start
	pendingFrom   time.Time // pending envelopes are kept at least until then
	admitAt       time.Time // next try to admit pending envelopes, after a failed one
	pendingAlone  bool      // the next record with decisions on pending envelopes has no other inputs
	expireAt      time.Time // next search for expired dead letters
	moreToExpire  bool      // the last search left expired dead letters
	unadapted     []string  // next conversations to adapt to the revision in force
	adapting      bool      // the conversations from adaptFrom on are not adapted yet
	adaptFrom     uint64    // position for State.Page

	appendedAt time.Time     // when the newest append began
	retryAt    time.Time     // next try to store a refused record
	offers     conversations // with a pending offer
	departures conversations // whose owner has left, and whose departure has not taken effect
	snapshots  snapshotter
	clocks     vendorClocks
	ages       ages
}

// New returns a writer. Call Start and then Run.
func New(o Options) *Writer {
	if o.Now == nil {
		o.Now = clock.System()
	}
	if o.HistoryAge == 0 {
		o.HistoryAge = historyAge
	}
	return &Writer{
		Options: o, state: state.New(), recent: newEnvelopeCache(cacheBytes), wake: make(chan struct{}, 1),
		opens: map[string]*rate.Limiter{}, inFlight: inFlight{}, deadlines: newSchedule(), timers: newSchedule(),
		overdue: newSchedule(), offers: conversations{}, departures: conversations{},
		draining: make(chan struct{}),
	}
}

// Writable returns nil if Accept can store messages, otherwise an error that matches ErrUnavailable. The error is
// ErrDraining only if a drain is the only reason.
func (w *Writer) Writable() error {
	if why := w.failure.Load(); why != nil {
		return fmt.Errorf("%w: %s", ErrUnavailable, *why)
	}
	h := w.Log.Health()
	if why := w.noRoom.Load(); why != nil && h.Full {
		return fmt.Errorf("%w: %s: %s", ErrUnavailable, h.Reason, *why)
	}
	if !h.Writable {
		return fmt.Errorf("%w: %s", ErrUnavailable, h.Reason)
	}
	if w.isDraining() {
		return ErrDraining
	}
	return nil
}

// Finish passes the outcome of a delivery to the loop. It does not block.
func (w *Writer) Finish(o *attempt.Outcome) {
	w.boundTimes(o.Replies)
	w.mu.Lock()
	w.outcomes = append(w.outcomes, o)
	w.mu.Unlock()
	w.wakeUp()
}

func (w *Writer) wakeUp() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}
