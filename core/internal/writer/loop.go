package writer

import (
	"context"
	"fmt"
	"time"
)

// Run runs the loop until ctx ends and the waiting inputs are stored. It returns an error if no more records can be
// stored, for example because another writer has taken the log. Call Start first.
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
	for {
		timer.Reset(w.untilTimer(w.Now()))
		select {
		case <-w.wake:
		case <-timer.C:
		case <-ctx.Done():
			return w.finishLoop(ctx)
		}
		w.pace()
		if err := w.step(ctx); err != nil {
			return err
		}
		w.advanceSnapshot(w.Now())
	}
}

// finishLoop stores the waiting inputs, refuses later ones and takes a last snapshot.
func (w *Writer) finishLoop(ctx context.Context) error {
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

// refuseInput refuses all waiting and later inputs after an error of the loop.
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
	for _, s := range w.submissions {
		s.answer(ErrStopping)
	}
	for _, c := range w.commands {
		c.err = ErrStopping
		close(c.done)
	}
	w.submissions, w.commands = nil, nil
	w.refuseRevisions(ErrStopping)
}

func (w *Writer) hasInput() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.outcomes)+len(w.submissions)+len(w.commands)+len(w.revisions) > 0
}

// refuseWaiting refuses the waiting submissions and commands while the log is unavailable. Their senders repeat them.
func (w *Writer) refuseWaiting() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.submissions {
		s.answer(w.failed(ErrUnavailable))
	}
	w.submissions = nil
	w.refuseRevisions(w.failed(ErrNotStored))
	for _, c := range w.commands {
		if !w.answerView(c) {
			c.err = w.failed(ErrNotStored)
			close(c.done)
		}
	}
	w.commands = nil
}

// failed returns err with the cause of the log's failure.
func (w *Writer) failed(err error) error {
	if why := w.failure.Load(); why != nil {
		return fmt.Errorf("%w: %s", err, *why)
	}
	return err
}
