package jetstream

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"patchbay/core/internal/store"
)

// Append implements [store.Log].
func (l *Log) Append(ctx context.Context, last uint64, record []byte) error {
	if err := l.append(ctx, last, record); err != nil {
		return fmt.Errorf("append record %d: %w", last+1, err)
	}
	return nil
}

func (l *Log) append(ctx context.Context, last uint64, record []byte) error {
	if n := len(record); n == 0 || n > store.MaxRecord {
		return fmt.Errorf("%w: %d bytes", store.ErrRecordSize, n)
	}
	e, err := l.runningEngine()
	switch {
	case err != nil:
		return err
	case l.inDoubt.Load():
		return fmt.Errorf("%w: the outcome of an earlier write is unknown", store.ErrUnavailable)
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	size := storedSize(last, len(record))
	if err := l.checkReserve(size); err != nil {
		return err
	}
	sent := time.Now()
	l.sent.Store(&sent)
	err = e.logPublisher.publish(ctx, logSubject, last, record, l.options.AckTimeout)
	if err == nil {
		err = l.syncBlockNames()
	}
	l.sent.Store(nil)
	switch {
	case err == nil:
		l.countRecord(last+1, size)
		_ = l.updateWatermark(false) // watch repeats it and reports the error
		return nil
	case errors.Is(err, errStoreRefused) && l.exceedsLimit(size):
		return fmt.Errorf("%w: the log takes %d times its cap of %d bytes: %w", store.ErrFull, store.Overflow, l.limit, err)
	case errors.Is(err, errStoreRefused):
		err = fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	if errors.Is(err, store.ErrUnavailable) {
		l.inDoubt.Store(true)
	}
	return err
}

// syncBlockNames makes the name of the block with the newest record survive a power cut.
func (l *Log) syncBlockNames() error {
	if err := l.blocks.sync(); err != nil {
		return fmt.Errorf("%w: sync the folder of the log: %w", store.ErrUnavailable, err)
	}
	return nil
}

// countRecord adds a stored record to the bounds and subtracts it from the free space.
func (l *Log) countRecord(seq, size uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.bounds.Empty() {
		l.bounds.First = seq
	}
	l.bounds.Last = seq
	l.bounds.Bytes += size
	l.free -= min(size, l.free)
}

// exceedsLimit reports whether size more bytes exceed the size limit of the stream.
func (l *Log) exceedsLimit(size uint64) bool {
	b := l.Bounds()
	return b.Bytes+size > store.Overflow*b.Cap
}

// storedSize returns the size in the server's file store of a record of n bytes, including its sequence header.
func storedSize(last uint64, n int) uint64 {
	const frame = 4 + 8 + 8 + 2 + 4 + 8 // length, sequence, time, subject length, header length, checksum
	header := len("NATS/1.0\r\n") + len(expectedLastSequence) + len(": \r\n\r\n") + len(strconv.FormatUint(last, 10))
	return uint64(frame + len(logSubject) + header + n)
}
