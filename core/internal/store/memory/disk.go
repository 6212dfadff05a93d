// Package memory implements [store.Log] in memory for tests, with injected faults.
package memory

import (
	"bytes"
	"slices"
	"sync"

	"patchbay/core/internal/store"
)

// recordOverhead is added to the size of each record, as a real engine does.
const recordOverhead = 32

// Disk holds the data of a [Log]. To simulate a crash, open another log without closing the first. All methods of Disk
// and Log are safe for concurrent use.
type Disk struct {
	cap uint64

	mu      sync.Mutex // guards the fields below and those of the logs
	first   uint64
	records [][]byte // records[i] has sequence first+i; nil if lost
	bytes   uint64

	damaged          []store.Damaged
	newest, previous *store.Snapshot
	damage           string // of the newest snapshot
}

// NewDisk returns an empty disk for a log with a cap of limit bytes; 0 means no limit.
func NewDisk(limit uint64) *Disk {
	if limit == 0 {
		limit = 1 << 40
	}
	return &Disk{cap: limit, first: 1}
}

// Open returns a log on the disk. Several open logs are rival writers.
func (d *Disk) Open() *Log { return &Log{disk: d} }

// Lose makes a record unreadable.
func (d *Disk) Lose(seq uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.get(seq) != nil {
		d.bytes -= uint64(len(d.get(seq))) + recordOverhead
		d.records[seq-d.first] = nil
	}
}

// DamageSnapshot makes the newest snapshot unreadable. LoadSnapshot's error contains reason.
func (d *Disk) DamageSnapshot(reason string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.damage = reason
}

func (d *Disk) last() uint64 { return d.first + uint64(len(d.records)) - 1 }

func (d *Disk) free() uint64 { return store.Overflow*d.cap - d.bytes }

func (d *Disk) get(seq uint64) []byte {
	if seq < d.first || seq > d.last() {
		return nil
	}
	return d.records[seq-d.first]
}

func (d *Disk) append(record []byte) {
	d.records = append(d.records, bytes.Clone(record))
	d.bytes += uint64(len(record)) + recordOverhead
}

func (d *Disk) missingRanges() (found []store.Range) {
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

// DamageRecord makes a record unreadable, except its first n bytes.
func (d *Disk) DamageRecord(seq uint64, n int) {
	d.mu.Lock()
	record := bytes.Clone(d.get(seq))
	d.mu.Unlock()
	d.Lose(seq)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.damaged = append(d.damaged, store.Damaged{After: seq - 1, Record: record[:min(n, len(record))]})
}

// Clone returns a copy of the disk. Log.Damaged returns nothing for the copy.
func (d *Disk) Clone() *Disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	return &Disk{
		cap: d.cap, first: d.first, records: slices.Clone(d.records), bytes: d.bytes,
		newest: d.newest, previous: d.previous, damage: d.damage,
	}
}
