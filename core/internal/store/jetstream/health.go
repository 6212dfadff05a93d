package jetstream

import (
	"context"
	"fmt"
	"slices"
	"time"

	"patchbay/core/internal/store"
)

// sampleInterval is the interval at which watch samples the free space and writes the watermark.
const sampleInterval = 500 * time.Millisecond

// stallReported is the time without an acknowledgement of an append after which the log is not writable. The server
// does not report a failed write or sync, so a stalled append is the only sign of the failure until Options.AckTimeout.
const stallReported = time.Second

// Health implements [store.Log].
func (l *Log) Health() store.Health {
	l.mu.Lock()
	h := store.Health{Free: l.free, Missing: slices.Clone(l.missing)}
	bounds := l.bounds
	l.mu.Unlock()
	h.Limit = bounds.Cap / 10 * 9
	switch {
	case l.closed.Load():
		h.Reason = "the store is closed"
	case l.engine.Load() == nil:
		h.Reason = "the store restarts"
	case l.inDoubt.Load():
		h.Reason = "a write was not acknowledged: the store restarts soon"
	case l.stallAge() >= stallReported:
		h.Reason = fmt.Sprintf("the disk has not completed a write for %s: check the disk",
			l.stallAge().Round(time.Millisecond))
	case h.Free < l.freeLow:
		h.Full = true
		h.Reason = fmt.Sprintf("%d bytes are free on the disk of %s, less than %d: free disk space",
			h.Free, l.options.Dir, l.freeLow)
	case bounds.Bytes > h.Limit:
		h.Full = true
		h.Reason = fmt.Sprintf("the log takes %d bytes, more than %d", bounds.Bytes, h.Limit)
	default:
		h.Writable = true
	}
	return h
}

// stallAge returns the age of the append that is not acknowledged yet, or 0.
func (l *Log) stallAge() time.Duration {
	if sent := l.sent.Load(); sent != nil {
		return time.Since(*sent)
	}
	return 0
}

// watch samples the free space and writes the watermark until ctx ends. It logs each change of Health.Writable.
func (l *Log) watch(ctx context.Context) {
	tick := time.NewTicker(sampleInterval)
	defer tick.Stop()
	writable := true
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if _, err := l.sampleFreeSpace(); err != nil {
			l.logger.Warn("store cannot read the free disk space", "error", err)
		}
		if err := l.updateWatermark(false); err != nil {
			l.logger.Warn("store cannot write its watermark", "error", err)
		}
		h := l.Health()
		switch {
		case h.Writable && !writable:
			l.logger.Info("store accepts new input", "dir", l.options.Dir)
		case !h.Writable && writable:
			l.logger.Warn("store accepts no new input", "dir", l.options.Dir, "reason", h.Reason)
		}
		writable = h.Writable
	}
}
