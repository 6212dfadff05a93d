package memory

import (
	"context"
	"fmt"

	"patchbay/core/internal/store"
)

// SaveSnapshot implements [store.Log].
func (l *Log) SaveSnapshot(ctx context.Context, s store.Snapshot) error {
	if err := l.enter(ctx, OpSave); err != nil {
		return fmt.Errorf("save snapshot of record %d: %w", s.Seq, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.Keep && l.base == nil {
		return fmt.Errorf("save snapshot of record %d: %w", s.Seq, store.ErrNoBase)
	}
	l.base = merge(l.base, s)

	l.disk.mu.Lock()
	defer l.disk.mu.Unlock()
	l.disk.former, l.disk.newest, l.disk.damaged = l.disk.newest, l.base, ""
	return nil
}

// LoadSnapshot implements [store.Log].
func (l *Log) LoadSnapshot(ctx context.Context) (store.Snapshot, bool, error) {
	if err := l.enter(ctx, OpLoad); err != nil {
		return store.Snapshot{}, false, fmt.Errorf("load snapshot: %w", err)
	}
	l.disk.mu.Lock()
	from, damaged := l.disk.newest, l.disk.damaged
	var err error
	if from != nil && damaged != "" {
		err = fmt.Errorf("load snapshot of record %d: %s: %w", from.Seq, damaged, store.ErrDamaged)
		from = l.disk.former
	}
	l.disk.mu.Unlock()
	if from == nil {
		return store.Snapshot{}, false, err
	}
	l.mu.Lock()
	l.base = from
	l.mu.Unlock()
	return *merge(nil, *from), true, err
}
