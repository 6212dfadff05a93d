package jetstream

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"patchbay/core/internal/store"
)

// spacePoll is the interval at which Recover checks the free space while the disk is full.
const spacePoll = 200 * time.Millisecond

// deriveLimits sets the limits from the options, or from the size of the disk if an option is zero. It warns about a
// volatile disk.
func (l *Log) deriveLimits() error {
	d, err := l.options.readSpace(l.options.Dir)
	if err != nil {
		return err
	}
	if d.Volatile != "" {
		l.logger.Warn("store is on a volume that can lose acknowledged messages in a power cut",
			"dir", l.options.Dir, "volume", d.Volatile)
	}
	if l.freeLow = l.options.FreeLow; l.freeLow == 0 {
		l.freeLow = min(d.Size/20, maxDerivedFreeLow)
	}
	l.reserve = l.freeLow / 4
	l.free = d.Free
	if l.limit = l.options.Cap; l.limit != 0 {
		return nil
	}
	used, err := usedBytes(filepath.Join(l.options.Dir, "jetstream"))
	if err != nil {
		return err
	}
	l.limit = min((d.Free+used)/5*4, maxDerivedCap)
	if l.limit < minCap {
		return fmt.Errorf("%w: %d bytes are free: free disk space", store.ErrFull, d.Free)
	}
	return nil
}

// usedBytes returns the total size of the files under dir, 0 if dir does not exist.
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

// sampleFreeSpace reads the free space of the disk and remembers it.
func (l *Log) sampleFreeSpace() (uint64, error) {
	d, err := l.options.readSpace(l.options.Dir)
	if err != nil {
		return 0, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.free = d.Free
	return d.Free, nil
}

// checkReserve fails with store.ErrFull if size more bytes would use the reserve of the disk.
func (l *Log) checkReserve(size uint64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.free < l.reserve+size {
		return fmt.Errorf("%w: %d bytes are free on the disk of %s, %d of them are reserved: free disk space",
			store.ErrFull, l.free, l.options.Dir, l.reserve)
	}
	return nil
}

// waitForSpace waits until the free space exceeds the reserve by the space that a restart needs.
func (l *Log) waitForSpace(ctx context.Context) error {
	tick := time.NewTicker(spacePoll)
	defer tick.Stop()
	for {
		free, err := l.sampleFreeSpace()
		if err != nil {
			return err
		}
		// An append with an unknown result and the server's new index need this space.
		if free >= l.reserve+2*store.MaxRecord {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %d bytes are free: %w", store.ErrFull, free, context.Cause(ctx))
		case <-tick.C:
		}
	}
}
