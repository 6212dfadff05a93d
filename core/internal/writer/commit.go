package writer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/conversation"
	"patchbay/core/internal/store"
)

// step makes one record from the waiting inputs.
func (w *Writer) step(ctx context.Context) error {
	now := w.Now()
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
		data, err := tx.Record().MarshalVT()
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

// commit stores the transaction of a batch and applies it.
func (w *Writer) commit(ctx context.Context, tx *conversation.Transaction, b *batch, data []byte, now time.Time) error {
	began, rec := time.Now(), tx.Record()
	w.appendedAt = w.Now()
	if err := w.append(ctx, data); err != nil {
		w.discard(b, err)
		w.snapshots.full = errors.Is(err, store.ErrFull)
		if errors.Is(err, store.ErrOtherWriter) || errors.Is(err, errRecordInDoubt) {
			return fmt.Errorf("store record %d: %w", w.last+1, err)
		}
		return nil
	}
	w.last++
	w.snapshots.full = false
	if len(rec.GetEnvelopes()) > 0 {
		w.recent.add(w.last, data)
	}
	w.ages.note(w.last, now)
	w.apply(tx, b, now)
	waiting, _ := w.state.Pending()
	w.Observer.Committed(Commit{
		Seq: w.last, Record: rec, Bytes: len(data), Took: time.Since(began), Lag: now.Sub(b.since),
		Offers: len(w.offers), Departures: len(w.departures), Waiting: waiting,
	})
	return nil
}

// append stores a record. If the log fails, append recovers it, and finds out whether the record was stored.
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
			return fmt.Errorf("log ends at record %d instead of %d or %d: %w", last, w.last, w.last+1, store.ErrOtherWriter)
		case errors.Is(rerr, store.ErrClosed):
			return fmt.Errorf("recover log: %w", store.ErrOtherWriter)
		}
		w.refuseWaiting()
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", errRecordInDoubt, err)
		}
	}
}

// withGrace returns a context that ends d after the end of ctx.
func withGrace(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	out, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(d, cancel) })
	return out, func() { stop(); cancel() }
}

// errRecordInDoubt means that it is unknown whether the last record was stored. The loop must end, since another record
// could take its place.
var errRecordInDoubt = errors.New("stopping while a record is in doubt")

// discard refuses the submissions, commands and revision of a batch that was not stored. Its other inputs are decided
// on again.
func (w *Writer) discard(b *batch, cause error) {
	if !w.snapshots.full || !errors.Is(cause, store.ErrFull) { // a full store is logged once, not every retryCommit
		w.Logger.Warn("record was not stored", "seq", w.last+1, "error", cause)
	}
	for _, s := range b.submissions {
		s.answer(fmt.Errorf("%w: %w", ErrUnavailable, cause))
	}
	if b.revision != nil {
		b.revision.answer(fmt.Errorf("put the configuration into force: %w: %w", ErrNotStored, cause))
	}
	w.unadapted = append(b.unadapted[:len(b.unadapted):len(b.unadapted)], w.unadapted...)
	for _, c := range b.commands {
		if w.answerView(c) {
			continue
		}
		c.err = fmt.Errorf("%w: %w", ErrNotStored, cause)
		close(c.done)
	}
	w.mu.Lock()
	w.outcomes = append(append([]*attempt.Outcome(nil), b.outcomes...), w.outcomes...)
	w.mu.Unlock()
	for _, id := range b.deadlines {
		if c := w.state.Conversation(id); c != nil {
			w.deadlines.set(id, w.Now().Add(time.Second))
		}
	}
	for _, id := range b.timers {
		if c := w.state.Conversation(id); c != nil {
			w.timers.set(id, w.Now().Add(time.Second))
		}
	}
	w.retryAt = w.Now().Add(retryCommit)
}
