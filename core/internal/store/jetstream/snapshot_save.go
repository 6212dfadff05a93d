package jetstream

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	js "github.com/nats-io/nats.go/jetstream"

	"patchbay/core/internal/store"
)

const (
	// pieceTimeout is how long one message of a snapshot may take.
	pieceTimeout = 10 * time.Second
	// snapshotSlack is how many bytes of former snapshots may lie about before all buckets are written anew.
	snapshotSlack = 8 << 20
)

// SaveSnapshot implements [store.Log].
func (l *Log) SaveSnapshot(ctx context.Context, s store.Snapshot) error {
	l.saving.Lock()
	defer l.saving.Unlock()
	if err := l.saveSnapshot(ctx, s); err != nil {
		return fmt.Errorf("save snapshot of record %d: %w", s.Seq, err)
	}
	return nil
}

func (l *Log) saveSnapshot(ctx context.Context, s store.Snapshot) error {
	e, err := l.running()
	switch {
	case err != nil:
		return err
	case l.doubt.Load():
		return fmt.Errorf("%w: an earlier write is in doubt", store.ErrUnavailable)
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
	if err := w.publish(ctx, l.names.snapshotCommit, text); err != nil {
		return err
	}
	next.place(c, w.last)
	former := l.base
	l.base = next
	l.dropSnapshots(ctx, e, former)
	return nil
}

// writeSnapshot writes everything but the commit.
func (l *Log) writeSnapshot(
	ctx context.Context, w *blobWriter, s store.Snapshot, stored js.StreamState,
) (*manifest, commit, error) {
	next := &manifest{Reflects: s.Seq, Meta: s.Meta, Buckets: map[uint32]blob{}}
	kept, err := l.carryOver(ctx, w, s, stored)
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
			return nil, commit{}, fmt.Errorf("bucket %d: %w", number, err)
		}
	}
	text, err := json.Marshal(next)
	if err != nil {
		return nil, commit{}, fmt.Errorf("encode the manifest: %w", err)
	}
	c := commit{Reflects: s.Seq}
	if l.base != nil {
		c.Former = l.base.commit
	}
	if c.Manifest, err = w.write(ctx, text); err != nil {
		return nil, commit{}, fmt.Errorf("manifest: %w", err)
	}
	return next, c, w.flush(ctx)
}

// carryOver returns the places of the buckets that s keeps. It writes them anew when too much of the stream is taken
// by what no snapshot needs any more, because a stream can only be purged from its start.
func (l *Log) carryOver(
	ctx context.Context, w *blobWriter, s store.Snapshot, stored js.StreamState,
) (map[uint32]blob, error) {
	size := uint64(len(s.Meta)) + snapshotSlack/2
	for _, data := range s.Buckets {
		size += uint64(len(data))
	}
	if !s.Keep {
		return nil, l.room(size)
	}
	kept := maps.Clone(l.base.Buckets)
	maps.DeleteFunc(kept, func(number uint32, _ blob) bool { _, changed := s.Buckets[number]; return changed })
	live := l.base.live()
	if stored.Bytes <= 3*live+snapshotSlack {
		return kept, l.room(size)
	}
	if err := l.room(size + live); err != nil {
		return nil, err
	}
	reader := &blobReader{stream: w.engine.snapshotStream}
	for _, number := range slices.SortedFunc(maps.Keys(kept), byPlace(kept)) {
		data, err := reader.read(ctx, kept[number])
		if err != nil {
			return nil, fmt.Errorf("carry bucket %d over: %w", number, err)
		}
		if kept[number], err = w.write(ctx, data); err != nil {
			return nil, fmt.Errorf("carry bucket %d over: %w", number, err)
		}
	}
	return kept, nil
}

// dropSnapshots purges what neither the newest snapshot nor the former one needs.
func (l *Log) dropSnapshots(ctx context.Context, e *engine, former *manifest) {
	floor := l.base.floor
	if former != nil {
		floor = min(floor, former.floor)
	}
	if err := e.snapshotStream.Purge(ctx, js.WithPurgeSequence(floor)); err != nil {
		l.logger.Warn("old snapshots stay on the disk until the next one", "error", err)
	}
}

// blobWriter packs blobs into messages of the snapshot stream.
type blobWriter struct {
	log    *Log
	engine *engine
	last   uint64 // the sequence of the newest message
	piece  []byte // the message that is being filled
}

// write adds data to the stream; flush must follow before the place that it returns can be read.
func (w *blobWriter) write(ctx context.Context, data []byte) (blob, error) {
	sum := sha256.Sum256(data)
	b := blob{First: w.last + 1, Offset: len(w.piece), Size: len(data), Sum: sum[:]}
	for len(data) > 0 {
		n := min(len(data), pieceSize-len(w.piece))
		w.piece = append(w.piece, data[:n]...)
		data = data[n:]
		if len(w.piece) < pieceSize {
			break
		}
		if err := w.flush(ctx); err != nil {
			return blob{}, err
		}
	}
	return b, nil
}

// flush sends the message that is being filled.
func (w *blobWriter) flush(ctx context.Context) error {
	if len(w.piece) == 0 {
		return nil
	}
	err := w.publish(ctx, w.log.names.snapshotData, w.piece)
	w.piece = w.piece[:0]
	return err
}

// publish sends one message. It looks at ctx only before, because an answer that nobody waits for means a restart.
func (w *blobWriter) publish(ctx context.Context, subject string, data []byte) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	err := w.engine.snapshotPublisher.publish(context.WithoutCancel(ctx), subject, w.last, data, pieceTimeout)
	switch {
	case errors.Is(err, errStoreRefused):
		return fmt.Errorf("%w: the cap of %d bytes for snapshots is reached: %w", store.ErrFull, w.log.limit, err)
	case errors.Is(err, store.ErrUnavailable):
		w.log.doubt.Store(true)
		return err
	case err != nil:
		return err
	}
	w.last++
	return nil
}
