package trail

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"patchbay/core/internal/store"
)

// clockSlack is the largest clock correction between two records that a search by time tolerates.
const clockSlack = 2 * time.Minute

// sequenceAt returns the sequence of the first record written at the given time or later, or an earlier sequence.
func (t *Trail) sequenceAt(ctx context.Context, at time.Time) (uint64, error) {
	at = at.Add(-clockSlack)
	b := t.log.Bounds()
	low, high := b.First, b.Last+1
	for low < high {
		mid := low + (high-low)/2
		seq, record, err := t.nextRecord(ctx, mid, high)
		if err != nil {
			return 0, err
		}
		if record == nil { // no record could be read
			return low, nil
		}
		if writtenAt(record).Before(at) {
			low = seq + 1
		} else {
			high = mid
		}
	}
	return low, nil
}

// nextRecord returns the first readable record from seq on and before end. It tries at most 64 records, and returns nil
// if none of them is readable.
func (t *Trail) nextRecord(ctx context.Context, seq, end uint64) (uint64, []byte, error) {
	const tries = 64
	for end = min(end, seq+tries); seq < end; seq++ {
		record, err := t.log.Get(ctx, seq)
		if err == nil {
			return seq, record, nil
		}
		if !errors.Is(err, store.ErrNotFound) {
			return 0, nil, err
		}
	}
	return 0, nil, nil
}

// errScanned ends a scan at its last record.
var errScanned = errors.New("scanned")

// scan calls visit with each record whose sequence is at least from and less than end. If end is 0, it reads to the end
// of the log. After a timeout the error contains the progress.
func (t *Trail) scan(ctx context.Context, from, end uint64, visit func(seq uint64, record []byte) error) error {
	began, last := time.Now(), from
	err := t.log.Read(ctx, from, func(seq uint64, record []byte) error {
		if end != 0 && seq >= end {
			return errScanned
		}
		last = seq
		if err := visit(seq, record); err != nil {
			return fmt.Errorf("read record %d: %w", seq, err)
		}
		return ctx.Err()
	})
	switch {
	case err == nil, errors.Is(err, errScanned):
		return nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		b := t.log.Bounds()
		return fmt.Errorf("search the log: timeout after %s at record %d of %d to %d; use an id of the gateway or of a live "+
			"conversation, which needs no full scan: %w", time.Since(began).Round(time.Millisecond), last, b.First, b.Last, err)
	}
	return err
}

// Field numbers of an encoded journal.Record and journal.Change. Reading single fields is faster than decoding.
const (
	fieldRecordAt      = 3
	fieldRecordChanges = 5
	fieldChangeOpened  = 3
)

// writtenAt returns the time of an encoded record.
func writtenAt(record []byte) time.Time {
	var at uint64
	eachField(record, func(n protowire.Number, typ protowire.Type, value []byte) {
		if n == fieldRecordAt && typ == protowire.VarintType {
			at, _ = protowire.ConsumeVarint(value)
		}
	})
	return time.Unix(0, int64(at))
}

// opensConversation reports whether an encoded record opens a conversation.
func opensConversation(record []byte) bool {
	found := false
	eachField(record, func(n protowire.Number, typ protowire.Type, value []byte) {
		if n != fieldRecordChanges || typ != protowire.BytesType || found {
			return
		}
		change, _ := protowire.ConsumeBytes(value)
		eachField(change, func(n protowire.Number, _ protowire.Type, _ []byte) { found = found || n == fieldChangeOpened })
	})
	return found
}

// eachField calls f with each field of an encoded message. It stops at a malformed field.
func eachField(message []byte, f func(n protowire.Number, typ protowire.Type, value []byte)) {
	for len(message) > 0 {
		n, typ, size := protowire.ConsumeTag(message)
		if size < 0 {
			return
		}
		message = message[size:]
		if size = protowire.ConsumeFieldValue(n, typ, message); size < 0 {
			return
		}
		f(n, typ, message[:size])
		message = message[size:]
	}
}
