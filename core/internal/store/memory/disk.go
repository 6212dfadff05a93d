// Package memory is a [store.Log] without a disk, for tests: deterministic, with faults on demand.
package memory

import (
	"bytes"
	"maps"
	"slices"
	"sync"

	"patchbay/core/internal/store"
)

// recordOverhead is what each record costs beyond its bytes, so that a cap behaves like that of a real engine.
const recordOverhead = 32

// Disk is what outlives a [Log]: open one, drop it without Close, open the next, and it is as after a crash. All
// methods may be called at any time by anyone.
type Disk struct {
	cap uint64

	mu      sync.Mutex
	first   uint64
	records [][]byte // records[i] has sequence first+i; nil where it was lost
	bytes   uint64

	newest  *store.Snapshot
	former  *store.Snapshot
	damaged string
}

// NewDisk returns an empty disk on which a log may take up to limit bytes, or any number if limit is 0.
func NewDisk(limit uint64) *Disk {
	if limit == 0 {
		limit = 1 << 40
	}
	return &Disk{cap: limit, first: 1}
}

// Open returns a log over what the disk holds. Several may be open: they are rivals and the guard of Append decides.
func (d *Disk) Open() *Log {
	return &Log{disk: d}
}

// Lose makes the record with the sequence seq unreadable, as bit rot would.
func (d *Disk) Lose(seq uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if r, ok := d.at(seq); ok {
		d.bytes -= uint64(len(r)) + recordOverhead
		d.records[seq-d.first] = nil
	}
}

// DamageSnapshot makes the newest snapshot unreadable; reason becomes part of the error that LoadSnapshot returns.
func (d *Disk) DamageSnapshot(reason string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.damaged = reason
}

func (d *Disk) last() uint64 { return d.first + uint64(len(d.records)) - 1 }

func (d *Disk) at(seq uint64) ([]byte, bool) {
	if seq < d.first || seq > d.last() {
		return nil, false
	}
	r := d.records[seq-d.first]
	return r, r != nil
}

func (d *Disk) append(record []byte) {
	d.records = append(d.records, bytes.Clone(record))
	d.bytes += uint64(len(record)) + recordOverhead
}

func (d *Disk) purge(before uint64) {
	n := min(max(before, d.first), d.last()+1) - d.first
	for _, r := range d.records[:n] {
		if r != nil {
			d.bytes -= uint64(len(r)) + recordOverhead
		}
	}
	d.records = slices.Clone(d.records[n:])
	d.first += n
}

func (d *Disk) missing() []store.Range {
	var found []store.Range
	for i, r := range d.records {
		seq := d.first + uint64(i)
		switch n := len(found); {
		case r != nil:
		case n > 0 && found[n-1].Last == seq-1:
			found[n-1].Last = seq
		default:
			found = append(found, store.Range{First: seq, Last: seq})
		}
	}
	return found
}

// merge returns the snapshot that s describes over base, sharing no bytes with s.
func merge(base *store.Snapshot, s store.Snapshot) *store.Snapshot {
	merged := store.Snapshot{Seq: s.Seq, Meta: bytes.Clone(s.Meta), Buckets: map[uint32][]byte{}}
	if s.Keep {
		maps.Copy(merged.Buckets, base.Buckets)
	}
	for n, b := range s.Buckets {
		if len(b) == 0 {
			delete(merged.Buckets, n)
			continue
		}
		merged.Buckets[n] = bytes.Clone(b)
	}
	return &merged
}
