package jetstream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"golang.org/x/sync/errgroup"

	"patchbay/core/internal/store"
)

// snapshotReaders is the number of concurrent reads of a snapshot. The server copies and checks each message of a read
// in one goroutine, so a single reader would use only one processor.
const snapshotReaders = 4

// LoadSnapshot implements [store.Log].
func (l *Log) LoadSnapshot(ctx context.Context) (store.Snapshot, bool, error) {
	l.snapshotMu.Lock()
	defer l.snapshotMu.Unlock()
	e, err := l.runningEngine()
	if err != nil {
		return store.Snapshot{}, false, fmt.Errorf("load snapshot: %w", err)
	}
	s, m, err := l.loadSnapshot(ctx, e)
	if err != nil && !errors.Is(err, store.ErrDamaged) {
		return store.Snapshot{}, false, fmt.Errorf("load snapshot: %w", err)
	}
	if err != nil {
		err = fmt.Errorf("load snapshot: %w", err)
	}
	if m == nil {
		return store.Snapshot{}, false, err
	}
	l.base = m
	return s, true, err
}

// loadSnapshot returns the newest intact snapshot. A store.ErrDamaged error describes the newer snapshots that it
// skipped.
func (l *Log) loadSnapshot(ctx context.Context, e *engine) (store.Snapshot, *manifest, error) {
	at, c, err := lastCommit(ctx, e)
	if errors.Is(err, store.ErrNotFound) {
		return store.Snapshot{}, nil, nil
	}
	var damage error
	for err == nil {
		s, m, problem := readSnapshot(ctx, e, c)
		if problem == nil {
			m.setPlace(c, at)
			return s, m, damage
		}
		problem = fmt.Errorf("snapshot of record %d: %w", c.LastRecord, problem)
		if !errors.Is(problem, store.ErrDamaged) {
			return store.Snapshot{}, nil, problem
		}
		damage = errors.Join(damage, problem)
		if c.Previous == 0 || c.Previous >= at {
			return store.Snapshot{}, nil, damage
		}
		var text []byte
		at = c.Previous
		if text, err = getMessage(ctx, e.snapshotStream, at); err == nil {
			c, err = decodeCommit(text)
		}
	}
	switch {
	case errors.Is(err, store.ErrNotFound): // the previous snapshot is purged
		return store.Snapshot{}, nil, damage
	case errors.Is(err, store.ErrDamaged):
		return store.Snapshot{}, nil, errors.Join(damage, err)
	}
	return store.Snapshot{}, nil, err
}

// readSnapshot reads the snapshot of a commit.
func readSnapshot(ctx context.Context, e *engine, c commit) (store.Snapshot, *manifest, error) {
	reader := &blobReader{stream: e.snapshotStream}
	text, err := reader.read(ctx, c.Manifest)
	if err != nil {
		return store.Snapshot{}, nil, fmt.Errorf("read the manifest: %w", err)
	}
	m := new(manifest)
	if err := json.Unmarshal(text, m); err != nil {
		return store.Snapshot{}, nil, fmt.Errorf("%w: decode the manifest: %w", store.ErrDamaged, err)
	}
	buckets, err := readBuckets(ctx, e, m)
	return store.Snapshot{Seq: m.LastRecord, Meta: m.Meta, Buckets: buckets}, m, err
}

// readBuckets reads the buckets of a snapshot with several readers. Each reads a part of the stream.
func readBuckets(ctx context.Context, e *engine, m *manifest) (map[uint32][]byte, error) {
	numbers := slices.SortedFunc(maps.Keys(m.Buckets), byPlace(m.Buckets))
	read := make([][]byte, len(numbers))
	readers, ctx := errgroup.WithContext(ctx)
	part := len(numbers)/snapshotReaders + 1
	for from := 0; from < len(numbers); from += part {
		readers.Go(func() (err error) {
			reader := &blobReader{stream: e.snapshotStream}
			for i, number := range numbers[from:min(from+part, len(numbers))] {
				if read[from+i], err = reader.read(ctx, m.Buckets[number]); err != nil {
					return fmt.Errorf("read bucket %d: %w", number, err)
				}
			}
			return nil
		})
	}
	if err := readers.Wait(); err != nil {
		return nil, err
	}
	buckets := make(map[uint32][]byte, len(numbers))
	for i, number := range numbers {
		buckets[number] = read[i]
	}
	return buckets, nil
}
