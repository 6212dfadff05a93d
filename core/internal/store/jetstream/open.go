package jetstream

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"patchbay/core/internal/disk"
)

// Open locks the folder, checks and repairs the stored data and starts the embedded server. It logs each repair, and
// Health lists the lost records. Among its errors are [store.ErrLocked], [store.ErrNewer], [store.ErrOlder] and
// [store.ErrDamaged]. ctx limits the start only. The caller must Close the log.
func Open(ctx context.Context, options Options) (_ *Log, err error) {
	options, err = options.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("open the store: %w", err)
	}
	l := &Log{options: options, logger: options.Logger}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("open the store in %s: %w", options.Dir, err), l.cleanUpFailedOpen())
		}
	}()
	if l.folder, err = openFolder(options.Dir); err != nil {
		return nil, err
	}
	if err := l.deriveLimits(); err != nil {
		return nil, err
	}
	known, err := l.folder.format()
	if err != nil {
		return nil, err
	}
	if err := l.repair(known.Streams); err != nil {
		return nil, err
	}
	if err := l.start(ctx); err != nil {
		return nil, err
	}
	if known.Version == 0 {
		if err := l.folder.setFormat(currentFormat()); err != nil {
			return nil, err
		}
	}
	if err := l.findLostRecords(ctx); err != nil {
		return nil, err
	}
	watching, cancel := context.WithCancel(context.WithoutCancel(ctx))
	l.stopWatch = cancel
	l.watcher.Go(func() { l.watch(watching) })
	return l, nil
}

// cleanUpFailedOpen stops the server and unlocks the folder.
func (l *Log) cleanUpFailedOpen() error {
	if e := l.engine.Swap(nil); e != nil {
		e.stop()
	}
	if l.folder == nil {
		return nil
	}
	return l.folder.unlock()
}

// start starts a new engine.
func (l *Log) start(ctx context.Context) error {
	e, err := startEngine(ctx, l.options.Dir, l.logger)
	if err != nil {
		return err
	}
	if err := e.openStreams(ctx, l.limit); err != nil {
		e.stop()
		return err
	}
	_, err = l.refreshBounds(ctx, e)
	if err == nil {
		err = syncFolders(filepath.Join(l.options.Dir, "jetstream"))
	}
	if err == nil {
		err = disk.SyncFolder(l.options.Dir)
	}
	l.blocks.folder = filepath.Join(streamFolder(l.options.Dir, logStream), "msgs")
	if err == nil {
		err = l.blocks.reset()
	}
	if err != nil {
		e.stop()
		return err
	}
	l.engine.Store(e)
	return nil
}
