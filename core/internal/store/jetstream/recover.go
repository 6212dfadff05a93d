package jetstream

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"patchbay/core/internal/disk"
	"patchbay/core/internal/store"
)

// Recover implements [store.Log]. It restarts the embedded server: after a failed write the server refuses all further
// writes, and a record that is not acknowledged can still be in its queue.
func (l *Log) Recover(ctx context.Context) (uint64, error) {
	last, err := l.recover(ctx)
	if err != nil {
		return 0, fmt.Errorf("recover the store in %s: %w", l.options.Dir, err)
	}
	return last, nil
}

func (l *Log) recover(ctx context.Context) (uint64, error) {
	l.engineMu.Lock()
	defer l.engineMu.Unlock()
	e, err := l.runningEngine()
	if l.closed.Load() {
		return 0, err
	}
	before := l.Bounds()
	if err != nil || l.inDoubt.Load() {
		if err := l.waitForSpace(ctx); err != nil {
			return 0, err
		}
		if err := l.restart(ctx); err != nil {
			return 0, err
		}
		e = l.engine.Load()
	}
	bounds, err := l.refreshBounds(ctx, e)
	if err != nil {
		return 0, err
	}
	if err := l.fillLostTail(ctx, e, before.First, before.Last); err != nil {
		return 0, err
	}
	l.inDoubt.Store(false)
	return max(bounds.Last, before.Last), nil
}

// restart stops the engine, if one is running, and starts a new one.
func (l *Log) restart(ctx context.Context) error {
	if e := l.engine.Swap(nil); e != nil {
		l.logger.Warn("store restarts", "dir", l.options.Dir)
		e.stop()
	}
	if err := l.checkLogExists(); err != nil {
		return err
	}
	if err := l.rewriteNewestBlock(); err != nil {
		return fmt.Errorf("%w: write the newest block again: %w", store.ErrUnavailable, err)
	}
	if err := l.start(ctx); err != nil {
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	l.logger.Info("store restarted", "dir", l.options.Dir)
	return nil
}

// rewriteNewestBlock writes the newest block of the log again. After a failed sync, written data can be missing on the
// disk although the system still reads it from memory, and a later sync does not report the loss. If the disk is full,
// no data was lost in this way, and a sync suffices.
func (l *Log) rewriteNewestBlock() error {
	numbers, err := blockNumbers(l.blocks.folder)
	if err != nil || len(numbers) == 0 {
		return err
	}
	path := filepath.Join(l.blocks.folder, fmt.Sprintf(blockName, numbers[len(numbers)-1]))
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err = disk.Replace(path, content); errors.Is(err, syscall.ENOSPC) {
		return disk.SyncFile(path)
	}
	return err
}
