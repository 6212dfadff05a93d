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
	"patchbay/core/internal/store"
)

// Run is the loop. It ends when ctx has ended and all that waits is stored, or when the log belongs to somebody
// else, which is an error. Call Start before.
func (w *Writer) Run(ctx context.Context) error {
	err := w.loop(ctx)
	if err != nil {
		w.abandon(err)
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
			return w.finish(ctx)
		}
		w.space(lastCommit)
		if err := w.step(ctx); err != nil {
			return err
		}
		lastCommit = time.Now()
		w.maybeSnapshot(lastCommit)
	}
}

// finish stores what still waits, refuses the rest and takes a last snapshot.
func (w *Writer) finish(ctx context.Context) error {
	w.mu.Lock()
	w.stopping = true
	w.mu.Unlock()
	for tries := 0; w.waiting() && tries < 100; tries++ {
		if err := w.step(ctx); err != nil {
			return err
		}
	}
	w.refuseAll()
	return w.lastSnapshot()
}

// abandon refuses what waits and all that comes: nothing can be stored any more.
func (w *Writer) abandon(cause error) {
	why := cause.Error()
	w.sick.Store(&why)
	w.mu.Lock()
	w.stopping = true
	w.mu.Unlock()
	w.refuseAll()
	if w.snap.running != nil {
		<-w.snap.running
		w.snap.running = nil
	}
}

func (w *Writer) refuseAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, h := range w.webhooks {
		h.finish(ErrStopping)
	}
	for _, c := range w.commands {
		c.err = ErrStopping
		close(c.done)
	}
	w.webhooks, w.commands = nil, nil
}

// batch is what one record decides on.
type batch struct {
	results  []*conversation.Outcome
	ticks    []string
	commands []*command
	webhooks []*webhook
	orphans  bool
	adopt    bool // orphans may wait whose thread is known
	letters  bool // dead letters may be due to expire
	poisoned map[*webhook]string
	since    time.Time
}

// step makes one record out of what waits.
func (w *Writer) step(ctx context.Context) error {
	now := time.Now()
	w.again = time.Time{}
	b := w.collect(now)
	if b == nil {
		return nil
	}
	for {
		t := w.decide(b, now)
		if len(t.Record().GetChanges()) == 0 {
			w.applied(t, b, now)
			return nil
		}
		data, err := proto.Marshal(t.Record())
		if err != nil {
			w.discard(b, err)
			return fmt.Errorf("encode record %d: %w", w.last+1, err)
		}
		if len(data) <= store.MaxRecord {
			return w.commit(ctx, t, b, data, now)
		}
		w.lessen(b, fmt.Sprintf("the decision needs a record of %d bytes, at most %d fit", len(data), store.MaxRecord))
	}
}

// commit stores what the turn decided on the batch, and applies it.
func (w *Writer) commit(ctx context.Context, t *conversation.Turn, b *batch, data []byte, now time.Time) error {
	began, rec := time.Now(), t.Record()
	if err := w.append(ctx, data); err != nil {
		w.discard(b, err)
		w.snap.full = errors.Is(err, store.ErrFull)
		if errors.Is(err, store.ErrFenced) || errors.Is(err, errDoubt) {
			return fmt.Errorf("store record %d: %w", w.last+1, err)
		}
		return nil
	}
	w.last++
	w.snap.full = false
	w.hot.add(w.last, rec)
	w.ages.note(w.last, now)
	w.applied(t, b, now)
	w.Observer.Committed(Commit{
		Seq: w.last, Record: rec, Bytes: len(data), Took: time.Since(began), Lag: now.Sub(b.since), Pending: len(w.pending),
	})
	return nil
}

func (w *Writer) waiting() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.results)+len(w.webhooks)+len(w.commands) > 0
}

// collect takes what waits, outcomes first, up to the bounds of a record; nil if nothing waits.
func (w *Writer) collect(now time.Time) *batch {
	b := &batch{since: now}
	b.ticks = w.due(now)
	if at, found := w.orphansDue(); found && !at.After(now) {
		b.orphans = true
	}
	b.adopt = w.book.Unadopted() && !now.Before(w.adoptAt)
	b.letters = w.lettersDue(now)
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
	for ; n < len(w.webhooks) && n+len(b.results) < maxInputs; n++ {
		if bytes += w.webhooks[n].bytes; bytes > maxRecord && n+len(b.results) > 0 {
			break
		}
		if w.webhooks[n].since.Before(b.since) {
			b.since = w.webhooks[n].since
		}
	}
	b.webhooks, w.webhooks = w.webhooks[:n:n], w.webhooks[n:]
	if len(w.results)+len(w.webhooks) > 0 {
		w.poke()
	}
	if len(b.results)+len(b.commands)+len(b.webhooks)+len(b.ticks) == 0 && !b.orphans && !b.adopt && !b.letters {
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
	w.sick.Store(&why)
	defer w.sick.Store(nil)
	w.Logger.Error("log failed, recovering", "seq", w.last+1, "error", err)
	ctx, cancel := outlasting(ctx, stopRecovery)
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
			return fmt.Errorf("%w: %w", errDoubt, err)
		}
	}
}

// outlasting returns a context that ends some time after ctx has.
func outlasting(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	out, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(d, cancel) })
	return out, func() { stop(); cancel() }
}

// errDoubt means that the loop must end without knowing whether its last record was stored: whatever it appended
// now could be mistaken for that one.
var errDoubt = errors.New("stopping while a record is in doubt")

// refuseWaiting sends callers away while the log is out of order; their vendors come again.
func (w *Writer) refuseWaiting() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, h := range w.webhooks {
		h.finish(w.unavailable())
	}
	w.webhooks = nil
	w.commands = slices.DeleteFunc(w.commands, w.look)
}

// look answers a command that only looks. The book is whole while a record waits to be stored.
func (w *Writer) look(c *command) bool {
	if c.view == nil {
		return false
	}
	c.err = w.show(c.view)
	close(c.done)
	return true
}

// show runs a view. A panic is an error of its caller, not the end of the loop.
func (w *Writer) show(view func(*conversation.Book)) (err error) {
	defer func() {
		if p := recover(); p != nil {
			w.Logger.Error("view panicked", "error", p, "stack", string(debug.Stack()))
			err = fmt.Errorf("look at the state: %v", p)
		}
	}()
	view(w.book)
	return nil
}

func (w *Writer) unavailable() error {
	if why := w.sick.Load(); why != nil {
		return fmt.Errorf("%w: %s", ErrUnavailable, *why)
	}
	return ErrUnavailable
}

// discard answers the callers of a record that was not stored, and keeps the outcomes.
func (w *Writer) discard(b *batch, cause error) {
	w.Logger.Warn("record was not stored", "seq", w.last+1, "error", cause)
	for _, h := range b.webhooks {
		h.finish(fmt.Errorf("%w: %w", ErrUnavailable, cause))
	}
	for _, c := range b.commands {
		if w.look(c) {
			continue
		}
		c.err = fmt.Errorf("%w: %w", ErrUnavailable, cause)
		close(c.done)
	}
	w.mu.Lock()
	w.results = append(append([]*conversation.Outcome(nil), b.results...), w.results...)
	w.mu.Unlock()
	for _, id := range b.ticks {
		if c := w.book.Conversation(id); c != nil {
			w.timers.set(id, time.Now().Add(time.Second))
		}
	}
	w.again = time.Now().Add(retryCommit)
}

func outcomeBytes(o *conversation.Outcome) int {
	n := changeBytes + len(o.State) + len(o.Text)
	for _, r := range o.Replies {
		n += len(r.Bytes) + changeBytes
	}
	return n
}
