package writer

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"patchbay/core/internal/conversation"
	"patchbay/core/internal/delivery"
	"patchbay/core/internal/state"
	"patchbay/core/internal/store"
)

// Run is the loop. It ends when ctx has ended and all that waits is stored, or when the log belongs to somebody
// else, which is an error. Call Start before.
func (w *Writer) Run(ctx context.Context) error {
	err := w.loop(ctx)
	if err != nil {
		w.refuseInput(err)
	}
	return err
}

func (w *Writer) loop(ctx context.Context) error {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	var lastCommit time.Time
	for {
		timer.Reset(w.untilTimer(time.Now()))
		select {
		case <-w.wake:
		case <-timer.C:
		case <-ctx.Done():
			return w.drain(ctx)
		}
		w.pace(lastCommit)
		if err := w.step(ctx); err != nil {
			return err
		}
		lastCommit = time.Now()
		w.advanceSnapshot(lastCommit)
	}
}

// finish stores what still waits, refuses the rest and takes a last snapshot.
func (w *Writer) drain(ctx context.Context) error {
	w.mu.Lock()
	w.stopping = true
	w.mu.Unlock()
	for tries := 0; w.hasInput() && tries < 100; tries++ {
		if err := w.step(ctx); err != nil {
			return err
		}
	}
	w.refuseAll()
	return w.lastSnapshot()
}

// abandon refuses what waits and all that comes: nothing can be stored any more.
func (w *Writer) refuseInput(cause error) {
	why := cause.Error()
	w.failure.Store(&why)
	w.mu.Lock()
	w.stopping = true
	w.mu.Unlock()
	w.refuseAll()
	if w.snapshots.running != nil {
		<-w.snapshots.running
		w.snapshots.running = nil
	}
}

func (w *Writer) refuseAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, h := range w.submissions {
		h.answer(ErrStopping)
	}
	for _, c := range w.commands {
		c.err = ErrStopping
		close(c.done)
	}
	w.submissions, w.commands = nil, nil
}

// batch is what one record decides on.
type batch struct {
	results           []*delivery.Outcome
	deadlines         []string
	commands          []*command
	submissions       []*submission
	expirePending     bool
	admitPending      bool // orphans may wait whose thread is known
	expireDeadLetters bool // dead letters may be due to expire
	poisoned          map[*submission]string
	since             time.Time
}

// step makes one record out of what waits.
func (w *Writer) step(ctx context.Context) error {
	now := time.Now()
	w.retryAt = time.Time{}
	b := w.collect(now)
	if b == nil {
		return nil
	}
	for {
		tx := w.decide(b, now)
		if len(tx.Record().GetChanges()) == 0 {
			w.apply(tx, b, now)
			return nil
		}
		data, err := proto.Marshal(tx.Record())
		if err != nil {
			w.discard(b, err)
			return fmt.Errorf("encode record %d: %w", w.last+1, err)
		}
		if len(data) <= store.MaxRecord {
			return w.commit(ctx, tx, b, data, now)
		}
		w.shrinkBatch(b, fmt.Sprintf("the decision needs a record of %d bytes, at most %d fit", len(data), store.MaxRecord))
	}
}

// commit stores what the turn decided on the batch, and applies it.
func (w *Writer) commit(ctx context.Context, tx *conversation.Transaction, b *batch, data []byte, now time.Time) error {
	began, rec := time.Now(), tx.Record()
	if err := w.append(ctx, data); err != nil {
		w.discard(b, err)
		w.snapshots.full = errors.Is(err, store.ErrFull)
		if errors.Is(err, store.ErrFenced) || errors.Is(err, errRecordInDoubt) {
			return fmt.Errorf("store record %d: %w", w.last+1, err)
		}
		return nil
	}
	w.last++
	w.snapshots.full = false
	w.recent.add(w.last, rec)
	w.ages.note(w.last, now)
	w.apply(tx, b, now)
	w.Observer.Committed(Commit{
		Seq: w.last, Record: rec, Bytes: len(data), Took: time.Since(began), Lag: now.Sub(b.since), Pending: len(w.pendingOffers),
	})
	return nil
}

func (w *Writer) hasInput() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.results)+len(w.submissions)+len(w.commands) > 0
}

// collect takes what waits, outcomes first, up to the bounds of a record; nil if nothing waits.
func (w *Writer) collect(now time.Time) *batch {
	b := &batch{since: now}
	b.deadlines = w.due(now)
	if at, found := w.pendingDue(); found && !at.After(now) {
		b.expirePending = true
	}
	b.admitPending = w.state.PendingReady() && !now.Before(w.admitAt)
	b.expireDeadLetters = w.deadLettersDue(now)
	w.mu.Lock()
	defer w.mu.Unlock()
	bytes, n := 0, 0
	for ; n < len(w.results) && n < maxInputs; n++ {
		if bytes += outcomeBytes(w.results[n]); bytes > maxRecord && n > 0 {
			break
		}
	}
	b.results, w.results = w.results[:n:n], w.results[n:]
	b.commands, w.commands = w.commands, nil
	n = 0
	for ; n < len(w.submissions) && n+len(b.results) < maxInputs; n++ {
		if bytes += w.submissions[n].bytes; bytes > maxRecord && n+len(b.results) > 0 {
			break
		}
		if w.submissions[n].since.Before(b.since) {
			b.since = w.submissions[n].since
		}
	}
	b.submissions, w.submissions = w.submissions[:n:n], w.submissions[n:]
	if len(w.results)+len(w.submissions) > 0 {
		w.wakeUp()
	}
	if len(b.results)+len(b.commands)+len(b.submissions)+len(b.deadlines) == 0 && !b.expirePending && !b.admitPending && !b.expireDeadLetters {
		return nil
	}
	return b
}

// append stores a record, and finds out about one whose fate is unknown.
func (w *Writer) append(ctx context.Context, data []byte) error {
	err := w.Log.Append(context.WithoutCancel(ctx), w.last, data)
	if !errors.Is(err, store.ErrUnavailable) {
		return err
	}
	why := err.Error()
	w.failure.Store(&why)
	defer w.failure.Store(nil)
	w.Logger.Error("log failed, recovering", "seq", w.last+1, "error", err)
	ctx, cancel := withGrace(ctx, stopRecovery)
	defer cancel()
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, slowRecovery) {
		last, rerr := w.Log.Recover(ctx)
		switch {
		case rerr == nil && last == w.last+1:
			w.Logger.Info("log recovered, record was stored", "seq", last)
			return nil
		case rerr == nil && last == w.last:
			w.Logger.Info("log recovered, record was not stored", "seq", last+1)
			return err
		case rerr == nil:
			return fmt.Errorf("log is at %d, not at %d: %w", last, w.last, store.ErrFenced)
		case errors.Is(rerr, store.ErrClosed):
			return fmt.Errorf("recover log: %w", store.ErrFenced)
		}
		w.refuseWaiting()
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", errRecordInDoubt, err)
		}
	}
}

// outlasting returns a context that ends some time after ctx has.
func withGrace(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	out, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(d, cancel) })
	return out, func() { stop(); cancel() }
}

// errDoubt means that the loop must end without knowing whether its last record was stored: whatever it appended
// now could be mistaken for that one.
var errRecordInDoubt = errors.New("stopping while a record is in doubt")

// refuseWaiting sends callers away while the log is out of order; their vendors come again.
func (w *Writer) refuseWaiting() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, h := range w.submissions {
		h.answer(w.unavailable())
	}
	w.submissions = nil
	w.commands = slices.DeleteFunc(w.commands, w.answerView)
}

// look answers a command that only looks. The book is whole while a record waits to be stored.
func (w *Writer) answerView(c *command) bool {
	if c.view == nil {
		return false
	}
	c.err = w.runView(c.view)
	close(c.done)
	return true
}

// show runs a view. A panic is an error of its caller, not the end of the loop.
func (w *Writer) runView(view func(*state.State)) (err error) {
	defer func() {
		if p := recover(); p != nil {
			w.Logger.Error("view panicked", "error", p, "stack", string(debug.Stack()))
			err = fmt.Errorf("look at the state: %v", p)
		}
	}()
	view(w.state)
	return nil
}

func (w *Writer) unavailable() error {
	if why := w.failure.Load(); why != nil {
		return fmt.Errorf("%w: %s", ErrUnavailable, *why)
	}
	return ErrUnavailable
}

// discard answers the callers of a record that was not stored, and keeps the outcomes.
func (w *Writer) discard(b *batch, cause error) {
	w.Logger.Warn("record was not stored", "seq", w.last+1, "error", cause)
	for _, h := range b.submissions {
		h.answer(fmt.Errorf("%w: %w", ErrUnavailable, cause))
	}
	for _, c := range b.commands {
		if w.answerView(c) {
			continue
		}
		c.err = fmt.Errorf("%w: %w", ErrUnavailable, cause)
		close(c.done)
	}
	w.mu.Lock()
	w.results = append(append([]*delivery.Outcome(nil), b.results...), w.results...)
	w.mu.Unlock()
	for _, id := range b.deadlines {
		if c := w.state.Conversation(id); c != nil {
			w.timers.set(id, time.Now().Add(time.Second))
		}
	}
	w.retryAt = time.Now().Add(retryCommit)
}

func outcomeBytes(o *delivery.Outcome) int {
	n := changeBytes + len(o.State) + len(o.Text)
	for _, r := range o.Replies {
		n += len(r.Bytes) + changeBytes
	}
	return n
}
