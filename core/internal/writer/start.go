package writer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"patchbay/core/internal/conversation"
	"patchbay/core/internal/journal"
	"patchbay/core/internal/state"
	"patchbay/core/internal/store"
)

// Start restores the state from the newest snapshot and the records after it, and takes the next lease. Then it adapts
// the conversations with pending work to the configured channels, and releases their lane heads. Run adapts all other
// conversations. Call Start once, before Run.
func (w *Writer) Start(ctx context.Context) error {
	began := time.Now()
	if err := w.restore(ctx); err != nil {
		return err
	}
	from, records, lost := w.last+1, 0, false
	var reopened []string
	err := w.readRecords(ctx, from, func(seq uint64, r *journal.Record) error {
		folded := r
		if lost = lost || seq > w.last+1; lost {
			var again []string
			folded, again = w.foldableRecord(seq, folded)
			reopened = append(reopened, again...)
		}
		if err := w.state.FoldRecord(seq, folded); err != nil {
			return fmt.Errorf("fold record %d: %w", seq, err)
		}
		w.last = seq
		records++
		return nil
	})
	if err != nil {
		return err
	}
	w.last = max(w.last, w.Log.Bounds().Last)
	if err := w.ages.sample(ctx, w.Log); err != nil {
		return err
	}
	now := w.Now()
	if err := w.firstRecords(ctx, now); err != nil {
		return err
	}
	if err := w.giveUpLost(ctx, now, reopened); err != nil {
		return err
	}
	now = w.Now() // storing may have waited for space
	w.Policy.TimersFrom, w.Policy.StartedAt, w.deadlinesFrom = now, now, now.Add(startGrace)
	w.pendingFrom = now.Add(conversation.PendingWait + w.longestCall())
	w.snapshots.init(w.last, w.Log.Bounds().Bytes, now)
	if lost { // foldableRecord depends on the configuration, which the next start may not have any more
		w.snapshotNow(ctx)
	}
	w.state.EachPause(w.Lanes.Pause)
	w.state.EachBusy(func(c *state.Conversation) { w.releaseHeads(c, now) })
	w.adaptAll()
	w.Logger.Info("state restored", "records", records, "conversations", w.state.Len(), "lease", w.state.Lease(),
		"duration_seconds", time.Since(began).Seconds())
	return nil
}

// readRecords calls f with each record from a sequence on. Records are read and decoded while f runs.
func (w *Writer) readRecords(ctx context.Context, from uint64, f func(uint64, *journal.Record) error) error {
	type decoded struct {
		seq    uint64
		record *journal.Record
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	records, done := make(chan decoded, 64), make(chan error, 1)
	go func() {
		defer close(records)
		done <- w.Log.Read(ctx, from, func(seq uint64, data []byte) error {
			r := new(journal.Record)
			if err := r.UnmarshalVT(data); err != nil {
				return fmt.Errorf("read record %d: %w", seq, err)
			}
			select {
			case records <- decoded{seq, r}:
				return nil
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		})
	}()
	var failed error
	for d := range records {
		if failed == nil {
			if failed = f(d.seq, d.record); failed != nil {
				cancel()
			}
		}
	}
	return cmp.Or(failed, <-done)
}

// restore loads the newest snapshot, if there is one.
func (w *Writer) restore(ctx context.Context) error {
	s, found, err := w.Log.LoadSnapshot(ctx)
	switch {
	case errors.Is(err, store.ErrDamaged):
		w.Logger.Error("snapshot is damaged, starting from an older one or from the log", "error", err)
	case err != nil:
		return fmt.Errorf("load snapshot: %w", err)
	}
	first := w.Log.Bounds().First
	if !found {
		if first > 1 && !w.isLost(1, first-1) {
			return fmt.Errorf("the log begins at record %d, and there is no snapshot of earlier records: "+
				"restore a backup of the store", first)
		}
		return nil
	}
	if first > s.Seq+1 && !w.isLost(s.Seq+1, first-1) {
		return fmt.Errorf("the log begins at record %d, but the newest intact snapshot is of record %d: "+
			"restore a backup of the store", first, s.Seq)
	}
	err = w.state.Restore(s.Buckets, s.Meta)
	if errors.Is(err, state.ErrFormat) {
		if first <= 1 {
			w.Logger.Warn("snapshot is not used, the start reads the whole log", "error", err)
			return nil
		}
		return fmt.Errorf("%w; the log no longer has all records: start the version that wrote it", err)
	}
	if err != nil {
		return err
	}
	w.last = s.Seq
	w.snapshots.saved = s.Seq
	return nil
}

// firstRecords stores the record with the lease and the revision. After it, the log refuses the records of former
// writers. Then firstRecords adapts the conversations with pending work to the configured channels.
func (w *Writer) firstRecords(ctx context.Context, now time.Time) error {
	w.Policy = nextPolicy(w.Policy, w.state)
	err := w.commitNow(ctx, now, func(tx *conversation.Transaction) {
		tx.StartLease(w.state.Lease()+1, w.Version)
		tx.Revise(w.Hash, "start")
	})
	w.Policy.Vanished = w.state.Revision().Vanished
	if err != nil {
		return err
	}
	var ids []string
	w.state.EachBusy(func(c *state.Conversation) { ids = append(ids, c.ID) })
	slices.Sort(ids)
	return w.commitEach(ctx, now, ids, (*conversation.Transaction).Reconcile)
}

// commitEach calls f for each conversation, and stores the changes in one or more records. If f returns false, it is
// called again for the same conversation in the next record.
func (w *Writer) commitEach(
	ctx context.Context, now time.Time, ids []string, f func(tx *conversation.Transaction, id string) (done bool),
) error {
	for len(ids) > 0 {
		err := w.commitNow(ctx, now, func(tx *conversation.Transaction) {
			for len(ids) > 0 && f(tx, ids[0]) {
				ids = ids[1:]
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// commitNow stores the changes of f in one record. Call it only before the loop runs.
func (w *Writer) commitNow(ctx context.Context, now time.Time, f func(*conversation.Transaction)) error {
	tx := conversation.Begin(w.state, w.Policy, now, w.last+1, w.NewID)
	f(tx)
	if len(tx.Record().GetChanges()) == 0 {
		return nil
	}
	data, err := tx.Record().MarshalVT()
	if err != nil {
		return fmt.Errorf("encode record %d: %w", w.last+1, err)
	}
	if err := w.appendAtStart(ctx, data); err != nil {
		return fmt.Errorf("store record %d: %w", w.last+1, err)
	}
	w.last++
	tx.Commit()
	w.Observer.Committed(Commit{Seq: w.last, Record: tx.Record(), Bytes: len(data)})
	return nil
}

// appendAtStart stores a record. If the store is full, it purges records that nothing needs. If it is still full, it
// waits for an operator to free space.
func (w *Writer) appendAtStart(ctx context.Context, data []byte) error {
	err := w.append(ctx, data)
	if !errors.Is(err, store.ErrFull) {
		return err
	}
	w.makeRoom(ctx)
	for {
		if err = w.append(ctx, data); !errors.Is(err, store.ErrFull) {
			return err
		}
		w.Logger.Warn("store is full, the start waits for space", "retry_seconds", retryStart.Seconds(), "error", err)
		select {
		case <-time.After(retryStart):
		case <-ctx.Done():
			return fmt.Errorf("stopped while the store was full: %w", err)
		}
	}
}

// makeRoom takes a snapshot, which replaces the records before it, and purges the log.
func (w *Writer) makeRoom(ctx context.Context) {
	w.snapshots.full = true
	w.snapshotNow(ctx)
	w.snapshots.full = false
}

func (w *Writer) snapshotNow(ctx context.Context) {
	snapshot := w.state.Snapshot()
	w.snapshotDone(snapshotResult{snapshot, w.last, w.save(ctx, snapshot, w.last, w.snapshots.saved != 0)})
}

// Counts returns the number of live conversations and the queued deliveries per channel. Call it between Start and Run.
func (w *Writer) Counts() (conversations int, queued map[string]int) {
	queued = map[string]int{}
	w.state.EachBusy(func(c *state.Conversation) {
		for i := range c.Lanes {
			queued[c.Lanes[i].Channel] += len(c.Lanes[i].Queue)
		}
	})
	return w.state.LiveCount(), queued
}

// longestCall returns the longest call timeout of all channels.
func (w *Writer) longestCall() time.Duration {
	var longest time.Duration
	for _, ch := range w.Policy.Channels {
		longest = max(longest, ch.Timeout)
	}
	return longest
}
