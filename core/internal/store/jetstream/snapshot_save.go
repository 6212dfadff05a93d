package jetstream

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	js "github.com/nats-io/nats.go/jetstream"

	"patchbay/core/internal/disk"
	"patchbay/core/internal/store"
)

// If the snapshot stream exceeds three times the size of the base by more than snapshotSlack bytes, the kept buckets
// are copied.
const snapshotSlack = 8 << 20

// SaveSnapshot implements [store.Log].
func (l *Log) SaveSnapshot(ctx context.Context, s store.Snapshot) error {
	l.snapshotMu.Lock()
	defer l.snapshotMu.Unlock()
	if err := l.saveSnapshot(ctx, s); err != nil {
		return fmt.Errorf("save snapshot of record %d: %w", s.Seq, err)
	}
	return nil
}

func (l *Log) saveSnapshot(ctx context.Context, s store.Snapshot) error {
	e, err := l.runningEngine()
	switch {
	case err != nil:
		return err
	case l.inDoubt.Load():
		return fmt.Errorf("%w: the outcome of an earlier write is unknown", store.ErrUnavailable)
	case s.Keep && l.base == nil:
		return store.ErrNoBase
	}
	info, err := e.snapshotStream.Info(ctx)
	if err != nil {
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	w := &blobWriter{log: l, engine: e, last: info.State.LastSeq}
	next, c, err := l.writeSnapshot(ctx, w, s, info.State)
	if err != nil {
		return err
	}
	text, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("encode the commit: %w", err)
	}
	if err := w.publish(ctx, snapshotCommit, text); err != nil {
		return err
	}
	if err := disk.SyncFolder(filepath.Join(streamFolder(l.options.Dir, snapshotStream), "msgs")); err != nil {
		return fmt.Errorf("%w: sync the folder of the snapshots: %w", store.ErrUnavailable, err)
	}
	next.setPlace(c, w.last)
	previous := l.base
	l.base = next
	l.purgeSnapshots(ctx, e, previous)
	return nil
}

// writeSnapshot writes the buckets and the manifest, and returns the commit to write.
func (l *Log) writeSnapshot(
	ctx context.Context, w *blobWriter, s store.Snapshot, stored js.StreamState,
) (*manifest, commit, error) {
	next := &manifest{LastRecord: s.Seq, Meta: s.Meta, Buckets: map[uint32]blob{}}
	kept, err := l.keepBuckets(ctx, w, s, stored)
	if err != nil {
		return nil, commit{}, err
	}
	maps.Copy(next.Buckets, kept)
	for _, number := range slices.Sorted(maps.Keys(s.Buckets)) {
		data := s.Buckets[number]
		if len(data) == 0 {
			continue
		}
		if next.Buckets[number], err = w.write(ctx, data); err != nil {
			return nil, commit{}, fmt.Errorf("write bucket %d: %w", number, err)
		}
	}
	text, err := json.Marshal(next)
	if err != nil {
		return nil, commit{}, fmt.Errorf("encode the manifest: %w", err)
	}
	c := commit{LastRecord: s.Seq}
	if l.base != nil {
		c.Previous = l.base.commit
	}
	if c.Manifest, err = w.write(ctx, text); err != nil {
		return nil, commit{}, fmt.Errorf("write the manifest: %w", err)
	}
	return next, c, w.flush(ctx)
}

// keepBuckets returns the places of the buckets that s keeps. If unused data fills too much of the stream, keepBuckets
// copies these buckets to the end of the stream, because a stream can only be purged from its start.
func (l *Log) keepBuckets(
	ctx context.Context, w *blobWriter, s store.Snapshot, stored js.StreamState,
) (map[uint32]blob, error) {
	size := uint64(len(s.Meta)) + snapshotSlack/2
	for _, data := range s.Buckets {
		size += uint64(len(data))
	}
	if !s.Keep {
		return nil, l.checkReserve(size)
	}
	kept := maps.Clone(l.base.Buckets)
	maps.DeleteFunc(kept, func(number uint32, _ blob) bool { _, changed := s.Buckets[number]; return changed })
	baseSize := l.base.size()
	if stored.Bytes <= 3*baseSize+snapshotSlack {
		return kept, l.checkReserve(size)
	}
	if err := l.checkReserve(size + baseSize); err != nil {
		return nil, err
	}
	reader := &blobReader{stream: w.engine.snapshotStream}
	for _, number := range slices.SortedFunc(maps.Keys(kept), byPlace(kept)) {
		data, err := reader.read(ctx, kept[number])
		if err != nil {
			return nil, fmt.Errorf("copy bucket %d: %w", number, err)
		}
		if kept[number], err = w.write(ctx, data); err != nil {
			return nil, fmt.Errorf("copy bucket %d: %w", number, err)
		}
	}
	return kept, nil
}

// purgeSnapshots deletes the data that neither the newest nor the previous snapshot needs.
func (l *Log) purgeSnapshots(ctx context.Context, e *engine, previous *manifest) {
	floor := l.base.floor
	if previous != nil {
		floor = min(floor, previous.floor)
	}
	if err := e.snapshotStream.Purge(ctx, js.WithPurgeSequence(floor)); err != nil {
		l.logger.Warn("store cannot delete old snapshots; it tries again with the next snapshot", "error", err)
	}
}
