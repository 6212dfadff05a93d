package trail

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"patchbay/core/internal/conversation"
	"patchbay/core/internal/store"
)

// slack is how far the clock may have been put back between two records without hiding one from a search by time.
const slack = 2 * time.Minute

// start returns the sequence to search from, and the live conversations that ids belong to.
func (t *Trail) start(ctx context.Context, q Query) (from uint64, live map[string][]string, err error) {
	if err := t.book.View(ctx, func(b *conversation.State) { live = b.Lookup(q.IDs) }); err != nil {
		return 0, nil, err
	}
	var known []string
	for _, id := range q.IDs {
		switch _, ours := timeOf(id); {
		case ours:
			known = append(append(known, id), live[id]...)
		case q.All || len(live[id]) == 0:
			return 0, live, nil
		default:
			known = append(known, live[id]...)
		}
	}
	oldest, ok := earliest(known)
	if !ok {
		return 0, live, nil
	}
	from, err = t.since(ctx, oldest)
	return from, live, err
}

// earliest returns when the first of ids was made; false if one of them does not say.
func earliest(ids []string) (time.Time, bool) {
	var first time.Time
	for _, id := range ids {
		if id == "" {
			continue
		}
		at, ok := timeOf(id)
		if !ok {
			return time.Time{}, false
		}
		if first.IsZero() || at.Before(first) {
			first = at
		}
	}
	return first, !first.IsZero()
}

// since returns a sequence such that no record before it was written at that time or later.
func (t *Trail) since(ctx context.Context, at time.Time) (uint64, error) {
	at = at.Add(-slack)
	b := t.log.Bounds()
	low, high := b.First, b.Last+1
	for low < high {
		mid := low + (high-low)/2
		seq, data, err := t.next(ctx, mid, high)
		if err != nil {
			return 0, err
		}
		if data == nil { // nothing left there to tell
			return low, nil
		}
		if writtenAt(data).Before(at) {
			low = seq + 1
		} else {
			high = mid
		}
	}
	return low, nil
}

// next returns the first of a few records from seq on that can be read; nil if none of them can.
func (t *Trail) next(ctx context.Context, seq, end uint64) (uint64, []byte, error) {
	const few = 64
	for end = min(end, seq+few); seq < end; seq++ {
		data, err := t.log.Get(ctx, seq)
		if err == nil {
			return seq, data, nil
		}
		if !errors.Is(err, store.ErrNotFound) {
			return 0, nil, err
		}
	}
	return 0, nil, nil
}

// errEnough ends a scan.
var errEnough = errors.New("enough")

// scan calls see with each record from from on and before upto; 0 is the end of the log. It tells how far it came if
// the time is up.
func (t *Trail) scan(ctx context.Context, from, upto uint64, see func(seq uint64, data []byte) error) error {
	began, last := time.Now(), from
	err := t.log.Read(ctx, from, func(seq uint64, data []byte) error {
		if upto != 0 && seq >= upto {
			return errEnough
		}
		last = seq
		if err := see(seq, data); err != nil {
			return fmt.Errorf("read record %d: %w", seq, err)
		}
		return ctx.Err()
	})
	switch {
	case err == nil, errors.Is(err, errEnough):
		return nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		b := t.log.Bounds()
		return fmt.Errorf("the time was up after %s at record %d, of %d to %d that are kept; ask for an id of the gateway's own "+
			"or of a live conversation, which takes less: %w", time.Since(began).Round(time.Millisecond), last, b.First, b.Last, err)
	}
	return err
}

// writtenAt returns the time of an encoded record, its field `at`.
func writtenAt(record []byte) time.Time {
	var at uint64
	fields(record, func(n protowire.Number, typ protowire.Type, value []byte) {
		if n == 3 && typ == protowire.VarintType {
			at, _ = protowire.ConsumeVarint(value)
		}
	})
	return time.Unix(0, int64(at))
}

// opens reports whether an encoded record opens a conversation: whether one of its `changes` has `opened`.
func opens(record []byte) bool {
	found := false
	fields(record, func(n protowire.Number, typ protowire.Type, value []byte) {
		if n != 5 || typ != protowire.BytesType || found {
			return
		}
		change, _ := protowire.ConsumeBytes(value)
		fields(change, func(n protowire.Number, _ protowire.Type, _ []byte) { found = found || n == 3 })
	})
	return found
}

// fields calls f with each field of an encoded message, until one can't be read.
func fields(message []byte, f func(n protowire.Number, typ protowire.Type, value []byte)) {
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
