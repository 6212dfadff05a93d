package memory

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"

	"patchbay/core/internal/store"
)

// Log is a [store.Log] over a [Disk]. Besides the port it takes faults and hooks; those too may be used at any time.
type Log struct {
	disk *Disk

	mu     sync.Mutex
	faults []Fault
	hook   func(context.Context, Op) error
	doubt  bool
	closed bool
	health *store.Health
	base   *store.Snapshot
}

var _ store.Log = (*Log)(nil)

// Append implements [store.Log].
func (l *Log) Append(ctx context.Context, last uint64, record []byte) error {
	if n := len(record); n == 0 || n > store.MaxRecord {
		return fmt.Errorf("append record %d of %d bytes: %w", last+1, n, store.ErrRecordSize)
	}
	if err := l.enter(ctx, OpAppend); err != nil {
		return fmt.Errorf("append record %d: %w", last+1, err)
	}
	err := l.append(last, record, l.nextFault())
	if errors.Is(err, store.ErrUnavailable) {
		l.mu.Lock()
		l.doubt = true
		l.mu.Unlock()
	}
	if err != nil {
		return fmt.Errorf("append record %d: %w", last+1, err)
	}
	return nil
}

func (l *Log) append(last uint64, record []byte, fault Fault) error {
	l.disk.mu.Lock()
	defer l.disk.mu.Unlock()
	switch {
	case fault == Fenced:
		l.disk.append([]byte("record of a rival"))
		return store.ErrFenced
	case l.disk.last() != last:
		return fmt.Errorf("the log ends at %d: %w", l.disk.last(), store.ErrFenced)
	case fault == Full, l.disk.bytes+uint64(len(record))+recordOverhead > l.disk.cap:
		return store.ErrFull
	case fault == LostUnstored:
		return store.ErrUnavailable
	}
	l.disk.append(record)
	if fault == LostStored {
		return store.ErrUnavailable
	}
	return nil
}

// Recover implements [store.Log].
func (l *Log) Recover(ctx context.Context) (uint64, error) {
	if err := l.enter(ctx, OpRecover); err != nil {
		return 0, fmt.Errorf("recover: %w", err)
	}
	l.mu.Lock()
	l.doubt = false
	l.mu.Unlock()
	return l.Bounds().Last, nil
}

// Get implements [store.Log].
func (l *Log) Get(ctx context.Context, seq uint64) ([]byte, error) {
	if err := l.enter(ctx, OpGet); err != nil {
		return nil, fmt.Errorf("get record %d: %w", seq, err)
	}
	l.disk.mu.Lock()
	defer l.disk.mu.Unlock()
	r, ok := l.disk.at(seq)
	if !ok {
		return nil, fmt.Errorf("get record %d: %w", seq, store.ErrNotFound)
	}
	return bytes.Clone(r), nil
}

// Read implements [store.Log].
func (l *Log) Read(ctx context.Context, from uint64, fn func(seq uint64, record []byte) error) error {
	if err := l.enter(ctx, OpRead); err != nil {
		return fmt.Errorf("read from record %d: %w", from, err)
	}
	b := l.Bounds()
	for seq := max(from, b.First); seq <= b.Last; seq++ {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("read from record %d: %w", from, err)
		}
		l.disk.mu.Lock()
		r, ok := l.disk.at(seq)
		l.disk.mu.Unlock()
		if !ok {
			continue
		}
		if err := fn(seq, bytes.Clone(r)); err != nil {
			return err
		}
	}
	return nil
}

// Bounds implements [store.Log].
func (l *Log) Bounds() store.Bounds {
	l.disk.mu.Lock()
	defer l.disk.mu.Unlock()
	return store.Bounds{First: l.disk.first, Last: l.disk.last(), Bytes: l.disk.bytes, Cap: l.disk.cap}
}

// Purge implements [store.Log].
func (l *Log) Purge(ctx context.Context, before uint64) error {
	if err := l.enter(ctx, OpPurge); err != nil {
		return fmt.Errorf("purge records before %d: %w", before, err)
	}
	l.disk.mu.Lock()
	defer l.disk.mu.Unlock()
	l.disk.purge(before)
	return nil
}

// Health implements [store.Log].
func (l *Log) Health() store.Health {
	b := l.Bounds()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.health != nil {
		return *l.health
	}
	l.disk.mu.Lock()
	defer l.disk.mu.Unlock()
	h := store.Health{Writable: true, Free: b.Cap - b.Bytes, Missing: l.disk.missing()}
	switch {
	case l.closed:
		h.Writable, h.Reason = false, "the log is closed"
	case l.doubt:
		h.Writable, h.Reason = false, "the last append is in doubt"
	}
	return h
}

// Close implements [store.Log].
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return fmt.Errorf("close the store: %w", store.ErrClosed)
	}
	l.closed = true
	return nil
}
