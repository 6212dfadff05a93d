package memory

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"patchbay/core/internal/store"
)

// Log is a [store.Log] on a [Disk].
type Log struct {
	disk   *Disk
	faults []Fault
	hook   func(context.Context, Op) error
	health *store.Health
	base   *store.Snapshot

	inDoubt, closed bool
}

var _ store.Log = (*Log)(nil)

// run checks whether the call is possible, runs the hook, and then fn with the lock held.
func (l *Log) run(ctx context.Context, op Op, fn func(d *Disk) error) error {
	l.disk.mu.Lock()
	hook, closed, inDoubt := l.hook, l.closed, l.inDoubt
	l.disk.mu.Unlock()
	var err error
	switch {
	case closed:
		err = store.ErrClosed
	case inDoubt && op == OpAppend:
		err = store.ErrUnavailable
	case hook != nil:
		err = hook(ctx, op)
	}
	if err = cmp.Or(err, ctx.Err()); err == nil {
		l.disk.mu.Lock()
		defer l.disk.mu.Unlock()
		err = fn(l.disk)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	return nil
}

// Append implements [store.Log].
func (l *Log) Append(ctx context.Context, last uint64, record []byte) error {
	if n := len(record); n == 0 || n > store.MaxRecord {
		return fmt.Errorf("append %d bytes: %w", n, store.ErrRecordSize)
	}
	return l.run(ctx, OpAppend, func(d *Disk) error {
		fault := None
		if len(l.faults) > 0 {
			fault, l.faults = l.faults[0], l.faults[1:]
		}
		switch {
		case fault == OtherWriter:
			d.append([]byte("record of a rival"))
			return store.ErrOtherWriter
		case d.last() != last:
			return fmt.Errorf("the log ends at %d: %w", d.last(), store.ErrOtherWriter)
		case fault == Full, d.bytes+uint64(len(record))+recordOverhead > store.Overflow*d.cap:
			return store.ErrFull
		}
		if fault != LostUnstored {
			d.append(record)
		}
		if fault != None {
			l.inDoubt = true
			return store.ErrUnavailable
		}
		return nil
	})
}

// Recover implements [store.Log].
func (l *Log) Recover(ctx context.Context) (last uint64, err error) {
	err = l.run(ctx, OpRecover, func(d *Disk) error {
		l.inDoubt, last = false, d.last()
		return nil
	})
	return last, err
}

// Get implements [store.Log].
func (l *Log) Get(ctx context.Context, seq uint64) (record []byte, err error) {
	err = l.run(ctx, OpGet, func(d *Disk) error {
		if record = bytes.Clone(d.get(seq)); record == nil {
			return fmt.Errorf("record %d: %w", seq, store.ErrNotFound)
		}
		return nil
	})
	return record, err
}

// Read implements [store.Log].
func (l *Log) Read(ctx context.Context, from uint64, fn func(seq uint64, record []byte) error) error {
	if err := l.run(ctx, OpRead, func(*Disk) error { return nil }); err != nil {
		return err
	}
	b := l.Bounds()
	for seq := max(from, b.First); seq <= b.Last; seq++ {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("read: %w", err)
		}
		l.disk.mu.Lock()
		record := bytes.Clone(l.disk.get(seq))
		l.disk.mu.Unlock()
		if record == nil {
			continue
		}
		if err := fn(seq, record); err != nil {
			return err
		}
	}
	return nil
}

// Bounds implements [store.Log].
func (l *Log) Bounds() store.Bounds {
	d := l.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	return store.Bounds{First: d.first, Last: d.last(), Bytes: d.bytes, Cap: d.cap}
}

// Purge implements [store.Log].
func (l *Log) Purge(ctx context.Context, before uint64) error {
	return l.run(ctx, OpPurge, func(d *Disk) error {
		for d.first < before && len(d.records) > 0 {
			if r := d.records[0]; r != nil {
				d.bytes -= uint64(len(r)) + recordOverhead
			}
			d.records, d.first = d.records[1:], d.first+1
		}
		return nil
	})
}

// SaveSnapshot implements [store.Log].
func (l *Log) SaveSnapshot(ctx context.Context, s store.Snapshot) error {
	return l.run(ctx, OpSave, func(d *Disk) error {
		next := &store.Snapshot{Seq: s.Seq, Meta: bytes.Clone(s.Meta), Buckets: map[uint32][]byte{}}
		switch {
		case s.Keep && l.base == nil:
			return store.ErrNoBase
		case s.Keep:
			maps.Copy(next.Buckets, l.base.Buckets)
		}
		for n, b := range s.Buckets {
			next.Buckets[n] = bytes.Clone(b)
		}
		maps.DeleteFunc(next.Buckets, func(_ uint32, b []byte) bool { return len(b) == 0 })
		d.previous, d.newest, d.damage, l.base = d.newest, next, "", next
		return nil
	})
}

// LoadSnapshot implements [store.Log].
func (l *Log) LoadSnapshot(ctx context.Context) (s store.Snapshot, found bool, err error) {
	err = l.run(ctx, OpLoad, func(d *Disk) error {
		var damage error
		from := d.newest
		if from != nil && d.damage != "" {
			damage = fmt.Errorf("snapshot of record %d: %s: %w", from.Seq, d.damage, store.ErrDamaged)
			from = d.previous
		}
		if from == nil {
			return damage
		}
		l.base, s, found = from, *from, true
		s.Meta, s.Buckets = bytes.Clone(s.Meta), map[uint32][]byte{}
		for n, b := range from.Buckets {
			s.Buckets[n] = bytes.Clone(b)
		}
		return damage
	})
	return s, found, err
}

// Health implements [store.Log].
func (l *Log) Health() store.Health {
	l.disk.mu.Lock()
	defer l.disk.mu.Unlock()
	if l.health != nil {
		return *l.health
	}
	h := store.Health{Writable: true, Free: l.disk.free(), Missing: l.disk.missingRanges(), Limit: l.disk.cap}
	switch {
	case l.closed:
		h.Writable, h.Reason = false, "the log is closed"
	case l.inDoubt:
		h.Writable, h.Reason = false, "the outcome of the last append is unknown"
	case l.disk.bytes > l.disk.cap/10*9:
		h.Writable, h.Full, h.Reason = false, true, "the log is nearly full"
	}
	return h
}

// Close implements [store.Log].
func (l *Log) Close() error {
	l.disk.mu.Lock()
	defer l.disk.mu.Unlock()
	if l.closed {
		return fmt.Errorf("close: %w", store.ErrClosed)
	}
	l.closed = true
	return nil
}

// Damaged implements [store.Log].
func (l *Log) Damaged() []store.Damaged {
	l.disk.mu.Lock()
	defer l.disk.mu.Unlock()
	return slices.Clone(l.disk.damaged)
}
