// Package store is the port to the durable journal: the sequence of records that one writer commits, and the snapshots
// of the state that the records add up to. The engines behind it are package jetstream (durable) and package memory
// (deterministic, for tests); package storetest holds the rules that both must keep.
package store

import "context"

// MaxRecord is the largest record, in bytes, that a [Log] takes.
const MaxRecord = 512 << 10

// Log is the durable journal of one writer. Sequences start at 1 and grow by one with each record.
//
// Append, Recover and Purge belong to one goroutine, the writer; SaveSnapshot and LoadSnapshot to one goroutine at a
// time, which may be another one. Get, Read, Bounds and Health may be called by anyone at any time. A context that
// ends makes a call return early; an Append that ends so is in doubt like any other that failed with [ErrUnavailable].
type Log interface {
	// Append commits one record of 1 to [MaxRecord] bytes. It succeeds only if the sequence of the newest record is
	// last; the record then has sequence last+1 and is on disk when Append returns nil. The log doesn't keep a
	// reference to record.
	//
	// Failures are told apart with [errors.Is]. [ErrFenced]: somebody else has appended, nothing was stored.
	// [ErrFull]: the cap or the reserve of the disk is reached, nothing was stored. [ErrRecordSize]: the record has a
	// size that is not allowed, nothing was stored. [ErrUnavailable]: it is not known whether the record was stored;
	// every further Append fails the same way until Recover has succeeded.
	Append(ctx context.Context, last uint64, record []byte) error

	// Recover makes the log usable after [ErrUnavailable] and returns the sequence of the newest record. Whoever was
	// in doubt compares: last+1 says that the record in doubt was stored, last says that it was not and never will
	// be. Recover may take as long as a start and may wait for free space; it fails with [ErrUnavailable] or [ErrFull]
	// when it must be tried again later.
	Recover(ctx context.Context) (last uint64, err error)

	// Get returns the record with the sequence seq, or [ErrNotFound] if it was purged, lost, or is not written yet.
	// The caller owns the bytes.
	Get(ctx context.Context, seq uint64) ([]byte, error)

	// Read calls fn with each record from the sequence from (or the first one that is left) up to the newest one at
	// the time of the call, in order. A record that is missing is skipped: fn sees a sequence jump and [Health] lists
	// it. An error of fn ends Read and is returned as it is. record is valid until fn returns; fn may call Get and
	// Append.
	Read(ctx context.Context, from uint64, fn func(seq uint64, record []byte) error) error

	// Bounds returns the extent of the log. It costs no I/O.
	Bounds() Bounds

	// Purge drops the records with a sequence lower than before; a before beyond the newest record drops all of them.
	// It never changes the sequence of the next record. Their room is free for new records when Purge returns; the
	// disk may get it back later.
	Purge(ctx context.Context, before uint64) error

	// SaveSnapshot stores s and makes it the newest snapshot, or fails and leaves the former one whole, also in a
	// crash. The log doesn't keep a reference to the buckets. It fails with [ErrNoBase] if s.Keep is set and this Log
	// has neither saved nor loaded a snapshot, and with [ErrFull] if there is no room.
	SaveSnapshot(ctx context.Context, s Snapshot) error

	// LoadSnapshot returns the newest whole snapshot, with all its buckets; the caller owns them. found is false if
	// there is none. An error that matches [ErrDamaged] says which newer snapshots were passed over and what is wrong
	// with them; then found tells whether an older one stands in, and the caller must check that the log still reaches
	// back to it. Any other error means that it is not known what is stored.
	LoadSnapshot(ctx context.Context) (s Snapshot, found bool, err error)

	// Health says whether new input should be taken. It costs no I/O and is up to a second old.
	Health() Health

	// Close ends the log, waits until everything is on disk and gives up the claim on the store. Only the first call
	// does something; other calls on a closed log fail with [ErrClosed].
	Close() error
}

// Bounds is the extent of a log.
type Bounds struct {
	// First is the sequence of the oldest record; Last+1 if the log is empty.
	First uint64
	// Last is the sequence of the newest record, also when that one was purged; 0 if there never was one.
	Last uint64
	// Bytes is the room that the records take, with the overhead of the engine.
	Bytes uint64
	// Cap is the number of Bytes at which Append fails with [ErrFull].
	Cap uint64
}

// Empty reports whether the log holds no record.
func (b Bounds) Empty() bool { return b.First > b.Last }

// Snapshot is the state that the records up to one sequence add up to. The store doesn't look into it.
type Snapshot struct {
	// Seq is the sequence of the last record that the snapshot reflects.
	Seq uint64
	// Buckets holds the parts of the state by number, each of any size. An empty bucket is the same as none.
	Buckets map[uint32][]byte
	// Keep carries the buckets that are not in Buckets over from the base: the snapshot that this Log has saved or
	// loaded last. An empty bucket in Buckets removes one from the base. LoadSnapshot never sets it.
	Keep bool
	// Meta is what the caller wants to know before it reads the buckets. It is never carried over.
	Meta []byte
}

// Health is the condition of a log.
type Health struct {
	// Writable says that new input should be taken. It turns false before Append starts to fail, so that what is under
	// way can still be committed.
	Writable bool
	// Reason says for an operator why the log is not writable, and what to do. Empty if it is.
	Reason string
	// Free is the space left on the disk, in bytes.
	Free uint64
	// Missing lists the records that were acknowledged, not purged, and can't be read: the damage that the start and
	// the reads since have found.
	Missing []Range
}

// Range is a range of sequences, both ends included.
type Range struct{ First, Last uint64 }
