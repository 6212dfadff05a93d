package jetstream

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	js "github.com/nats-io/nats.go/jetstream"

	"patchbay/core/internal/store"
)

// pieceSize is the size limit of a message of a snapshot. With its header the message stays below maxPayload.
const pieceSize = 960 << 10

// pieceTimeout limits the write of one message of a snapshot.
const pieceTimeout = 10 * time.Second

// blob locates stored bytes: they start at Offset in the message First and continue in the following messages.
type blob struct {
	First  uint64 `json:"first"`
	Offset int    `json:"offset"`
	Size   int    `json:"size"`
	Sum    []byte `json:"sum"` // SHA-256
}

// blobReader reads blobs. It keeps the last message for the next blob.
type blobReader struct {
	stream js.Stream
	seq    uint64
	piece  []byte
}

// read returns the bytes of b. It fails with store.ErrDamaged if a message is missing or the checksum differs.
func (r *blobReader) read(ctx context.Context, b blob) ([]byte, error) {
	data := make([]byte, 0, max(b.Size, 0))
	offset := b.Offset
	for seq := b.First; len(data) < b.Size; seq++ {
		if err := r.load(ctx, seq); err != nil {
			return nil, err
		}
		if offset < 0 || offset >= len(r.piece) {
			return nil, fmt.Errorf("%w: message %d has %d bytes, and the blob starts at %d",
				store.ErrDamaged, seq, len(r.piece), offset)
		}
		rest := r.piece[offset:]
		data = append(data, rest[:min(len(rest), b.Size-len(data))]...)
		offset = 0
	}
	if sum := sha256.Sum256(data); !bytes.Equal(sum[:], b.Sum) {
		return nil, fmt.Errorf("%w: wrong checksum of %d bytes starting at message %d", store.ErrDamaged, b.Size, b.First)
	}
	return data, nil
}

func (r *blobReader) load(ctx context.Context, seq uint64) error {
	if r.seq == seq && seq != 0 {
		return nil
	}
	piece, err := getMessage(ctx, r.stream, seq)
	if errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("%w: message %d is missing", store.ErrDamaged, seq)
	}
	if err != nil {
		return err
	}
	r.seq, r.piece = seq, piece
	return nil
}

// byPlace orders bucket numbers by position in the stream, so that a blobReader reads each message once.
func byPlace(of map[uint32]blob) func(a, b uint32) int {
	return func(a, b uint32) int {
		x, y := of[a], of[b]
		return cmp.Or(cmp.Compare(x.First, y.First), cmp.Compare(x.Offset, y.Offset))
	}
}

// blobWriter writes blobs to the snapshot stream, packed into messages of pieceSize bytes.
type blobWriter struct {
	log    *Log
	engine *engine
	last   uint64 // sequence of the newest message
	piece  []byte // buffered message
}

// write adds data to the stream and returns its place. The data is readable after the next flush.
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

// flush writes the buffered message.
func (w *blobWriter) flush(ctx context.Context) error {
	if len(w.piece) == 0 {
		return nil
	}
	err := w.publish(ctx, snapshotData, w.piece)
	w.piece = w.piece[:0]
	return err
}

// publish writes one message. After sending, it waits for the acknowledgement even if ctx ends: without it, the outcome
// would be unknown and the server would have to restart.
func (w *blobWriter) publish(ctx context.Context, subject string, data []byte) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	err := w.engine.snapshotPublisher.publish(context.WithoutCancel(ctx), subject, w.last, data, pieceTimeout)
	switch {
	case errors.Is(err, errStoreRefused), errors.Is(err, store.ErrUnavailable):
		w.log.inDoubt.Store(true)
		return err
	case err != nil:
		return err
	}
	w.last++
	return nil
}
