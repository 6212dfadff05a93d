// Package store defines the interface to the durable log: the sequence of records that one writer commits, and the
// snapshots of the state that those records produce. Package jetstream implements it durably, package memory implements
// it for tests, and package storetest is the test suite that both pass.
package store

import "context"

// MaxRecord is the size limit of one record in bytes.
const MaxRecord = 512 << 10

// Overflow is the size of the log at which Append fails, as a multiple of the cap. The log accepts no new input long
// before, see [Health]. The rest is for the outcomes of pending deliveries. They must be stored, because only they let
// the writer purge records.
const Overflow = 2

// Log is the durable log of one writer. Sequences start at 1 and grow by one with each record.
//
// One goroutine, the writer, calls Append, Recover and Purge. One goroutine at a time calls SaveSnapshot and
// LoadSnapshot. Get, Read, Bounds and Health are safe for concurrent use. A call returns when its context ends. If an
// Append has sent its record before, it fails with [ErrUnavailable].
type Log interface {
	// Append commits one record of 1 to [MaxRecord] bytes if last is the sequence of the newest record. When Append
	// returns nil, the record has sequence last+1 and is synced to disk. Append keeps no reference to record.
	//
	// After [ErrOtherWriter], [ErrFull] and [ErrRecordSize] the record is not stored. After [ErrUnavailable] the
	// outcome is unknown, and each further Append fails with ErrUnavailable until Recover succeeds.
	Append(ctx context.Context, last uint64, record []byte) error

	// Recover makes the log usable after [ErrUnavailable] and returns the sequence of the newest record. If it is one
	// higher than before, the record with unknown outcome was stored. Otherwise that record will never be stored.
	// Recover can take as long as a start and can wait for free disk space. After [ErrUnavailable] or [ErrFull] call it
	// again later.
	Recover(ctx context.Context) (last uint64, err error)

	// Get returns the record with the given sequence, or [ErrNotFound] if it is purged, lost or not written yet. The
	// caller owns the bytes.
	Get(ctx context.Context, seq uint64) ([]byte, error)

	// Read calls fn with each record in order, from the given sequence or the oldest remaining record up to the newest
	// record at the time of the call. It skips missing records: fn sees the sequence jump, and Health lists the gap.
	// Read returns an error of fn unchanged. record is valid until fn returns. fn may call Get and Append.
	Read(ctx context.Context, from uint64, fn func(seq uint64, record []byte) error) error

	// Bounds returns the extent of the log without I/O.
	Bounds() Bounds

	// Purge deletes the records whose sequence is less than the argument before. It does nothing while a backup runs.
	// The sequence of the next record does not change, even if Purge deletes all records. When Purge returns, the
	// deleted records do not count towards the cap any more; their disk space may become free later.
	Purge(ctx context.Context, before uint64) error

	// SaveSnapshot stores s as the newest snapshot. If it fails or the process crashes, the previous snapshot stays
	// intact. SaveSnapshot keeps no reference to the buckets. It fails with [ErrNoBase] if s.Keep is set and this Log
	// has neither saved nor loaded a snapshot, and with [ErrFull] if there is no room.
	SaveSnapshot(ctx context.Context, s Snapshot) error

	// LoadSnapshot returns the newest intact snapshot with all its buckets, which the caller owns; found is false if
	// there is none. An [ErrDamaged] error describes damaged newer snapshots that LoadSnapshot skipped. found then
	// reports whether an older snapshot is returned, and the caller must check that the log still reaches back to it.
	// After any other error it is unknown which snapshots exist.
	LoadSnapshot(ctx context.Context) (s Snapshot, found bool, err error)

	// Damaged returns the contents of damaged records that Open removed from the log, as far as they are readable, for
	// reports. They may be incomplete or wrong.
	Damaged() []Damaged

	// Health reports whether the log accepts new input. It does no I/O and can be one second old.
	Health() Health

	// Close syncs the log, stops it and releases its lock. After the first Close all calls fail with [ErrClosed].
	Close() error
}

// Bounds is the extent of a log.
type Bounds struct {
	// First is the sequence of the oldest record, or Last+1 if the log is empty.
	First uint64
	// Last is the sequence of the newest record, including purged ones; 0 if no record was ever written.
	Last uint64
	// Bytes is the space that the records take, including the engine's overhead.
	Bytes uint64
	// Cap is the configured size of the log. Near it, the log accepts no new input, see [Health.Limit]. Append fails
	// with [ErrFull] at [Overflow] times Cap.
	Cap uint64
}

// Empty reports whether the log holds no record.
func (b Bounds) Empty() bool { return b.First > b.Last }

// Snapshot is the state after all records up to one sequence. The store does not interpret it.
type Snapshot struct {
	// Seq is the sequence of the last record that the snapshot includes.
	Seq uint64
	// Buckets holds the parts of the state by number, each of any size. An empty bucket equals a missing one.
	Buckets map[uint32][]byte
	// Keep means that the snapshot also has the buckets of the base that are not in Buckets. The base is the snapshot
	// that this Log saved or loaded last. An empty bucket in Buckets removes that bucket. LoadSnapshot never sets Keep.
	Keep bool
	// Meta describes the snapshot to the caller. It is not taken from the base.
	Meta []byte
}

// Health is the condition of a log.
type Health struct {
	// Writable means that the log accepts new input. It turns false before Append fails, so that pending work can
	// still be committed.
	Writable bool
	// Reason is the reason why the log is not writable, with the remedy. It is empty if the log is writable.
	Reason string
	// Full means that the disk or the log has too little free space, so that a Purge can help.
	Full bool
	// Free is the free space on the disk in bytes.
	Free uint64
	// Limit is the size of the records in bytes above which the log accepts no new input.
	Limit uint64
	// Missing lists the records that were acknowledged and not purged, but were unreadable at the start or in a Read.
	Missing []Range
}

// Damaged is the content of a damaged record.
type Damaged struct {
	After  uint64 // sequence of the last intact record before it
	Record []byte
}

// Range is a range of sequences including both ends.
type Range struct{ First, Last uint64 }
