package jetstream

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"patchbay/core/internal/store"
)

// Open claims the folder, starts the server on it and checks what is stored. Damage that leaves the log usable is
// logged and listed by Health; an error says why the store can't be used: [store.ErrLocked], [store.ErrNewer] and
// [store.ErrDamaged] among others. ctx bounds the start only. The caller must Close the log.
func Open(ctx context.Context, options Options) (_ *Log, err error) {
	options, err = options.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("open the store: %w", err)
	}
	l := &Log{options: options, names: options.names(), logger: options.Logger}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("open the store in %s: %w", options.Dir, err), l.abandon())
		}
	}()
	if l.folder, err = openFolder(options.Dir); err != nil {
		return nil, err
	}
	if err := l.measure(); err != nil {
		return nil, err
	}
	known, err := l.folder.format()
	if err != nil {
		return nil, err
	}
	if err := l.start(ctx, known.Streams); err != nil {
		return nil, err
	}
	if known.Version == 0 {
		created := format{Version: formatVersion, Streams: []string{l.names.logStream, l.names.snapshotStream}}
		if err := l.folder.setFormat(created); err != nil {
			return nil, err
		}
	}
	if err := l.check(ctx); err != nil {
		return nil, err
	}
	watching, cancel := context.WithCancel(context.WithoutCancel(ctx))
	l.ending = cancel
	l.watcher.Go(func() { l.watch(watching) })
	return l, nil
}

// abandon undoes what an Open that failed has done.
func (l *Log) abandon() error {
	if e := l.engine.Swap(nil); e != nil {
		e.stop()
	}
	if l.folder == nil {
		return nil
	}
	return l.folder.release()
}

// measure derives the limits from the disk and warns about one that forgets.
func (l *Log) measure() error {
	d, err := l.options.statDisk(l.options.Dir)
	if err != nil {
		return err
	}
	if d.kind != "" {
		l.logger.Warn("store is on a volume that may lose acknowledged messages in a power cut",
			"dir", l.options.Dir, "volume", d.kind)
	}
	if l.freeLow = l.options.FreeLow; l.freeLow == 0 {
		l.freeLow = min(d.size/20, maxDerivedFreeLow)
	}
	l.reserve = l.freeLow / 4
	l.free = d.free
	if l.limit = l.options.Cap; l.limit != 0 {
		return nil
	}
	used, err := usedBytes(filepath.Join(l.options.Dir, "jetstream"))
	if err != nil {
		return err
	}
	l.limit = min((d.free+used)/5*4, maxDerivedCap)
	if l.limit < minCap {
		return fmt.Errorf("%w: %d bytes are free: make room", store.ErrFull, d.free)
	}
	return nil
}

// usedBytes adds up the files under dir, which may not exist yet.
func usedBytes(dir string) (total uint64, err error) {
	err = filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		total += uint64(info.Size())
		return nil
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("add up the size of %s: %w", dir, err)
	}
	return total, nil
}

// start runs a new engine and makes it the current one.
func (l *Log) start(ctx context.Context, known []string) error {
	e, err := startEngine(l.options.Dir, l.logger)
	if err != nil {
		return err
	}
	if err := e.openStreams(ctx, l.names, l.limit, known); err != nil {
		e.stop()
		return err
	}
	if _, err := l.refresh(ctx, e); err != nil {
		e.stop()
		return err
	}
	l.engine.Store(e)
	return nil
}
