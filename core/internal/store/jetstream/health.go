package jetstream

import (
	"context"
	"fmt"
	"slices"
	"time"

	"patchbay/core/internal/store"
)

// sampleEvery is how often the free space is looked up.
const sampleEvery = 500 * time.Millisecond

// Health implements [store.Log].
func (l *Log) Health() store.Health {
	l.mu.Lock()
	h := store.Health{Free: l.free, Missing: slices.Clone(l.missing)}
	bounds := l.bounds
	l.mu.Unlock()
	switch {
	case l.closed.Load():
		h.Reason = "the store is closed"
	case l.engine.Load() == nil:
		h.Reason = "the store restarts"
	case l.doubt.Load():
		h.Reason = "a write got no answer: the store is about to restart"
	case h.Free < l.freeLow:
		h.Reason = fmt.Sprintf("%d bytes are free on the disk of %s, less than %d: make room",
			h.Free, l.options.Dir, l.freeLow)
	case bounds.Bytes > bounds.Cap/10*9:
		h.Reason = fmt.Sprintf("the log takes %d of at most %d bytes: wait for deliveries, or raise the cap",
			bounds.Bytes, bounds.Cap)
	default:
		h.Writable = true
	}
	return h
}

// room fails if size more bytes would reach into the reserve of the disk.
func (l *Log) room(size uint64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.free < l.reserve+size {
		return fmt.Errorf("%w: %d bytes are free on the disk of %s and %d are kept back", store.ErrFull, l.free,
			l.options.Dir, l.reserve)
	}
	return nil
}

// sample looks the free space up.
func (l *Log) sample() (uint64, error) {
	d, err := l.options.statDisk(l.options.Dir)
	if err != nil {
		return 0, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.free = d.free
	return d.free, nil
}

// watch samples the free space until ctx ends, and logs when the log stops or starts being writable.
func (l *Log) watch(ctx context.Context) {
	tick := time.NewTicker(sampleEvery)
	defer tick.Stop()
	writable := true
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if _, err := l.sample(); err != nil {
			l.logger.Warn("free space is unknown", "error", err)
		}
		if err := l.setMark(false); err != nil {
			l.logger.Warn("what the log must hold is not written down", "error", err)
		}
		h := l.Health()
		switch {
		case h.Writable && !writable:
			l.logger.Info("store takes new input again", "dir", l.options.Dir)
		case !h.Writable && writable:
			l.logger.Warn("store takes no new input", "dir", l.options.Dir, "reason", h.Reason)
		}
		writable = h.Writable
	}
}

// miss takes note of records that can't be read.
func (l *Log) miss(lost store.Range) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if slices.ContainsFunc(l.missing, func(known store.Range) bool {
		return known.First <= lost.First && known.Last >= lost.Last
	}) {
		return
	}
	l.missing = append(l.missing, lost)
	l.logger.Error("records are missing from the log", "first", lost.First, "last", lost.Last)
}
